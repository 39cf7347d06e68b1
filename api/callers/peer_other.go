//go:build !linux

package callers

import "syscall"

// peerOf cannot find out.
func peerOf(syscall.RawConn) (fin, broken bool) { return false, false }
