package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// A load function behind the cache: the second Get is answered without a load, and the one after
// the write with the new value.
func ExampleLoader() {
	stock := map[string]int{"yoyo": 3} // the database
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	loader, err := cache.NewLoader[int](c, cache.Options{Name: "stock", TTL: time.Minute})
	if err != nil {
		panic(err)
	}
	get := func(toy string) {
		n, info, err := loader.Get(context.Background(), loader.Key(toy), []string{"toy:" + toy},
			func(context.Context, *cache.Fill) (int, error) { return stock[toy], nil })
		fmt.Println(n, info.Reason == cache.Hit, err)
	}
	get("yoyo")
	get("yoyo")
	stock["yoyo"] = 2
	c.Invalidate("toy:yoyo") // after the write has committed, before it is acknowledged
	get("yoyo")
	// Output:
	// 3 false <nil>
	// 3 true <nil>
	// 2 false <nil>
}

// A value whose tags are known only after it was loaded.
func ExampleFill_Tag() {
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	loader, err := cache.NewLoader[[]string](c, cache.Options{Name: "page", TTL: time.Minute})
	if err != nil {
		panic(err)
	}
	loads := 0
	page := func() {
		loader.Get(context.Background(), loader.Key("1"), nil,
			func(_ context.Context, fill *cache.Fill) ([]string, error) {
				loads++
				toys := []string{"yoyo", "train"}
				for _, toy := range toys {
					fill.Tag("toy:" + toy)
				}
				return toys, nil
			})
	}
	page()
	page()
	c.Invalidate("toy:train")
	page()
	fmt.Println(loads, "loads")
	// Output: 2 loads
}
