// Package databaseproxy holds the configuration that the image of the database's proxy ships, for tests and benchmarks
// that start HAProxy from the very same file.
package databaseproxy

import _ "embed"

// Config is haproxy.cfg.
//
//go:embed haproxy.cfg
var Config string
