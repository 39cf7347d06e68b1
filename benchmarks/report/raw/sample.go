package raw

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Sample is a request: when it was (to be) sent from the beginning of its measurement, how long from
// then its answer took, its status (0 for none), which kind of the measurement's requests it was, and
// what it was worth: 0 good, 1 failed, 2 wrong, 3 stale.
type Sample struct {
	AtUs, TookUs  int64
	Status        int
	Kind, Verdict int
}

// fields returns a sample's, in order.
func (s Sample) fields() [5]int64 {
	return [5]int64{s.AtUs, s.TookUs, int64(s.Status), int64(s.Kind), int64(s.Verdict)}
}

// MarshalJSON writes [at_us, took_us, status, kind, verdict].
func (s Sample) MarshalJSON() ([]byte, error) { return json.Marshal(s.fields()) }

// UnmarshalJSON reads the same.
func (s *Sample) UnmarshalJSON(text []byte) error {
	var f [5]int64
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*s = Sample{f[0], f[1], int(f[2]), int(f[3]), int(f[4])}
	return nil
}

const sampleColumns = "at_us,took_us,status,kind,verdict"

// writeSamples writes a compressed CSV file.
func writeSamples(file string, samples []Sample) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
	}()
	compressed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(compressed, 1<<16)
	buffered.WriteString(sampleColumns)
	var line []byte
	for _, s := range samples {
		line = append(line[:0], '\n')
		for i, value := range s.fields() {
			if i > 0 {
				line = append(line, ',')
			}
			line = strconv.AppendInt(line, value, 10)
		}
		buffered.Write(line) // Flush returns what failed here
	}
	buffered.WriteByte('\n')
	if err := buffered.Flush(); err != nil {
		return err
	}
	return compressed.Close()
}

func readSamples(file string) (samples []Sample, err error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	plain, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	lines := bufio.NewScanner(plain)
	lines.Scan()
	if lines.Err() == nil && lines.Text() != sampleColumns {
		return nil, fmt.Errorf("%s has the columns %q, not %q", file, lines.Text(), sampleColumns)
	}
	for lines.Scan() {
		var f [5]int64
		rest, ok := lines.Text(), true
		for i := range f {
			var word string
			word, rest, _ = strings.Cut(rest, ",")
			n, err := strconv.ParseInt(word, 10, 64)
			f[i], ok = n, ok && err == nil
		}
		if !ok || rest != "" {
			return nil, fmt.Errorf("%s: %q is not a sample", file, lines.Text())
		}
		samples = append(samples, Sample{f[0], f[1], int(f[2]), int(f[3]), int(f[4])})
	}
	if err := lines.Err(); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return samples, nil
}
