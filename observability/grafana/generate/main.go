// Command generate writes the dashboards of observability/grafana/dashboards from what shop.go, stores.go and cache.go
// say of their panels: go run ./observability/grafana/generate. Grafana's JSON repeats itself too much to be written by
// hand. A test compares the files with this.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("out", "observability/grafana/dashboards", "the folder to write to")
	flag.Parse()
	if err := write(*folder); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write writes every dashboard into a folder.
func write(folder string) error {
	for name, content := range files() {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files returns what each file of the folder is to have.
func files() map[string][]byte {
	all := map[string][]byte{}
	for _, d := range []dashboard{shop(), stores(), cache()} {
		content, err := json.MarshalIndent(d.grafana(), "", "  ")
		if err != nil {
			panic(err) // it is made of maps, lists, texts and numbers
		}
		all[d.uid+".json"] = append(content, '\n')
	}
	return all
}
