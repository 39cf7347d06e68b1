// Package faults breaks the shop on purpose: replicas, a Redis and a MariaDB that are killed, paused, cut
// off and started again, by a schedule that a seed decides, while clients read and write over HTTP and check
// every response against what was acknowledged before they asked. Faults that take several coincidences are
// staged (staged_test.go). There is nothing in it but tests: `make fault DURATION=10m`, or
//
//	go test ./api/faults -run '^TestFaults$' -v -timeout 0 -args -seed 7 -duration 10m
package faults
