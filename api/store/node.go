package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// node is what is asked of a server once, when a connection to it is new.
type node struct {
	// name is the node's in its Galera cluster, or else the server's host name.
	name string
	// galera reports whether the server is a node of a Galera cluster. A read on the connection waits then until the
	// node has what was committed on any node before it (wsrep_sync_wait), and so does a transaction's BEGIN. MySQL
	// does not know the setting.
	galera bool
}

const (
	askNode = "SHOW VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_node_name', 'hostname', " +
		"'idle_write_transaction_timeout')"
	syncWait = "SET SESSION wsrep_sync_wait = 1"
)

// idleInWrite is how long a transaction that has written may wait for its next statement. A replica that stops in the
// middle of one, as a frozen machine does, keeps the rows locked: the server ends its connection then, and rolls back.
// MariaDB has that since 10.3, MySQL has not.
const idleInWrite = 5 * time.Second

// meet asks a new connection's server who it is, has it bound transactions that are idle, and has reads on the
// connection be causal where it is a node.
func meet(ctx context.Context, conn serverConn, idle time.Duration) (n node, err error) {
	variables, err := readPairs(ctx, conn, askNode)
	if err != nil {
		return n, err
	}
	n.name = cleanNode(variables["hostname"])
	if _, knows := variables["idle_write_transaction_timeout"]; knows {
		bound := fmt.Sprintf("SET SESSION idle_write_transaction_timeout = %d", int(idle.Seconds()))
		if _, err := conn.ExecContext(ctx, bound, nil); err != nil {
			return n, err
		}
	}
	if n.galera = variables["wsrep_on"] == "ON"; !n.galera {
		return n, nil
	}
	if name := cleanNode(variables["wsrep_node_name"]); name != "" {
		n.name = name
	}
	if causal {
		_, err = conn.ExecContext(ctx, syncWait, nil)
	}
	return n, err
}

// readPairs reads rows of a name and a value.
func readPairs(ctx context.Context, conn serverConn, query string) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	pairs := map[string]string{}
	for row := make([]driver.Value, len(rows.Columns())); ; {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return pairs, nil
		case err != nil:
			return nil, err
		case len(row) != 2:
			return nil, fmt.Errorf("%s has %d columns, want 2", query, len(row))
		}
		pairs[strings.ToLower(text(row[0]))] = text(row[1])
	}
}

// text returns a column's value in words.
func text(value driver.Value) string {
	if b, ok := value.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(value)
}

// nodeNameMax is how long a node's name may be in what callers and metrics see, in bytes.
const nodeNameMax = 64

// cleanNode returns a node's name as it stands in fields of HTTP and in metrics: nothing in it needs to be quoted.
func cleanNode(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), nodeNameMax)]
}
