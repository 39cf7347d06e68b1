package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

const (
	labProduct = "CREATE TABLE product (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL)"
	labOrder   = "CREATE TABLE `order` (order_id VARCHAR(64) NOT NULL PRIMARY KEY, status VARCHAR(64), product " +
		"VARCHAR(255))"
	labUUID = "5c6a0f0e-3f0f-4c39-9f5a-6f6d1c1b7a11"
)

// TestWhateverTheLabHasIsTakenOver makes the lab's tables in each way that a program of the lab may have, with two
// products and two orders that end up the same.
func TestWhateverTheLabHasIsTakenOver(t *testing.T) {
	const rows = "INSERT INTO product (name) VALUES ('Camion'), ('Puzzle')"
	const orders = "INSERT INTO `order` (order_id, status, product) VALUES " +
		"('" + labUUID + "', 'Success', 'Camion'), ('an old order', 'Failed', 'Rien')"
	for name, statements := range map[string][]string{
		"latin1": {"ALTER DATABASE CHARACTER SET latin1", labProduct, labOrder, rows, orders},
		"utf8mb4_bin": {"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", labProduct, labOrder,
			rows, orders},
		"utf8mb3":           {"ALTER DATABASE CHARACTER SET utf8mb3", labProduct, labOrder, rows, orders},
		"ucs2":              {"ALTER DATABASE CHARACTER SET ucs2", labProduct, labOrder, rows, orders},
		"MyISAM":            {labProduct + " ENGINE = MyISAM", labOrder + " ENGINE = MyISAM", rows, orders},
		"Aria":              {labProduct + " ENGINE = Aria", labOrder + " ENGINE = Aria", rows, orders},
		"MEMORY":            {labProduct + " ENGINE = MEMORY", labOrder + " ENGINE = MEMORY", rows, orders},
		"an old row format": {labProduct + " ROW_FORMAT = COMPACT", labOrder + " ROW_FORMAT = REDUNDANT", rows, orders},
		"no keys": {
			"CREATE TABLE product (id INT, name TEXT)",
			"CREATE TABLE `order` (order_id TEXT, status TEXT, product TEXT)",
			"INSERT INTO product VALUES (1, 'Camion'), (2, 'Puzzle')", orders,
		},
		"keys without counting": {
			"CREATE TABLE product (name CHAR(40), id SMALLINT UNSIGNED UNIQUE)",
			"CREATE TABLE `order` (order_id CHAR(40) UNIQUE, status CHAR(9), product CHAR(40))",
			"INSERT INTO product (id, name) VALUES (1, 'Camion'), (2, 'Puzzle')", orders,
		},
		"orders with a number of their own": {
			labProduct, "CREATE TABLE `order` (id INT AUTO_INCREMENT PRIMARY KEY, order_id VARCHAR(64), " +
				"status VARCHAR(20), product VARCHAR(64), at TIMESTAMP)",
			rows, orders,
		},
		"names that are unique": {
			"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) UNIQUE)",
			labOrder, rows, orders,
		},
		"words for a status": {
			labProduct, "CREATE TABLE `order` (order_id VARCHAR(36) PRIMARY KEY, status ENUM('Success', 'Failed'), " +
				"product VARCHAR(255))",
			rows, orders,
		},
		"other letters": {
			"CREATE TABLE product (ID INT AUTO_INCREMENT PRIMARY KEY, NAME VARCHAR(100), price INT NOT NULL DEFAULT 3)",
			"CREATE TABLE `order` (Order_ID VARCHAR(36) PRIMARY KEY, STATUS VARCHAR(20), Product VARCHAR(255))", rows,
			orders,
		},
		"ids in upper case": {labProduct, labOrder, rows,
			strings.Replace(orders, labUUID, strings.ToUpper(labUUID)+" ", 1)},
		"one order in two spellings": {
			labProduct, strings.Replace(labOrder, "(64)", "(64) COLLATE utf8mb4_bin", 1), rows, orders,
			"INSERT INTO `order` VALUES ('" + strings.ToUpper(labUUID) + "', 'Pending', 'Rien')",
		},
		"NULLs": {
			strings.ReplaceAll(labProduct, " NOT NULL)", ")"), labOrder,
			"INSERT INTO product (name) VALUES (NULL), ('Puzzle')",
			"INSERT INTO `order` (order_id) VALUES ('" + labUUID + "')",
			"INSERT INTO `order` (order_id, status) VALUES ('an old order', 'Failed')",
		},
		"NULLs that their words do not fit": {
			"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(6) UNIQUE)",
			"CREATE TABLE `order` (order_id VARCHAR(36) PRIMARY KEY, status ENUM('Success', 'Failed'), " +
				"product CHAR(4))",
			"INSERT INTO product (name) VALUES (NULL), ('Puzzle')",
			"INSERT INTO `order` (order_id) VALUES ('" + labUUID + "')",
			"INSERT INTO `order` (order_id, status) VALUES ('an old order', 'Failed')",
		},
		"a server of MyISAM": {"SET GLOBAL default_storage_engine = MyISAM", labProduct, labOrder, rows, orders},
		"no strictness":      {"SET GLOBAL sql_mode = ''", labProduct, labOrder, rows, orders},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{DSN: mustDatabase(t)}
			mustExec(t, cfg, statements...)
			t.Cleanup(func() {
				mustExec(t, cfg, "SET GLOBAL sql_mode = DEFAULT", "SET GLOBAL default_storage_engine = DEFAULT")
			})
			s := mustOpen(t, cfg)
			first, end := "Camion", shop.Success
			if strings.HasPrefix(name, "NULLs") {
				first, end = "(sans nom)", shop.Pending
			}
			last := mustLast(t, s)
			if last.Count != 2 || *last.Product != (shop.Product{ID: 2, Name: "Puzzle", Version: 1}) {
				t.Errorf("last = %d products, %v; want the lab's 2 and Puzzle", last.Count, last.Product)
			}
			if p, err := s.Product(t.Context(), 1); p.Name != first || err != nil {
				t.Errorf("product 1 = %v, %v; want %s", p, err, first)
			}
			if o, err := s.Order(t.Context(), labUUID); o.Status != end || o.Product != first || err != nil {
				t.Errorf("the lab's order = %v, %v; want %s, %s", o, err, end, first)
			}
			if o, err := s.Order(t.Context(), "an old order"); o.Status != shop.Failed || err != nil {
				t.Errorf("the lab's order without a UUID = %v, %v", o, err)
			}
			wantTables(t, cfg)
			testProducts(t, s)
			testOrders(t, s)
			testKeys(t, s)
			testExactNames(t, cfg, s)
			testExactIDs(t, cfg, s)
			// the lab goes on
			mustExec(t, cfg, "INSERT INTO `order` (order_id, status, product) VALUES (UUID(), 'Pending', 'Camion')")
			testClaims(t, s)
			mustExec(t, cfg, "DELETE FROM woody_schema WHERE version > 1")
			mustOpen(t, cfg) // as if it had been cut off
			wantTables(t, cfg)
		})
	}
}

