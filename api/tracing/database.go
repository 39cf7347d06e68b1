package tracing

import (
	"context"
	"strings"

	"github.com/go-sql-driver/mysql"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Statements returns what follows the statements of a store: store.Config.Follow. The DSN says where the database is;
// empty means SQLite. Statements that nobody asked for, such as a worker's look for orders, begin no trace.
func (t *Tracing) Statements(dsn string) func(ctx context.Context, statement string) (end func(err error)) {
	where := databaseOf(dsn)
	return func(ctx context.Context, statement string) func(err error) {
		if !trace.SpanFromContext(ctx).IsRecording() {
			return nil
		}
		summary, operation, table := summarize(statement)
		attributes := append(make([]attribute.KeyValue, 0, len(where)+4), where...)
		attributes = append(attributes, semconv.DBOperationName(operation), semconv.DBQuerySummary(summary),
			semconv.DBQueryText(statement[:min(len(statement), textMax)]))
		if table != "" {
			attributes = append(attributes, semconv.DBCollectionName(table))
		}
		_, span := t.tracer.Start(ctx, summary,
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
		return func(err error) { end(span, err) }
	}
}

// textMax is how much of a statement, or of a path, is kept, in bytes. A statement has marks for what callers sent,
// never that itself.
const textMax = 500

// databaseOf returns the attributes that all statements have.
func databaseOf(dsn string) []attribute.KeyValue {
	if dsn == "" {
		return []attribute.KeyValue{semconv.DBSystemNameSQLite}
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil { // which the store refuses
		return []attribute.KeyValue{semconv.DBSystemNameMariaDB}
	}
	return []attribute.KeyValue{
		semconv.DBSystemNameMariaDB, semconv.DBNamespace(cfg.DBName), semconv.ServerAddress(cfg.Addr),
	}
}

// summarize returns a statement's kind, such as "SELECT product", and its parts. Table is empty where the statement
// names none.
func summarize(statement string) (summary, operation, table string) {
	words := strings.Fields(statement)
	if len(words) == 0 {
		return "", "", ""
	}
	operation = strings.ToUpper(words[0])
	for i, word := range words[:len(words)-1] {
		switch strings.ToUpper(word) {
		case "FROM", "INTO", "UPDATE":
			if name := strings.Trim(words[i+1], "`(,)"); name != "" {
				return operation + " " + name, operation, name
			}
		}
	}
	return operation, operation, ""
}
