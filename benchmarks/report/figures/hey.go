package figures

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// heyRun is what hey counted. Its own requests a second count refusals too: only answers with the
// status 200 are good here.
type heyRun struct {
	Took      time.Duration
	Good, Bad int
}

var (
	heyTotal  = regexp.MustCompile(`(?m)^\s+Total:\s+([0-9.]+) secs$`)
	heyStatus = regexp.MustCompile(`(?m)^\s+\[([0-9]+)\]\t([0-9]+) responses$`)
	heyError  = regexp.MustCompile(`(?m)^\s+\[([0-9]+)\]\t(.+)$`)
)

func parseHey(output []byte) (run heyRun, err error) {
	total := heyTotal.FindSubmatch(output)
	if total == nil {
		return run, errors.New("it has no total time; is that hey's output?")
	}
	took, err := strconv.ParseFloat(string(total[1]), 64)
	if err != nil || took <= 0 {
		return run, fmt.Errorf("the total time is %q", total[1])
	}
	run.Took = time.Duration(took * float64(time.Second))
	seen := map[string]bool{}
	for _, line := range heyStatus.FindAllSubmatch(output, -1) {
		n, _ := strconv.Atoi(string(line[2]))
		seen[string(line[0])] = true
		if string(line[1]) == "200" {
			run.Good += n
		} else {
			run.Bad += n
		}
	}
	for _, line := range heyError.FindAllSubmatch(output, -1) {
		if !seen[string(line[0])] { // what is left is an error of the connection
			n, _ := strconv.Atoi(string(line[1]))
			run.Bad += n
		}
	}
	return run, nil
}
