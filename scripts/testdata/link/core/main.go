// Core keeps what it loads in this process.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

func main() {
	c, err := cache.New(cache.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer c.Close()
	toys, err := cache.NewLoader[string](c, cache.Options{Name: "toy", TTL: time.Minute})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	toy, _, err := toys.Get(context.Background(), toys.Key("7"), []string{"toy:7"},
		func(context.Context, *cache.Fill) (string, error) { return load("7") })
	fmt.Println(toy, err)
	fmt.Println(c.Invalidate("toy:7"))
}

func load(id string) (string, error) { return "toy " + id, nil }
