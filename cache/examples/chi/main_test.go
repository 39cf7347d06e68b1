package main

import (
	"fmt"
	"testing"

	"github.com/woodytoys/woodytoys/cache/examples/internal/exampletest"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func TestTwoReplicas(t *testing.T) {
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartPostgres(t))
	redis := servertest.MustStartRedis(t)
	file := exampletest.Build(t)
	var replicas [2]*exampletest.Program
	for i := range replicas {
		replicas[i] = exampletest.Start(t, file, "-db", dsn, "-redis", redis.Addr)
	}
	for _, r := range replicas {
		r.WantStatus(t, "/toys/1", 404)
		r.WantStatus(t, "/toys/one", 404)
	}
	for i := range 20 {
		name := fmt.Sprint("Yoyo ", i)
		replicas[i%2].Put(t, "/toys/1", name)
		for _, r := range replicas {
			r.Want(t, "/toys/1", name)
			r.AwaitHit(t, "/toys/1")
		}
	}
	for _, r := range replicas {
		r.Interrupt(t)
	}
}
