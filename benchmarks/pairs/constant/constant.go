// Package constant is the fastest that Fiber can send an answer: a bare handler that sends, byte for
// byte, what another server answered. It is what the others are measured against.
package constant

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// command is the argument that makes a benchmark's own program the bare handler: `PROGRAM constant FILE`.
const command = "constant"

// ServeIfAsked serves, and never returns, when this program was started by Start.
func ServeIfAsked() {
	if len(os.Args) == 4 && os.Args[1] == command {
		fmt.Fprintln(os.Stderr, serve(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
}

// serve serves the response in a file at path, on the socket that it was given.
func serve(file, path string) error {
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(content), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	mediaType := answer.Header.Get("Content-Type")
	type field struct{ name, value string }
	var fields []field
	for name, values := range answer.Header {
		if name != "Date" && name != "Content-Length" && name != "Content-Type" && name != "Server" {
			fields = append(fields, field{name, values[0]})
		}
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get(path, func(c *fiber.Ctx) error {
		for _, f := range fields {
			c.Set(f.name, f.value)
		}
		c.Set(fiber.HeaderContentType, mediaType)
		return c.Send(body)
	})
	app.Get(AllocationsPath, HandleAllocations)
	app.Get("/readyz", func(c *fiber.Ctx) error { return c.SendStatus(fiber.StatusOK) }) // for the checks of a proxy
	ln, err := servers.SelfSocket()
	if err != nil {
		return err
	}
	return app.Listener(ln)
}

// Start starts this program again as a bare handler that sends model's response to its first path.
// Files go to dir.
func Start(dir string, model versus.Side) (versus.Side, *servers.Process, error) {
	path := model.Target.Paths[0]
	answer, err := ask(model.Target.Addr, path)
	if err != nil {
		return versus.Side{}, nil, err
	}
	file := filepath.Join(dir, "answer")
	if err := os.WriteFile(file, []byte(answer), 0o644); err != nil {
		return versus.Side{}, nil, err
	}
	process, addr, err := servers.StartSelf(filepath.Join(dir, "constant.log"), command, file, path)
	if err != nil {
		return versus.Side{}, nil, err
	}
	side := versus.Side{Name: "bare Fiber handler", PID: process.PID(),
		Target: load.Target{Addr: addr, Paths: []string{path}}}
	return side, process, nil
}

// ask returns a whole answer as it came over the connection, without what closing it added.
func ask(addr, path string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return strings.Replace(string(answer), "Connection: close\r\n", "", 1), err
}
