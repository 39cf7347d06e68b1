package httpapi

import (
	"sync/atomic"
	"time"
)

// labSecond is how the lab writes a time, in UTC here, up to the fraction of the second.
const labSecond = "2006-01-02 15:04:05."

// written is the second that was written last. A second is the same for all who ask within it.
var written atomic.Pointer[struct {
	unix int64
	text string
}]

// appendLabTime writes a time as the lab does: 2026-11-20 13:00:00.000000.
func appendLabTime(b []byte, t time.Time) []byte {
	last := written.Load()
	if unix := t.Unix(); last == nil || last.unix != unix {
		last = &struct {
			unix int64
			text string
		}{unix, t.UTC().Format(labSecond)}
		written.Store(last)
	}
	b = append(b, last.text...)
	us := t.Nanosecond() / 1000
	for digit := 100_000; digit > 0; digit /= 10 {
		b = append(b, byte('0'+us/digit%10))
	}
	return b
}
