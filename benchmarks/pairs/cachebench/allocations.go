package main

import (
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
)

// allocations returns how many objects a side allocates for a response.
func allocations(b versus.Bench, side versus.Side) (float64, error) {
	before, err := readAllocations(side)
	if err != nil {
		return 0, err
	}
	result, err := load.Closed(side.Target, 1, min(b.Each, time.Second))
	if err != nil {
		return 0, err
	}
	after, err := readAllocations(side)
	return float64(after-before) / float64(result.Good), err
}

func readAllocations(side versus.Side) (int64, error) {
	conn, err := load.Dial(side.Target.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_, body, err := conn.Do([]byte("GET " + constant.AllocationsPath + " HTTP/1.1\r\nHost: x\r\n\r\n"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(body), 10, 64)
}
