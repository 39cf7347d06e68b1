package main

import (
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

func TestStart(t *testing.T) {
	begun := time.Now()
	c, err := programs.StartDatabaseCluster(programs.DatabaseClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Log(time.Since(begun))
	w := c.Writer()
	w.Kill()
	begun = time.Now()
	for c.Writer() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	t.Log(c.Writer().Name, time.Since(begun))
	t.Log(w.Restart())
	begun = time.Now()
	t.Log(c.AwaitWell(), time.Since(begun))
}
