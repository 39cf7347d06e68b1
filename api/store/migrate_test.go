package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

func TestReplicasMigrateOnce(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			s, err := store.Open(cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	testFirstToys(t, mustOpen(t, cfg))
}

func TestMigratingGoesOnWhereItWasCutOff(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	mustOpen(t, cfg)
	// As if the last two steps had run and their replica had died before it noted them.
	mustExec(t, cfg, "DELETE FROM woody_schema WHERE version > 1")
	testFirstToys(t, mustOpen(t, cfg))
}

func TestANewerSchemaServes(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s, err := store.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Close()
		mustExec(t, cfg, "INSERT INTO woody_schema VALUES (1000)",
			"ALTER TABLE product ADD COLUMN colour INTEGER NOT NULL DEFAULT 0")
		next := mustOpen(t, cfg)
		testProducts(t, next)
		testVersions(t, next)
	})
}

func TestTheLabsDataIsTakenOver(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	mustExec(t, cfg,
		"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL) DEFAULT CHARSET = latin1",
		"CREATE TABLE `order` (order_id VARCHAR(64) PRIMARY KEY, status VARCHAR(64), product VARCHAR(255))",
		"INSERT INTO product (name) VALUES ('Camion'), ('Poupée'), ('Puzzle')",
		"INSERT INTO `order` VALUES ('an old order', 'Success', 'Camion')",
	)
	s := mustOpen(t, cfg)
	last := mustLast(t, s)
	if last.Count != 3 || last.Product.Name != "Puzzle" {
		t.Errorf("last = %d products, %v; want the lab's 3 and Puzzle", last.Count, last.Product)
	}
	if p, err := s.Product(t.Context(), 2); p.Name != "Poupée" || err != nil {
		t.Errorf("product 2 = %v, %v; want Poupée", p, err)
	}
	if o, err := s.Order(t.Context(), "an old order"); o.Status != shop.Success || err != nil {
		t.Errorf("the lab's order = %v, %v", o, err)
	}
}

func TestRowsThatComePastTheStoreAreCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		mustExec(t, cfg,
			"INSERT INTO product (name) VALUES ('Camion'), ('Puzzle'), ('Domino')",
			"DELETE FROM product WHERE name = 'Puzzle'",
			"INSERT INTO `order` (order_id, status, product) VALUES ('lab', 'Success', 'Camion')",
		)
		if last := mustLast(t, s); last.Count != 4 || last.Product.Name != "Domino" {
			t.Errorf("last = %d products, %v; want 4 and Domino", last.Count, last.Product)
		}
	})
}

func TestAnAbsentDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	server, dsn := mustStartMariaDB(t)
	server.Stop(10 * time.Second)

	s, err := store.Open(store.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("ping of an absent database = %v, want Unavailable", err)
	}
	migrated := make(chan error)
	go func() { migrated <- s.Migrate(context.Background()) }()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("migrate = %v, want nil once the database is there", err)
	}
	testFirstToys(t, s)
}

// TestAUserWithoutRights gives the shop's database user more rights from one start to the next, and checks that each
// error names the right that is missing.
func TestAUserWithoutRights(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	mustExec(t, cfg, labProduct, "INSERT INTO product (name) VALUES ('Camion')",
		"CREATE USER poor IDENTIFIED BY 'secret'")
	t.Cleanup(func() { mustExec(t, cfg, "DROP USER poor") })
	dsn, err := mysql.ParseDSN(cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	dsn.User, dsn.Passwd = "poor", "secret"
	for _, row := range []struct{ rights, lacks string }{
		{"SELECT, INSERT, UPDATE, DELETE", "CREATE"}, {"CREATE", "ALTER"},
		{"ALTER, INDEX, DROP", "TRIGGER"}, {"ALL", ""},
	} {
		mustExec(t, cfg, "GRANT "+row.rights+" ON "+dsn.DBName+".* TO poor")
		s, err := store.Open(store.Config{DSN: dsn.FormatDSN()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		err = s.Migrate(t.Context())
		if row.lacks == "" {
			if err != nil || mustLast(t, s).Product.Name != "Camion" {
				t.Errorf("with all rights: %v, %v", err, mustLast(t, s))
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), row.lacks+" command denied") ||
			!strings.Contains(err.Error(), "GRANT ALL ON") {
			t.Errorf("without %s: %v, want what is lacking, and what to do", row.lacks, err)
		}
	}
}

func TestAFileIsTakenOnce(t *testing.T) {
	cfg := store.Config{DataDir: t.TempDir()}
	mustOpen(t, cfg)
	_, err := store.Open(cfg)
	if err == nil || !strings.Contains(err.Error(), "taken by another running shop") {
		t.Errorf("second open = %v, want a sentence that says the file is taken", err)
	}
}

func TestABadAddressDoesNotShowThePassword(t *testing.T) {
	for _, dsn := range []string{"user:hush@tcp(host:3306)", "user:hush@host/db", "hush"} {
		err := store.CheckDSN(dsn)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("CheckDSN(%q) = %v, want an error without the password", dsn, err)
		}
	}
	if err := store.CheckDSN(""); err != nil {
		t.Errorf("CheckDSN of nothing = %v, want nil", err)
	}
}
