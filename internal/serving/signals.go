package serving

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that ends when the process is told to end: by SIGTERM, by SIGINT (Ctrl-C), or by SIGHUP
// (the terminal was closed). A second SIGTERM or SIGINT then ends the process at once. A second SIGHUP does not, since
// whoever closes a terminal has the kernel and the shell send one each. A process that was started with SIGHUP ignored,
// as nohup does, goes on ignoring it.
//
// Whoever reads the log may end with the terminal: from the call of UntilSignal on, writing to a pipe that nobody reads
// is an error and does not end the process.
//
// Stop gives the signals back, and is to be called when the process need no longer wait for one.
func UntilSignal(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ending := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	swallowed := []os.Signal{syscall.SIGPIPE}
	if !signal.Ignored(syscall.SIGHUP) {
		ending = append(ending, syscall.SIGHUP)
		swallowed = append(swallowed, syscall.SIGHUP)
	}
	nobody := make(chan os.Signal, 1) // receives signals only so that the kernel does not end the process by them
	signal.Notify(nobody, swallowed...)
	ctx, release := signal.NotifyContext(parent, ending...)
	context.AfterFunc(ctx, release)
	return ctx, func() {
		release()
		signal.Stop(nobody)
	}
}
