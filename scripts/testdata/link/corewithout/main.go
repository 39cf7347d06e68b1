// Corewithout is core without a cache.
package main

import "fmt"

func main() { fmt.Println(load("7")) }

func load(id string) (string, error) { return "toy " + id, nil }
