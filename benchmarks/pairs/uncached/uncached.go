// Package uncached starts the API such that a benchmark sees its database and nothing else.
package uncached

import (
	"os/exec"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// Start starts a replica without simulated delays and without a cache, on the database at dsn, or on an SQLite file in
// dir/name where dsn is empty.
func Start(program, dir, name, dsn string) (versus.Side, *programs.Shop, error) {
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, name+".log"),
		"WOODY_FRONT=off", "WOODY_NEAR_CACHE=off", "WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s",
		"WOODY_DB_DSN="+dsn, "WOODY_DATA_DIR="+filepath.Join(dir, name))
	if err != nil {
		return versus.Side{}, nil, err
	}
	return versus.Side{Name: name, PID: shop.PID(), Target: load.Target{Addr: shop.Addr()}}, shop, nil
}
