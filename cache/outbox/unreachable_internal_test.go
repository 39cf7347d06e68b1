package outbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// TestUnreachable distinguishes what proves that nobody is there from what does not.
func TestUnreachable(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, row := range []struct {
		what string
		err  error
		want bool
	}{
		{"a refusal", dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), true},
		{"no socket file", dial(os.NewSyscallError("connect", syscall.ENOENT)), true},
		{"no such name", dial(&net.DNSError{IsNotFound: true}), true},
		{"DNS does not answer", dial(&net.DNSError{IsTemporary: true}), false},
		{"no route", dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), false},
		{"no descriptor", dial(os.NewSyscallError("socket", syscall.EMFILE)), false},
		{"no such name, asked for by the driver", fmt.Errorf("resolve: %w", &net.DNSError{IsNotFound: true}), true},
		{"two addresses refuse", errors.Join(dial(syscall.ECONNREFUSED), dial(syscall.ECONNREFUSED)), true},
		{"one of two refuses", errors.Join(dial(syscall.ECONNREFUSED), dial(syscall.EHOSTUNREACH)), false},
		{"one of two is starting", errors.Join(dial(syscall.ECONNREFUSED), errors.New("starting up")), false},
		{"nothing", nil, false},
		{"a broken connection", &net.OpError{Op: "read", Err: syscall.ECONNREFUSED}, false},
	} {
		if got := unreachable(row.err); got != row.want {
			t.Errorf("%s: %v, want %v", row.what, got, row.want)
		}
	}
}
