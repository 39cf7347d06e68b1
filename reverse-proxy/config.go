// Package reverseproxy holds the configuration that the proxy's image ships, for tests and benchmarks
// that start HAProxy from the very same file.
package reverseproxy

import _ "embed"

// Config is haproxy.cfg.
//
//go:embed haproxy.cfg
var Config string
