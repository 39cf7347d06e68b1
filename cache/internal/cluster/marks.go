package cluster

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// marks are the marks of a state in Redis: all that were there at a number of its clock, and some that came later.
type marks struct {
	inc  Token
	seq  uint64
	list []fence.Mark
}

// marksAtOnce is about how many fields of the state one command reads.
const marksAtOnce = 4000

// readMarks reads the marks before this replica registers, while it is subscribed to the bus already: what is
// invalidated from their number on, the bus brings. So a replica checks the fences of values from before its session
// by its own marks, as it does those of later ones.
//
// HSCAN may miss what is put in or taken out while it runs. No mark is taken out of a state but with all of it, and
// then its incarnation is another one when the replica registers.
func (s *session) readMarks() (marks, error) {
	var m marks
	ctx, client, state := s.ctx, s.redis.values, s.names.state()
	at, err := client.HMGet(ctx, state, "inc", "seq").Result()
	if err != nil {
		return m, fmt.Errorf("read the marks: %w", err)
	}
	inc, there := at[0].(string)
	if !there {
		return m, nil
	}
	seq, _ := at[1].(string)
	if m.inc, err = parseToken(inc); err == nil {
		m.seq, err = strconv.ParseUint(seq, 10, 64)
	}
	for cursor, begun := uint64(0), false; err == nil && (cursor > 0 || !begun); begun = true {
		var fields []string
		fields, cursor, err = client.HScan(ctx, state, cursor, "", marksAtOnce).Result()
		m.add(fields)
	}
	if err != nil {
		return m, fmt.Errorf("read the marks: %w", err)
	}
	return m, nil
}

// add adds the marks among fields of the state, each of which is a name and what it holds.
func (m *marks) add(fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		slot, err := strconv.ParseUint(fields[i], 10, 16)
		if err != nil {
			continue // the state's other fields
		}
		if at, err := strconv.ParseUint(fields[i+1], 10, 64); err == nil {
			m.list = append(m.list, fence.Mark{Slot: uint16(slot), At: at})
		}
	}
}

var errOtherMarks = errors.New("the state in Redis was begun anew while its marks were read")

// of returns the marks of the incarnation that a replica has registered in, at seq. A state that began with this
// registration has none.
func (m marks) of(inc Token, seq uint64, fresh bool) (marks, error) {
	switch {
	case m.inc == inc && m.seq <= seq:
		return m, nil
	case m.inc == inc && !broken.Past:
		return m, errWentBack
	case fresh:
		return marks{inc: inc, seq: seq}, nil
	}
	return m, errOtherMarks
}
