package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// stock is more than is sold in a run.
const stock = 1_000_000

// way is a way to sell.
type way struct {
	name string
	// buy takes one of the product, and stores the order.
	buy func(ctx context.Context) error
	// sold returns how many are gone.
	sold  func() (int64, error)
	close func()
}

// shopOn is the shop's own schema in a new database, with a counted product.
type shopOn struct {
	store   *store.Store
	db      *sql.DB
	product int64
}

func newShopOn(mariadb *servers.MariaDB, conns int) (*shopOn, error) {
	dsn, err := mariadb.NewDatabase()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(store.Config{DSN: dsn, Pool: conns, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	p, err := s.AddGoods(ctx, shop.Goods{Name: "Robot", Terms: shop.Terms{Stock: shop.InStock(stock)}}, "")
	if err != nil {
		return nil, err
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.InterpolateParams, cfg.ClientFoundRows = true, true // as the store has it: one round trip for a statement
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return &shopOn{store: s, db: db, product: p.ID}, nil
}

func (s *shopOn) close() {
	s.db.Close()
	s.store.Close()
}

// sold returns how many are gone, by the product's row; what was stored of orders must be as many.
func (s *shopOn) sold() (int64, error) {
	var left, orders int64
	err := s.db.QueryRow("SELECT woody_stock, (SELECT COUNT(*) FROM `order`) FROM product WHERE id = ?", s.product).
		Scan(&left, &orders)
	if err == nil && stock-left != orders {
		err = fmt.Errorf("%d are gone, and there are %d orders", stock-left, orders)
	}
	return orders, err
}

// newGrouped is the shop's way.
func newGrouped(mariadb *servers.MariaDB, conns int) (*way, error) {
	s, err := newShopOn(mariadb, conns)
	if err != nil {
		return nil, err
	}
	items := []shop.Item{{Product: s.product, Quantity: 1}}
	return &way{name: "the shop", sold: s.sold, close: s.close, buy: func(ctx context.Context) error {
		o := shop.Order{ID: uuid.NewString(), Status: shop.Pending, Version: 1, Items: items}
		_, err := s.store.AddOrder(ctx, o, "")
		return err
	}}, nil
}

// again is how often a transaction is tried in all.
const again = 50

// inTx makes a transaction, and makes it again where another was in the way.
func (s *shopOn) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, f)
		var my *mysql.MySQLError
		if try == again || !errors.As(err, &my) || my.Number != 1213 && my.Number != 1205 && my.Number != 1020 {
			return err
		}
	}
}

func (s *shopOn) once(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

const now = "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"

// insertOrder stores an order as the shop does.
func (s *shopOn) insertOrder(tx *sql.Tx, id string) error {
	_, err := tx.Exec("INSERT INTO `order` (order_id, status, product, created_us, woody_origin, woody_items, "+
		"woody_reserved_until_us) VALUES (?, 'Pending', 'Robot', "+now+", '', ?, "+now+" + 900000000)", id,
		fmt.Sprintf(`[{"product":%d,"quantity":1,"taken":1}]`, s.product))
	return err
}

// newRowLock locks the product's row, looks, and changes it.
func newRowLock(mariadb *servers.MariaDB, conns int) (*way, error) {
	s, err := newShopOn(mariadb, conns)
	if err != nil {
		return nil, err
	}
	return &way{name: "SELECT ... FOR UPDATE", sold: s.sold, close: s.close, buy: func(ctx context.Context) error {
		id := uuid.NewString()
		return s.inTx(ctx, func(tx *sql.Tx) error {
			var left int64
			err := tx.QueryRow("SELECT woody_stock FROM product WHERE id = ? FOR UPDATE", s.product).Scan(&left)
			if err != nil {
				return err
			}
			if left < 1 {
				return errors.New("sold out")
			}
			if err := s.insertOrder(tx, id); err != nil {
				return err
			}
			_, err = tx.Exec("UPDATE product SET woody_stock = ?, version = version + 1 WHERE id = ?", left-1,
				s.product)
			return err
		})
	}}, nil
}

// newUpdate returns the way whose UPDATE checks the stock itself. It comes last, so that its row is locked for as short
// as can be.
func newUpdate(mariadb *servers.MariaDB, conns int) (*way, error) {
	s, err := newShopOn(mariadb, conns)
	if err != nil {
		return nil, err
	}
	const name = "UPDATE ... WHERE stock >= n"
	return &way{name: name, sold: s.sold, close: s.close, buy: func(ctx context.Context) error {
		id := uuid.NewString()
		return s.inTx(ctx, func(tx *sql.Tx) error {
			if err := s.insertOrder(tx, id); err != nil {
				return err
			}
			done, err := tx.Exec("UPDATE product SET woody_stock = woody_stock - 1, version = version + 1 "+
				"WHERE id = ? AND woody_stock >= 1", s.product)
			return mustBeOne(done, err)
		})
	}}, nil
}

// newUnits returns the way with a row for each unit, of which a buyer takes one that nobody holds. The product's row
// stays as it is.
func newUnits(mariadb *servers.MariaDB, conns int) (*way, error) {
	s, err := newShopOn(mariadb, conns)
	if err != nil {
		return nil, err
	}
	if err := s.makeUnits(); err != nil {
		return nil, err
	}
	sold := func() (n int64, err error) {
		var orders int64
		const query = "SELECT (SELECT COUNT(*) FROM unit WHERE sold = 1), (SELECT COUNT(*) FROM `order`)"
		if err = s.db.QueryRow(query).Scan(&n, &orders); err == nil && n != orders {
			err = fmt.Errorf("%d units are gone, and there are %d orders", n, orders)
		}
		return n, err
	}
	return &way{name: "a row per unit, SKIP LOCKED", sold: sold, close: s.close, buy: func(ctx context.Context) error {
		id := uuid.NewString()
		return s.inTx(ctx, func(tx *sql.Tx) error {
			var unit int64
			err := tx.QueryRow("SELECT id FROM unit WHERE product_id = ? AND sold = 0 ORDER BY id LIMIT 1 "+
				"FOR UPDATE SKIP LOCKED", s.product).Scan(&unit)
			if err != nil {
				return err
			}
			if err := s.insertOrder(tx, id); err != nil {
				return err
			}
			done, err := tx.Exec("UPDATE unit SET sold = 1, order_id = ? WHERE id = ?", id, unit)
			return mustBeOne(done, err)
		})
	}}, nil
}

// units are more than are sold in a run by this way.
const units = 200_000

func (s *shopOn) makeUnits() error {
	if _, err := s.db.Exec(`CREATE TABLE unit (
		id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
		product_id BIGINT NOT NULL,
		sold TINYINT NOT NULL DEFAULT 0,
		order_id CHAR(36) CHARACTER SET ascii NULL,
		INDEX free (product_id, sold, id)
	) ENGINE = InnoDB`); err != nil {
		return err
	}
	const batch = 5000
	for range units / batch {
		values := strings.Repeat(fmt.Sprintf(",(%d)", s.product), batch)[1:]
		if _, err := s.db.Exec("INSERT INTO unit (product_id) VALUES " + values); err != nil {
			return err
		}
	}
	return nil
}

func mustBeOne(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("%d rows were changed, want 1", n), err)
	}
	return nil
}
