package servertest

import (
	"os"
	"strconv"
)

// Part returns how much of n a long test does: n divided by WOODYTEST_PART, which make long sets; n where that is not
// set. It panics where that is no number above 0.
func Part(n int) int {
	text := os.Getenv("WOODYTEST_PART")
	if text == "" {
		return n
	}
	by, err := strconv.Atoi(text)
	if err != nil || by < 1 {
		panic("WOODYTEST_PART is " + strconv.Quote(text) + ", want a number above 0")
	}
	return max(1, n/by)
}
