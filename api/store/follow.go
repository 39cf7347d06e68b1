package store

import (
	"context"
	"database/sql/driver"
)

// follow is Config.Follow.
type follow = func(ctx context.Context, statement string) (end func(err error))

type behalfKey struct{}

// onBehalfOf returns a context whose statements are sent on behalf of several callers.
func onBehalfOf(ctx context.Context, callers []context.Context) context.Context {
	return context.WithValue(ctx, behalfKey{}, callers)
}

// followEach returns what calls f for each of the callers on whose behalf a statement is sent; nil where f is nil.
func followEach(f follow) follow {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, statement string) (end func(err error)) {
		several, ok := ctx.Value(behalfKey{}).([]context.Context)
		if !ok {
			return f(ctx, statement)
		}
		var ends []func(err error)
		for _, caller := range several {
			if end := f(caller, statement); end != nil {
				ends = append(ends, end)
			}
		}
		return func(err error) {
			for _, end := range ends {
				end(err)
			}
		}
	}
}

// followed returns a connector whose connections to a file call f, or the connector itself where f is nil.
func followed(c driver.Connector, f follow) driver.Connector {
	if f == nil {
		return c
	}
	return tracedConnector{c, f}
}

type tracedConnector struct {
	driver.Connector
	follow follow
}

// Connect implements driver.Connector.
func (c tracedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &tracedConn{conn.(fileConn), c.follow}, nil
}

// followServer returns a connection to a server that calls f, or the connection itself where f is nil.
func followServer(conn serverConn, f follow) serverConn {
	if f == nil {
		return conn
	}
	return &tracedServer{tracedConn{conn, f}, conn}
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

// tracedServer is a connection to a server whose statements are traced.
type tracedServer struct {
	tracedConn
	checker driver.NamedValueChecker
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *tracedServer) CheckNamedValue(v *driver.NamedValue) error {
	return c.checker.CheckNamedValue(v)
}

// tracedConn is a connection whose statements are traced: follow is called as each begins.
type tracedConn struct {
	fileConn
	follow follow
}

// begin calls follow, and returns what is to be called at the end.
func (c *tracedConn) begin(ctx context.Context, statement string) (end func(err error)) {
	if end = c.follow(ctx, statement); end == nil {
		return func(error) {}
	}
	return end
}

// ExecContext implements driver.ExecerContext.
func (c *tracedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	end := c.begin(ctx, query)
	done, err := c.fileConn.ExecContext(ctx, query, args)
	end(err)
	return done, err
}

// QueryContext implements driver.QueryerContext.
func (c *tracedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	end := c.begin(ctx, query)
	rows, err := c.fileConn.QueryContext(ctx, query, args)
	end(err)
	return rows, err
}

// BeginTx implements driver.ConnBeginTx.
func (c *tracedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	end := c.begin(ctx, "BEGIN")
	tx, err := c.fileConn.BeginTx(ctx, options)
	end(err)
	if err != nil {
		return nil, err
	}
	return tracedTx{tx, c, ctx}, nil
}

// tracedTx is a transaction on a traced connection.
type tracedTx struct {
	driver.Tx
	conn *tracedConn
	ctx  context.Context
}

// Commit implements driver.Tx.
func (tx tracedTx) Commit() error {
	end := tx.conn.begin(tx.ctx, "COMMIT")
	err := tx.Tx.Commit()
	end(err)
	return err
}
