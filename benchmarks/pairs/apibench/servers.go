package main

import (
	"os/exec"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// startAPI starts a replica without simulated delays and without a cache to hide the database.
func startAPI(program, dir, name, dsn string) (versus.Side, *programs.Shop, error) {
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, name+".log"), "WOODY_FRONT=off", "WOODY_NEAR_CACHE=off",
		"WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s", "WOODY_DB_DSN="+dsn, "WOODY_DATA_DIR="+filepath.Join(dir, name))
	if err != nil {
		return versus.Side{}, nil, err
	}
	return versus.Side{Name: name, PID: shop.PID(), Target: load.Target{Addr: shop.Addr()}}, shop, nil
}

// againstConstant compares the API's plainest call with a bare handler.
func againstConstant(b versus.Bench, program, dir string) error {
	const path = "/api/misc/time"
	api, shop, err := startAPI(program, dir, "time", "")
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
