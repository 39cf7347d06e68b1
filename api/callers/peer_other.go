//go:build !linux

package callers

import "syscall"

// peerOf cannot tell.
func peerOf(syscall.RawConn) (fin, broken bool) { return false, false }
