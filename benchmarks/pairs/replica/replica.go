// Package replica starts a replica of the API for a command that measures it.
package replica

import (
	"os/exec"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// Start starts program as a replica without the page and without simulated delays, and with more settings. Its files go
// to dir/name, its log beside that.
func Start(program, dir, name string, settings ...string) (versus.Side, *programs.Shop, error) {
	settings = append(settings, "WOODY_FRONT=off", "WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s",
		"WOODY_DATA_DIR="+filepath.Join(dir, name))
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, name+".log"), settings...)
	if err != nil {
		return versus.Side{}, nil, err
	}
	return versus.Side{Name: name, PID: shop.PID(), Target: load.Target{Addr: shop.Addr()}}, shop, nil
}

// StartUncached is Start for one without a cache to hide the database: the one at dsn, or an SQLite file where dsn is
// empty.
func StartUncached(program, dir, name, dsn string) (versus.Side, *programs.Shop, error) {
	return Start(program, dir, name, "WOODY_NEAR_CACHE=off", "WOODY_DB_DSN="+dsn)
}
