package main

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/replica"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
)

// hits compares a read that the API's near cache has with a bare handler that sends the same, and with one that sends
// three of the header fields: those that a handler of a product would set by itself.
func hits(b versus.Bench, program, dir string) error {
	api, shop, err := replica.Start(program, dir, "hit")
	if err != nil {
		return err
	}
	defer shop.Kill()
	for _, form := range []struct{ name, accept string }{{"text", "text/plain"}, {"JSON", "application/json"}} {
		const path = "/api/products/1"
		side := api.Asking("GET "+path, path)
		side.Target.Header = "Accept: " + form.accept + "\r\n"
		if err := hitsIn(b, form.name, side, dir); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
	}
	return nil
}

func hitsIn(b versus.Bench, form string, api versus.Side, dir string) error {
	same, process, err := constant.Start(dir, api)
	if err != nil {
		return err
	}
	defer process.Kill()
	three, process, err := constant.StartWith(dir, api, "Cache-Control", "Vary", "Etag")
	if err != nil {
		return err
	}
	defer process.Kill()
	for _, against := range []struct {
		bare   versus.Side
		fields string
		most   float64
	}{{same, "the same fields", 1.1}, {three, "three fields", 1.2}} {
		const format = "A hit in %s against a bare handler with %s (%v of its processor time at most is asked for)"
		title := fmt.Sprintf(format,
			form, against.fields, against.most)
		if _, _, err := b.Compare(title, api, against.bare); err != nil {
			return err
		}
	}
	return nil
}
