package oracle_test

import (
	"fmt"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func Example() {
	var toy oracle.Item
	var findings oracle.Findings
	toy.Acknowledged(oracle.State{Version: 2, Content: "Yo-yo"})

	floor := toy.Floor() // before the question
	for _, answer := range []oracle.State{{Version: 2, Content: "Yo-yo"}, {Version: 1, Content: "Yoyo"}} {
		findings.Add(toy.Judge(floor, answer), "%v, though %v was acknowledged before", answer, floor)
	}
	fmt.Println(findings.Sum().Examples)
	// Output: [version 1, "Yoyo", though version 2, "Yo-yo" was acknowledged before]
}
