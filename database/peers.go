package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// peers asks the other nodes for their states, again and again.
type peers struct {
	others []node
	port   string // of their HTTP
	client http.Client

	mu   sync.Mutex
	seen map[string]observedNode
}

// observedNode is a node as it was seen last.
type observedNode struct {
	state State
	addr  string
	at    time.Time
}

func newPeers(others []node, port string) *peers {
	return &peers{
		others: others, port: port, seen: map[string]observedNode{},
		client: http.Client{Timeout: silence},
	}
}

// run asks until ctx ends.
func (p *peers) run(ctx context.Context) {
	var asking sync.WaitGroup
	for _, other := range p.others {
		asking.Go(func() { p.follow(ctx, other) })
	}
	asking.Wait()
}

func (p *peers) follow(ctx context.Context, other node) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for addr := ""; ; {
		if addr == "" {
			addr, _ = other.resolve(ctx) // tried again until DNS has it
		}
		if state, err := p.ask(ctx, addr, other.name); err == nil {
			p.note(observedNode{state, addr, time.Now()})
		} else {
			addr = ""
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask returns what the node at an address says of itself.
func (p *peers) ask(ctx context.Context, addr, name string) (s State, err error) {
	url := "http://" + net.JoinHostPort(addr, p.port) + "/state"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return s, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		return s, err
	}
	if s.Name != name {
		return s, fmt.Errorf("at the address of %s is %s", name, s.Name)
	}
	return s, nil
}

func (p *peers) note(s observedNode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[s.state.Name] = s
}

// states returns the states of those that are not silent, by name, and their addresses.
func (p *peers) states() (states map[string]State, addrs map[string]string) {
	return p.statesWithin(silence)
}

// statesWithin is like states, of those that are silent for less than a time.
func (p *peers) statesWithin(limit time.Duration) (states map[string]State, addrs map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	states, addrs = map[string]State{}, map[string]string{}
	for name, s := range p.seen {
		if time.Since(s.at) < limit {
			states[name], addrs[name] = s.state, s.addr
		}
	}
	return states, addrs
}
