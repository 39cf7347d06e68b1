// Command edgebench measures what the edge is worth to a visitor whose shop has a slow uplink, as the lab's had: the
// page with its hero in Chromium, and the lab's wget -r -np, without the edge (stage replicas) and with it (stage cdn).
// Both on loopback, without the reverse proxy; the uplink is simulated by the front.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/browser"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// uplink is the lab's 300 kB/s, for each connection.
const uplink = "WOODY_FRONT_LIMIT_RATE=300k"

func main() {
	versus.Command(versus.NewFlags("edgebench"), func() bool { return true }, run)
}

func run(out io.Writer, dir string) error {
	api, front := filepath.Join(dir, "api"), filepath.Join(dir, "front")
	if err := errors.Join(programs.BuildShop(api), programs.BuildFront(front)); err != nil {
		return err
	}
	shop, err := programs.StartShop(exec.Command(api), filepath.Join(dir, "api.log"), "WOODY_FRONT=off",
		"WOODY_DATA_DIR="+dir)
	if err != nil {
		return err
	}
	defer shop.Kill()
	for n := range 14 {
		response, err := http.Get(fmt.Sprintf("%s/api/products?product=Yoyo%d", shop.URL, n))
		if err != nil {
			return err
		}
		response.Body.Close()
	}
	chromium, err := browser.Start()
	if err != nil {
		return err
	}
	m := measurement{out, dir, front, shop.URL, chromium}
	return errors.Join(m.replicas(), m.cdn(), chromium.Close())
}

// measurement is what both stages have in common.
type measurement struct {
	out             io.Writer
	dir, front, api string
	chromium        *browser.Browser
}

// replicas measures the page as the front alone serves it.
func (m measurement) replicas() error {
	front, err := programs.StartFront(exec.Command(m.front), filepath.Join(m.dir, "replicas.log"),
		"WOODY_API_URL="+m.api, uplink)
	if err != nil {
		return err
	}
	defer front.Kill()
	fmt.Fprintf(m.out, "\nStage replicas: the front sends everything, %s\n", uplink)
	return errors.Join(m.visits(front.URL, "first visitor", "another"), m.wget(front.URL))
}

// cdn measures the page with its assets at an edge that is empty at first.
func (m measurement) cdn() error {
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		return err
	}
	front, err := programs.StartFront(exec.Command(m.front), filepath.Join(m.dir, "cdn.log"),
		"WOODY_API_URL="+m.api, uplink,
		"WOODY_CDN_URL=http://cdn.shop.localhost:"+port)
	if err != nil {
		return err
	}
	defer front.Kill()
	edge, err := programs.StartVarnish([]string{front.Addr}, "WOODY_ADDR=127.0.0.1:"+port)
	if err != nil {
		return err
	}
	defer edge.Close()
	fmt.Fprintf(m.out, "\nStage cdn: the edge sends the assets, and fetches each once from the front, %s\n", uplink)
	return errors.Join(m.visits(front.URL, "first visitor, empty edge", "another", "another", "another", "another",
		"another"), m.wget(front.URL))
}

// visits opens the page for visitors with empty caches, twice for each.
func (m measurement) visits(url string, visitors ...string) error {
	page := strings.Replace(url, "127.0.0.1", "shop.localhost", 1) + "/"
	for _, name := range visitors {
		visitor, err := m.chromium.NewVisitor()
		if err != nil {
			return err
		}
		for _, when := range []string{"first view", "second view"} {
			view, err := visitor.Look(page, 2*time.Minute)
			if err != nil {
				return err
			}
			var bytes, kept int
			for _, file := range view.Files {
				if bytes += file.Bytes; file.Bytes == 0 {
					kept++
				}
			}
			fmt.Fprintf(m.out, "  %-26s %-13s%7.3f s, %d files, %d of them kept by the browser, %d bytes\n",
				name+",", when+":", view.Took.Seconds(), len(view.Files), kept, bytes)
		}
		visitor.Leave()
	}
	return nil
}

// wget fetches the page and what it leads to on its own host, as the lab did.
func (m measurement) wget(url string) error {
	fmt.Fprintf(m.out, "  wget -r -np:")
	for range 3 {
		cmd := exec.Command("wget", "-r", "-np", "-nv", "-P", filepath.Join(m.dir, "wget"), url+"/")
		began := time.Now()
		out, err := cmd.CombinedOutput()
		took := time.Since(began)
		if err != nil {
			return fmt.Errorf("wget (scripts/need wget installs it): %w\n%s", err, out)
		}
		fmt.Fprintf(m.out, " %.3f s (%d files)", took.Seconds(), strings.Count(string(out), "URL:"))
	}
	fmt.Fprintln(m.out)
	return nil
}
