package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// failure is the trailer that says how a command failed.
const failure = "Woody-Failure"

// serveCommands takes the commands of this program on a socket file that only its user can reach, until ctx ends. A
// command goes on though whoever gave it has left.
func (k *keeper) serveCommands(ctx context.Context) (closed func(), err error) {
	socket, err := net.Listen("unix", k.cfg.socket())
	if err != nil {
		return nil, fmt.Errorf("WOODY_BACKUP_WORK_DIR: %w", err)
	}
	if err := os.Chmod(k.cfg.socket(), 0o600); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	mux := http.NewServeMux()
	handle := func(name string, command func(r *http.Request, w io.Writer, say sayer) error) {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", failure)
			to := &flushing{w}
			err := command(r, to, func(line string) { fmt.Fprintln(to, line) })
			if err != nil {
				w.Header().Set(failure, strings.Join(strings.Fields(err.Error()), " "))
			}
		})
	}
	handle("now", func(_ *http.Request, _ io.Writer, say sayer) error { return k.full(ctx, say) })
	handle("list", func(_ *http.Request, w io.Writer, _ sayer) error { return k.list(ctx, w) })
	handle("verify", func(r *http.Request, _ io.Writer, say sayer) error {
		return k.verify(ctx, r.FormValue("backup"), say)
	})
	handle("restore", func(r *http.Request, _ io.Writer, say sayer) error {
		return k.restore(ctx, r.FormValue("time"), r.FormValue("plan") == "true", say)
	})
	handle("state", func(_ *http.Request, w io.Writer, _ sayer) error {
		_, err := fmt.Fprintln(w, k.state())
		return err
	})
	handle("secrets", func(r *http.Request, w io.Writer, say sayer) error {
		if r.URL.Query().Get("restore") == "true" {
			return k.giveSecrets(ctx, w)
		}
		return k.keepSecrets(ctx, r.Body, say)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(socket) }()
	return func() { server.Close() }, nil
}

// flushing sends each line at once.
type flushing struct{ http.ResponseWriter }

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if flusher, ok := f.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
	return n, err
}

// ask gives the program that runs in the work folder a command, and prints what it says.
func (c *config) ask(command string, values url.Values, in io.Reader, out io.Writer) error {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", c.socket())
		},
	}}
	response, err := client.Post("http://backup/"+command+"?"+values.Encode(), "application/octet-stream", in)
	if err != nil {
		return fmt.Errorf("no backup runs in %s: start it first (backup): %w", c.WorkDir, err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(out, response.Body); err != nil {
		return fmt.Errorf("the program has ended meanwhile: %w", err)
	}
	if message := response.Trailer.Get(failure); message != "" {
		return errors.New(message)
	}
	return nil
}
