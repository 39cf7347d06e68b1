package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/replica"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// products is how many there are on each side.
const products = 1000

// hot returns requests for products drawn evenly.
func hot() (paths []string) {
	random := rand.New(rand.NewPCG(1, 2))
	for range products {
		paths = append(paths, fmt.Sprintf("/api/products/%d", 1+random.IntN(products)))
	}
	return paths
}

// startOne starts one server, reached by TCP as in the stack, and a replica before it.
func startOne(program, dir string) (s side, end func(), err error) {
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		return s, nil, err
	}
	mariadb, err := servers.StartMariaDB("--skip-networking=0", "--bind-address=127.0.0.1", "--port="+port)
	if err != nil {
		return s, nil, err
	}
	dsn, err := tcp(mariadb, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		mariadb.Close()
		return s, nil, err
	}
	s, shop, err := startFilled(program, dir, "one server", dsn)
	if err != nil {
		mariadb.Close()
		return s, nil, err
	}
	s.parts = append(s.parts, part{"database", mariadb.PID()})
	return s, func() { shop.Kill(); mariadb.Close() }, nil
}

// tcp makes a database, and a user who may reach it over the network, and returns its address there.
func tcp(mariadb *servers.MariaDB, addr string) (dsn string, err error) {
	if dsn, err = mariadb.NewDatabase(); err != nil {
		return "", err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	if _, err := db.Exec("GRANT ALL ON *.* TO woody@'%' IDENTIFIED BY 'secret'"); err != nil {
		return "", err
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = "woody", "secret", "tcp", addr
	return cfg.FormatDSN(), nil
}

// startThree starts the cluster with its proxy, a replica before that, and one more that reads past the proxy, at one
// node. Its commits wait for the disk, as the one server's do.
func startThree(program, dir string) (three, past side, end func(), err error) {
	c, err := programs.StartDatabaseCluster(programs.DatabaseClusterConfig{
		Settings: []string{"WOODY_DB_OPTIONS=", "WOODY_DB_BUFFER_POOL=256M"},
	})
	if err != nil {
		return three, past, nil, err
	}
	three, shop, err := startFilled(program, dir, "three nodes", c.WriteDSN, "WOODY_DB_READ_DSN="+c.ReadDSN,
		"WOODY_DB_DIRECT=cluster")
	if err != nil {
		c.Close()
		return three, past, nil, err
	}
	past, other, err := start(program, dir, "three nodes, one read past the proxy", c.WriteDSN,
		"WOODY_DB_READ_DSN="+c.Nodes[1].DSN(), "WOODY_DB_DIRECT=cluster")
	if err != nil {
		shop.Kill()
		c.Close()
		return three, past, nil, err
	}
	for _, s := range []*side{&three, &past} {
		for _, n := range c.Nodes {
			s.parts = append(s.parts, part{n.Name, n.Process().PID()})
		}
		s.parts = append(s.parts, part{"database-proxy", c.Proxy.PID()})
	}
	return three, past, func() { other.Kill(); shop.Kill(); c.Close() }, nil
}

// start starts a replica without a cache.
func start(program, dir, name, dsn string, settings ...string) (side, *programs.Shop, error) {
	settings = append([]string{"WOODY_NEAR_CACHE=off", "WOODY_DB_DSN=" + dsn}, settings...)
	v, shop, err := replica.Start(program, dir, name, settings...)
	if err != nil {
		return side{}, nil, err
	}
	return side{name: name, addr: v.Target.Addr, parts: []part{{"api", v.PID}}}, shop, nil
}

// startFilled is start, with the products.
func startFilled(program, dir, name, dsn string, settings ...string) (side, *programs.Shop, error) {
	s, shop, err := start(program, dir, name, dsn, settings...)
	if err != nil {
		return s, nil, err
	}
	if err := fill(dsn); err != nil {
		shop.Kill()
		return s, nil, err
	}
	return s, shop, nil
}

// fill adds products past the API; the first two are there.
func fill(dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(fmt.Sprintf("INSERT INTO product (id, name) SELECT seq, CONCAT('toy ', seq) FROM seq_3_to_%d",
		products))
	return err
}
