// Package clustertest stages the schedules of ../../PROTOCOL.md with replicas that are processes of their
// own, a real Redis and a real MariaDB. There is nothing in it but tests.
package clustertest