// TestOrdersOfTheTypeUUID checks that a lab's table whose ids are of MariaDB's own type for UUIDs is taken over.
func TestOrdersOfTheTypeUUID(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	mustExec(t, cfg, "CREATE TABLE `order` (order_id UUID PRIMARY KEY, status VARCHAR(20), product VARCHAR(20))",
		"INSERT INTO `order` VALUES ('"+strings.ToUpper(labUUID)+"', 'Success', 'Camion')")
	s := mustOpen(t, cfg)
	if o, err := s.Order(t.Context(), labUUID); o.Status != shop.Success || err != nil {
		t.Errorf("the lab's order = %v, %v", o, err)
	}
	wantTables(t, cfg)
	testOrders(t, s)
}

// wantTables fails the test unless every table is on InnoDB, and every name and id is compared by its bytes.
func wantTables(t *testing.T, cfg store.Config) {
	t.Helper()
	for query, want := range map[string]string{
		"SELECT GROUP_CONCAT(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE " +
			"<> 'InnoDB'": "",
		`SELECT GROUP_CONCAT(TABLE_NAME, '.', COLUMN_NAME ORDER BY TABLE_NAME, COLUMN_NAME)
			FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
			AND COLLATION_NAME = 'utf8mb4_nopad_bin' AND IS_NULLABLE = 'NO'`: "order.order_id,order.product," +
			"order.status,order_key.idempotency_key,product.name,product_key.name",
	} {
		if got := mustQuery(t, cfg, query); got != want {
			t.Errorf("%s\n got %q, want %q", query, got, want)
		}
	}
}

