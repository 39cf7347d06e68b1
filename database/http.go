package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/internal/serving"
)

// handler returns what the node serves to the other nodes, to the proxy and to operators.
func (n *runner) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /state", n.handleState)
	mux.HandleFunc("GET /writer", n.handleRole("writer", func(s State) bool { return s.Writer }))
	mux.HandleFunc("GET /reader", n.handleRole("reader", func(s State) bool { return s.Reader }))
	mux.HandleFunc("POST /bootstrap", n.handleBootstrap)
	return mux
}

func (n *runner) handleState(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(n.withRoles()) // whoever asked has gone
}

// handleRole returns a handler for whether the node has a role: 200, or 503 with the reason.
func (n *runner) handleRole(role string, has func(State) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if state := n.withRoles(); !has(state) {
			http.Error(w, state.whyNot(role), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, role)
	}
}

// lookAround is how long after its start a node may not have seen all others that are there.
const lookAround = 2 * time.Second

// memory is how long a node counts that has become silent, when an operator has another one begin: a busy machine may
// keep it from responding for a moment.
const memory = 10 * time.Second

// handleBootstrap makes the node begin a cluster. Only requests from this machine may.
func (n *runner) handleBootstrap(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		http.Error(w, "run `database bootstrap` in the node's container", http.StatusForbidden)
		return
	}
	time.Sleep(time.Until(n.begun.Add(lookAround)))
	states, _ := n.peers.statesWithin(memory)
	states[n.cfg.Node] = n.state()
	todo, err := command(n.cfg.Node, n.cfg.names(), states)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	select {
	case n.commands <- todo:
		fmt.Fprintf(w, "%s begins a cluster\n", n.cfg.Node)
	case <-time.After(silence):
		http.Error(w, "this node does something else now; look again in a moment", http.StatusConflict)
	}
}

// ask prints what the node that runs here says, and returns an error where that is not 200.
func (c config) ask(stdout io.Writer, method, path string) error {
	addr, err := c.ownHTTP()
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: serving.HealthcheckTimeout}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no node runs here: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	_, err = stdout.Write(text)
	return err
}

// ownHTTP returns where the node that runs here is asked.
func (c config) ownHTTP() (string, error) {
	host, port, err := net.SplitHostPort(c.Addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), err
}
