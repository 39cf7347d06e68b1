package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/cache/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	program := exampletest.Start(t, exampletest.Build(t), "-db", filepath.Join(t.TempDir(), "toys.db"))
	cached := func(want string) {
		t.Helper()
		if got := program.Get(t, "/toys/1").Header.Get("X-Cache"); got != want {
			t.Errorf("X-Cache: %s, want %s", got, want)
		}
	}
	program.WantStatus(t, "/toys/1", 404)
	program.WantStatus(t, "/toys/one", 404)
	for i := range 20 {
		name := fmt.Sprint("Yoyo ", i)
		program.Put(t, "/toys/1", name)
		cached("miss")
		program.Want(t, "/toys/1", name)
		cached("hit")
	}
	program.Interrupt(t)
}