// TestWhatCannotBeTakenOverIsSaid checks that the error is one sentence with the trouble and the remedy, and that
// nothing is changed.
func TestWhatCannotBeTakenOverIsSaid(t *testing.T) {
	const long = "REPEAT('x', 256)"
	for name, lab := range map[string]struct {
		statements []string
		want       string
	}{
		"a long name": {
			[]string{"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT)",
				"INSERT INTO product (name) VALUES (" + long + ")"},
			"has rows with a name of more than 255 characters (1 of them): shorten them, with UPDATE `product` SET " +
				"`name` = LEFT(`name`, 255)",
		},
		"ids twice": {
			[]string{"CREATE TABLE product (id INT, name TEXT)",
				"INSERT INTO product VALUES (1, 'a'), (7, 'b'), (7, 'c')"},
			"has several rows with the id \"7\"",
		},
		"ids that are no numbers of rows": {
			[]string{"CREATE TABLE product (id INT, name TEXT)",
				"INSERT INTO product VALUES (1, 'a'), (0, 'b'), (NULL, 'c')"},
			"has rows without an id from 1 to 9223372036854775807 (2 of them): give them one, or delete them",
		},
		"orders twice": {
			[]string{"CREATE TABLE `order` (order_id TEXT, status TEXT, product TEXT)",
				"INSERT INTO `order` VALUES ('o\n', 'a', 'a'), ('o\n', 'b', 'b')"},
			"has several rows with the order_id \"o\\n\"",
		},
		"orders without an id": {
			[]string{"CREATE TABLE `order` (order_id TEXT, status TEXT, product TEXT)",
				"INSERT INTO `order` VALUES (NULL, 'a', 'a')"},
			"has rows without an order_id (1 of them): give them one, or delete them (WHERE `order_id` IS NULL)",
		},
		"a long id": {
			[]string{"CREATE TABLE `order` (order_id VARCHAR(300) PRIMARY KEY, status TEXT, product TEXT)",
				"INSERT INTO `order` VALUES (" + long + ", 'a', NULL)"},
			"has rows with an order_id of more than 255 characters (1 of them): give them a shorter one, or delete " +
				"them (WHERE CHAR_LENGTH(`order_id`) > 255)",
		},
		"a column of another type": {
			[]string{"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT, Version VARCHAR(9) NOT " +
				"NULL DEFAULT 'new')"},
			"the table `product` of this database has a column `version` of its own, whose name the shop needs: " +
				"rename it, with ALTER TABLE `product` RENAME COLUMN `version` TO",
		},
		"a column that may be NULL": {
			[]string{"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT, version BIGINT)"},
			"has a column `version` of its own",
		},
		"one column of four": {
			[]string{"CREATE TABLE `order` (order_id CHAR(36) PRIMARY KEY, status TEXT, product TEXT, claim CHAR(36) " +
				"NOT NULL DEFAULT '')"},
			"the table `order` of this database has a column `claim` of its own",
		},
		"a table of keys": {
			[]string{"CREATE TABLE product_key (id INT)"},
			"the table `product_key` of this database is not the shop's, which needs the name: rename it",
		},
		"a tally": {[]string{"CREATE TABLE product_tally (n INT)"},
			"the table `product_tally` of this database is not the shop's"},
		"a trigger": {
			[]string{labProduct, "CREATE TABLE log (n INT)",
				"CREATE TRIGGER product_added AFTER INSERT ON product FOR EACH ROW INSERT INTO log VALUES (1)"},
			"the trigger `product_added` of this database is not the shop's, which needs the name: drop it",
		},
		"an index": {
			[]string{labProduct, "ALTER TABLE product ADD COLUMN price INT, ADD INDEX product_name (price)"},
			"the table `product` of this database has an index `product_name` of its own, whose name the shop needs: " +
				"rename it, with ALTER TABLE `product` RENAME INDEX `product_name` TO",
		},
		"no id": {
			[]string{"CREATE TABLE product (name VARCHAR(20))"},
			"the table `product` of this database has no column `id`, so it is not the shop's: rename it",
		},
		"another type": {
			[]string{"CREATE TABLE `order` (order_id INT PRIMARY KEY, status TEXT, product TEXT)"},
			"has a column `order_id` of the type int, with which the shop cannot work",
		},
		"a view": {
			[]string{"CREATE TABLE toys (id INT, name TEXT)", "CREATE VIEW product AS SELECT * FROM toys"},
			"is a view and not an ordinary table",
		},
		"a column that must be given": {
			[]string{"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT, price INT NOT NULL)"},
			"has a column `price` that must be given, and the shop does not know it: give it a default, with ALTER " +
				"TABLE `product` ALTER COLUMN `price` SET DEFAULT",
		},
		"another counter": {
			[]string{"CREATE TABLE product (number INT AUTO_INCREMENT PRIMARY KEY, id INT, name TEXT)"},
			"counts its rows in the column `number`, where the shop counts in id",
		},
		"named by its name": {
			[]string{"CREATE TABLE product (id INT, name VARCHAR(20) PRIMARY KEY)"},
			"has the primary key (name), so that two rows cannot share one: ALTER TABLE `product` DROP PRIMARY KEY, " +
				"ADD PRIMARY KEY (`id`)",
		},
		"a foreign key": {
			[]string{labProduct,
				"CREATE TABLE stock (product INT, CONSTRAINT of FOREIGN KEY (product) REFERENCES product (id))"},
			"is tied by the foreign key `of` to another, so that its column `id` cannot be changed: ALTER TABLE " +
				"`stock` DROP FOREIGN KEY `of`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{DSN: mustDatabase(t)}
			mustExec(t, cfg, lab.statements...)
			const shape = "SELECT GROUP_CONCAT(TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COALESCE(COLLATION_NAME, ''), " +
				"IS_NULLABLE ORDER BY TABLE_NAME, COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = " +
				"DATABASE() AND TABLE_NAME <> 'woody_schema'"
			before := mustQuery(t, cfg, shape)
			s, err := store.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), lab.want) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("migrate = %v\nwant one sentence with: %s", err, lab.want)
			}
			if after := mustQuery(t, cfg, shape); after != before {
				t.Errorf("the tables were changed from %s to %s", before, after)
			}
		})
	}
}

