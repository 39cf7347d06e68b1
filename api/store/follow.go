package store

import (
	"context"
	"database/sql/driver"
)

// follow is Config.Follow.
type follow = func(ctx context.Context, statement string) (end func(err error))

// followed returns a connector whose connections to a file call f, or the connector itself where f is nil.
func followed(c driver.Connector, f follow) driver.Connector {
	if f == nil {
		return c
	}
	return followedConnector{c, f}
}

type followedConnector struct {
	driver.Connector
	follow follow
}

// Connect implements driver.Connector.
func (c followedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &followedConn{conn.(fileConn), c.follow}, nil
}

// followServer returns a connection to a server that calls f, or the connection itself where f is nil.
func followServer(conn serverConn, f follow) serverConn {
	if f == nil {
		return conn
	}
	return &followedServer{followedConn{conn, f}, conn}
}

// fileConn is what SQLite's connections can do.
type fileConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// followedServer is a connection to a server that somebody follows.
type followedServer struct {
	followedConn
	checker driver.NamedValueChecker
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *followedServer) CheckNamedValue(v *driver.NamedValue) error {
	return c.checker.CheckNamedValue(v)
}

// followedConn is a connection that somebody follows.
type followedConn struct {
	fileConn
	follow follow
}

// begin calls follow, and returns what is to be called at the end.
func (c *followedConn) begin(ctx context.Context, statement string) (end func(err error)) {
	if end = c.follow(ctx, statement); end == nil {
		return func(error) {}
	}
	return end
}

// ExecContext implements driver.ExecerContext.
func (c *followedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	end := c.begin(ctx, query)
	done, err := c.fileConn.ExecContext(ctx, query, args)
	end(err)
	return done, err
}

// QueryContext implements driver.QueryerContext.
func (c *followedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	end := c.begin(ctx, query)
	rows, err := c.fileConn.QueryContext(ctx, query, args)
	end(err)
	return rows, err
}

// BeginTx implements driver.ConnBeginTx.
func (c *followedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	end := c.begin(ctx, "BEGIN")
	tx, err := c.fileConn.BeginTx(ctx, options)
	end(err)
	if err != nil {
		return nil, err
	}
	return followedTx{tx, c, ctx}, nil
}

// followedTx is a transaction of a connection that somebody follows.
type followedTx struct {
	driver.Tx
	conn *followedConn
	ctx  context.Context
}

// Commit implements driver.Tx.
func (tx followedTx) Commit() error {
	end := tx.conn.begin(tx.ctx, "COMMIT")
	err := tx.Tx.Commit()
	end(err)
	return err
}
