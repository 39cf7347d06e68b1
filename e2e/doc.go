// Package e2e drives the stack on a real Docker Swarm with the operator's own scripts: `make e2e`. The Swarm is its
// own (scripts/local-swarm), so that neither the machine's Docker nor its Swarm is touched, and nothing is left.
package e2e