// TestTheReleaseBefore changes the tables of the release before, which compared names and keys with their padding, step
// by step, and checks after each step that that release still finds what it asks for.
func TestTheReleaseBefore(t *testing.T) {
	for _, collation := range []string{"utf8mb4_bin", "utf8mb4_general_ci", "latin1_swedish_ci", "utf8mb4_nopad_bin"} {
		t.Run(collation, func(t *testing.T) {
			cfg := store.Config{DSN: mustDatabase(t)}
			mustExec(t, cfg, "ALTER DATABASE COLLATE "+collation)
			mustExec(t, cfg, releaseBefore...)
			before := "SELECT o.product FROM order_key k JOIN `order` o ON o.order_id = k.order_id WHERE " +
				"k.idempotency_key = 'k'"
			for _, step := range store.ExactSteps {
				mustExec(t, cfg, step)
				if got := mustQuery(t, cfg, before); got != "Yoyo " {
					t.Errorf("after %s\nthe release before finds %q by a key", step, got)
				}
			}
			mustExec(t, cfg, "DELETE FROM woody_schema WHERE version > 3")
			s := mustOpen(t, cfg)
			wantTables(t, cfg)
			if o, err := s.OrderByKey(t.Context(), "k"); o.Product != "Yoyo " || err != nil {
				t.Errorf("the key of the release before = %v, %v", o, err)
			}
			testExactNames(t, cfg, s)
			testExactKeys(t, s)
		})
	}
}

// releaseBefore makes what the release before had made, where every default is the database's own.
var releaseBefore = []string{
	`CREATE TABLE product (
		id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
		name    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
		version BIGINT NOT NULL DEFAULT 1,
		INDEX product_name (name)
	) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin`,
	"CREATE TABLE `order` (" + `
		order_id         VARCHAR(64) NOT NULL PRIMARY KEY,
		status           VARCHAR(32) NOT NULL,
		product          VARCHAR(255) NOT NULL,
		version          BIGINT NOT NULL DEFAULT 1,
		created_us       BIGINT NOT NULL DEFAULT 0,
		claim            CHAR(36) NOT NULL DEFAULT '',
		claimed_until_us BIGINT NOT NULL DEFAULT 0,
		INDEX order_waiting (status, claimed_until_us, created_us)
	) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin`,
	`CREATE TABLE order_key (
		idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
		order_id        VARCHAR(64) NOT NULL,
		created_us      BIGINT NOT NULL,
		INDEX order_key_created (created_us)
	)`,
	"CREATE TABLE product_tally (connection BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)",
	`CREATE TRIGGER product_added AFTER INSERT ON product FOR EACH ROW
		INSERT INTO product_tally VALUES (CONNECTION_ID(), 1) ON DUPLICATE KEY UPDATE n = n + 1`,
	`CREATE TRIGGER product_deleted AFTER DELETE ON product FOR EACH ROW
		INSERT INTO product_tally VALUES (CONNECTION_ID(), -1) ON DUPLICATE KEY UPDATE n = n - 1`,
	"INSERT INTO product_tally VALUES (0, 0)",
	"CREATE TABLE woody_schema (version INTEGER PRIMARY KEY)",
	"INSERT INTO woody_schema VALUES (1), (2), (3)",
	"INSERT INTO product (name) VALUES ('Yoyo')",
	"INSERT INTO `order` (order_id, status, product) VALUES ('" + labUUID + "', 'Success', 'Yoyo ')",
	"INSERT INTO order_key VALUES ('k', '" + labUUID + "', 9000000000000000)",
}

// mustQuery returns the one value that a query has, "" for NULL.
func mustQuery(t *testing.T, cfg store.Config, query string) string {
	t.Helper()
	db, err := sql.Open("mysql", cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var value sql.NullString
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value.String
}
