package store

// The tables `product` and `order` are the lab's: where they are there already, with the lab's
// columns and data, they are taken over and get the columns that the shop adds, each with a
// default, so that the lab's own INSERTs go on working.
//
// product_tally holds the number of products as a sum of few rows, so that counting does not scan.
// Triggers keep it, so that rows which come past this program are counted too. On MariaDB and
// MySQL every connection counts in a row of its own: inserts at the same time never wait for each
// other's row. Upkeep folds the rows of connections into row 0.
//
// Names, ids and keys are compared as SQLite compares them: by their bytes, with spaces at the end. On MariaDB and
// MySQL that takes a collation without padding (NO PAD), which each has under a name of its own: of the two comments,
// each server reads one.
//
// With MySQL's binary log on, making a trigger wants the server's
// log_bin_trust_function_creators=1 (MariaDB's default has the log off).

const exact = "CHARACTER SET utf8mb4 COLLATE /*M!100200 utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */"

var mysqlMigrations = []migration{
	// 1: the lab's tables. Those that are there have been tidied by then, see takeOver.
	{
		`CREATE TABLE IF NOT EXISTS product (
			id   BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
			name VARCHAR(255) ` + exact + ` NOT NULL
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4`,
		"CREATE TABLE IF NOT EXISTS `order` (" + `
			order_id VARCHAR(255) ` + exact + ` NOT NULL PRIMARY KEY,
			status   VARCHAR(255) ` + exact + ` NOT NULL,
			product  VARCHAR(255) ` + exact + ` NOT NULL
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4`,
	},
	// 2: what the shop adds to them.
	{
		`ALTER TABLE product
			MODIFY id BIGINT NOT NULL AUTO_INCREMENT,
			MODIFY name VARCHAR(255) ` + exact + ` NOT NULL`,
		"ALTER TABLE product ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
		"ALTER TABLE product ADD INDEX product_name (name)",
		"ALTER TABLE `order`" + `
			MODIFY status VARCHAR(255) ` + exact + ` NOT NULL,
			MODIFY product VARCHAR(255) ` + exact + ` NOT NULL`,
		"ALTER TABLE `order`" + `
			ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
			ADD COLUMN created_us BIGINT NOT NULL DEFAULT 0,
			ADD COLUMN claim CHAR(36) NOT NULL DEFAULT '',
			ADD COLUMN claimed_until_us BIGINT NOT NULL DEFAULT 0`,
		"ALTER TABLE `order` ADD INDEX order_waiting (status, claimed_until_us, created_us)",
		`CREATE TABLE IF NOT EXISTS order_key (
			idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
			order_id        VARCHAR(64) NOT NULL,
			created_us      BIGINT NOT NULL,
			INDEX order_key_created (created_us)
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
		"CREATE TABLE IF NOT EXISTS product_tally (connection BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL) ENGINE " +
			"= InnoDB",
		`CREATE TRIGGER product_added AFTER INSERT ON product FOR EACH ROW
			INSERT INTO product_tally VALUES (CONNECTION_ID(), 1) ON DUPLICATE KEY UPDATE n = n + 1`,
		`CREATE TRIGGER product_deleted AFTER DELETE ON product FOR EACH ROW
			INSERT INTO product_tally VALUES (CONNECTION_ID(), -1) ON DUPLICATE KEY UPDATE n = n - 1`,
	},
	// 3: count what was there before the triggers, and the toys of the first start. Emptying the
	// tally first makes the step safe to run twice.
	{
		"DELETE FROM product_tally",
		"INSERT INTO product_tally SELECT 0, COUNT(*) FROM product",
		`INSERT INTO product (name) SELECT name
			FROM (SELECT 1 AS place, 'Yoyo' AS name UNION ALL SELECT 2, 'Joli train') toys
			WHERE NOT EXISTS (SELECT 1 FROM product) ORDER BY place`,
	},
	// 4: exact comparisons, for tables that an earlier release made with others. The release before goes on working
	// meanwhile: it compares order_key.order_id with order.order_id, which two collations of the same characters may
	// forbid and ascii never does.
	{
		"ALTER TABLE order_key MODIFY order_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL",
		"ALTER TABLE order_key MODIFY idempotency_key VARCHAR(255) " + exact + " NOT NULL, ROW_FORMAT = DYNAMIC",
		"ALTER TABLE product MODIFY name VARCHAR(255) " + exact + " NOT NULL",
		"ALTER TABLE `order`" + `
			MODIFY order_id VARCHAR(255) ` + exact + ` NOT NULL,
			MODIFY status VARCHAR(255) ` + exact + ` NOT NULL,
			MODIFY product VARCHAR(255) ` + exact + ` NOT NULL`,
	},
	// 5: the idempotency keys of products, with the name that each was first sent with.
	{
		`CREATE TABLE IF NOT EXISTS product_key (
			idempotency_key VARBINARY(255) NOT NULL PRIMARY KEY,
			product_id      BIGINT NOT NULL,
			name            VARCHAR(255) ` + exact + ` NOT NULL,
			created_us      BIGINT NOT NULL,
			INDEX product_key_created (created_us)
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
	},
	// 6: the probes of observers (shop.Probe). The release before does not use the table.
	{
		`CREATE TABLE IF NOT EXISTS probe (
			name       VARBINARY(64) NOT NULL PRIMARY KEY,
			version    BIGINT NOT NULL,
			written_us BIGINT NOT NULL
		) ENGINE = InnoDB`,
	},
	// 7: the request that an order came with (shop.Origin). The lab's table has no column of that name.
	{"ALTER TABLE `order` ADD COLUMN woody_origin VARCHAR(255) " +
		"CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''"},
	// 8: stock and prices, and what orders have reserved. The release before leaves these columns alone; it would sell
	// past a stock: give products one when all replicas run this release.
	{
		"ALTER TABLE product" + mysqlTerms,
		"ALTER TABLE product_key" + mysqlTerms,
		"ALTER TABLE `order`" + `
			ADD COLUMN woody_items VARCHAR(4000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
			ADD COLUMN woody_reserved_until_us BIGINT NOT NULL DEFAULT 0`,
		"ALTER TABLE `order` ADD INDEX woody_reserved (status, woody_reserved_until_us)",
	},
	// 9: accounts, their sessions, the tries to sign in, and whose an order is. The release before leaves all of it
	// alone: what it orders is nobody's.
	{
		`CREATE TABLE IF NOT EXISTS woody_account (
			id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
			name        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
			look        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
			role        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
			password    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
			applied     VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
			version     BIGINT NOT NULL,
			created_us  BIGINT NOT NULL,
			signed_in_us BIGINT NOT NULL DEFAULT 0,
			UNIQUE INDEX woody_account_name (name),
			UNIQUE INDEX woody_account_look (look),
			INDEX woody_account_role (role),
			INDEX woody_account_unused (signed_in_us, created_us)
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
		`CREATE TABLE IF NOT EXISTS woody_session (
			id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
			account     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
			family      BINARY(32) NOT NULL,
			secret      BINARY(32) NOT NULL,
			former      BINARY(32) NOT NULL,
			salt        BINARY(32) NOT NULL,
			created_us  BIGINT NOT NULL,
			renewed_us  BIGINT NOT NULL,
			until_us    BIGINT NOT NULL,
			UNIQUE INDEX woody_session_family (family),
			INDEX woody_session_account (account),
			INDEX woody_session_until (until_us)
		) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
		`CREATE TABLE IF NOT EXISTS woody_sign_in (
			what      BINARY(32) NOT NULL PRIMARY KEY,
			failures  BIGINT NOT NULL,
			tried_us  BIGINT NOT NULL,
			proved_us BIGINT NOT NULL,
			INDEX woody_sign_in_tried (tried_us, proved_us)
		) ENGINE = InnoDB`,
		"ALTER TABLE `order` ADD COLUMN woody_owner VARCHAR(36) " +
			"CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''",
	},
}

const mysqlTerms = `
	ADD COLUMN woody_stock BIGINT NULL,
	ADD COLUMN woody_price BIGINT NULL,
	ADD COLUMN woody_currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''`

var sqliteMigrations = []migration{
	// 1 to 3 in one: a SQLite file has no other owner, and changes its tables in transactions.
	{
		`CREATE TABLE product (
			id      INTEGER PRIMARY KEY AUTOINCREMENT,
			name    TEXT NOT NULL,
			version INTEGER NOT NULL DEFAULT 1
		)`,
		"CREATE INDEX product_name ON product (name)",
		"CREATE TABLE `order` (" + `
			order_id         TEXT NOT NULL PRIMARY KEY,
			status           TEXT NOT NULL,
			product          TEXT NOT NULL,
			version          INTEGER NOT NULL DEFAULT 1,
			created_us       INTEGER NOT NULL DEFAULT 0,
			claim            TEXT NOT NULL DEFAULT '',
			claimed_until_us INTEGER NOT NULL DEFAULT 0
		)`,
		"CREATE INDEX order_waiting ON `order` (status, claimed_until_us, created_us)",
		`CREATE TABLE order_key (
			idempotency_key TEXT NOT NULL PRIMARY KEY,
			order_id        TEXT NOT NULL,
			created_us      INTEGER NOT NULL
		)`,
		"CREATE INDEX order_key_created ON order_key (created_us)",
		"CREATE TABLE product_tally (connection INTEGER NOT NULL PRIMARY KEY, n INTEGER NOT NULL)",
		"INSERT INTO product_tally VALUES (0, 0)",
		`CREATE TRIGGER product_added AFTER INSERT ON product
			BEGIN UPDATE product_tally SET n = n + 1 WHERE connection = 0; END`,
		`CREATE TRIGGER product_deleted AFTER DELETE ON product
			BEGIN UPDATE product_tally SET n = n - 1 WHERE connection = 0; END`,
		"INSERT INTO product (name) VALUES ('Yoyo'), ('Joli train')",
	},
	// 2: the idempotency keys of products, with the name that each was first sent with.
	{
		`CREATE TABLE product_key (
			idempotency_key TEXT NOT NULL PRIMARY KEY,
			product_id      INTEGER NOT NULL,
			name            TEXT NOT NULL,
			created_us      INTEGER NOT NULL
		)`,
		"CREATE INDEX product_key_created ON product_key (created_us)",
	},
	// 3: the probes of observers (shop.Probe).
	{
		`CREATE TABLE probe (
			name       TEXT NOT NULL PRIMARY KEY,
			version    INTEGER NOT NULL,
			written_us INTEGER NOT NULL
		)`,
	},
	// 4: the request that an order came with (shop.Origin).
	{"ALTER TABLE `order` ADD COLUMN woody_origin TEXT NOT NULL DEFAULT ''"},
	// 5: stock and prices, and what orders have reserved.
	{
		"ALTER TABLE product ADD COLUMN woody_stock INTEGER",
		"ALTER TABLE product ADD COLUMN woody_price INTEGER",
		"ALTER TABLE product ADD COLUMN woody_currency TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE product_key ADD COLUMN woody_stock INTEGER",
		"ALTER TABLE product_key ADD COLUMN woody_price INTEGER",
		"ALTER TABLE product_key ADD COLUMN woody_currency TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE `order` ADD COLUMN woody_items TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE `order` ADD COLUMN woody_reserved_until_us INTEGER NOT NULL DEFAULT 0",
		"CREATE INDEX woody_reserved ON `order` (status, woody_reserved_until_us)",
	},
	// 6: accounts, their sessions, the tries to sign in, and whose an order is.
	{
		`CREATE TABLE woody_account (
			id         TEXT NOT NULL PRIMARY KEY,
			name       TEXT NOT NULL UNIQUE,
			look       TEXT NOT NULL UNIQUE,
			role       TEXT NOT NULL,
			password   TEXT NOT NULL,
			applied    TEXT NOT NULL DEFAULT '',
			version    INTEGER NOT NULL,
			created_us INTEGER NOT NULL,
			signed_in_us INTEGER NOT NULL DEFAULT 0
		)`,
		"CREATE INDEX woody_account_role ON woody_account (role)",
		"CREATE INDEX woody_account_unused ON woody_account (signed_in_us, created_us)",
		`CREATE TABLE woody_session (
			id         TEXT NOT NULL PRIMARY KEY,
			account    TEXT NOT NULL,
			family     BLOB NOT NULL UNIQUE,
			secret     BLOB NOT NULL,
			former     BLOB NOT NULL,
			salt       BLOB NOT NULL,
			created_us INTEGER NOT NULL,
			renewed_us INTEGER NOT NULL,
			until_us   INTEGER NOT NULL
		)`,
		"CREATE INDEX woody_session_account ON woody_session (account)",
		"CREATE INDEX woody_session_until ON woody_session (until_us)",
		`CREATE TABLE woody_sign_in (
			what      BLOB NOT NULL PRIMARY KEY,
			failures  INTEGER NOT NULL,
			tried_us  INTEGER NOT NULL,
			proved_us INTEGER NOT NULL
		)`,
		"CREATE INDEX woody_sign_in_tried ON woody_sign_in (tried_us, proved_us)",
		"ALTER TABLE `order` ADD COLUMN woody_owner TEXT NOT NULL DEFAULT ''",
	},
}
