package main

import (
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/replica"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
)

// againstConstant compares the API's plainest call with a bare handler.
func againstConstant(b versus.Bench, program, dir string) error {
	const path = "/api/misc/time"
	api, shop, err := replica.StartUncached(program, dir, "time", "")
	if err != nil {
		return err
	}
	defer shop.Kill()
	api = api.Asking("GET "+path, path)
	bare, process, err := constant.Start(dir, api)
	if err != nil {
		return err
	}
	defer process.Kill()
	_, _, err = b.Compare("GET "+path+" (ours over the bare handler: 0.9 or more is asked for)", api, bare)
	return err
}
