// Package constant is the fastest that Fiber can send a response: a bare handler that sends, byte for
// byte, what another server answered. It is what the others are measured against.
package constant

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
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
	response, err := http.ReadResponse(bufio.NewReader(content), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	mediaType := response.Header.Get("Content-Type")
	type field struct{ name, value string }
	var fields []field
	for name, values := range response.Header {
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
	return start(dir, model, func(response string) string { return response })
}

// StartWith is Start for a handler that sends only some of the header fields: Content-Type and those that are named.
func StartWith(dir string, model versus.Side, fields ...string) (versus.Side, *servers.Process, error) {
	return start(dir, model, func(response string) string {
		head, body, _ := strings.Cut(response, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
			name, _, isField := strings.Cut(line, ": ")
			return isField && name != "Content-Length" && name != "Content-Type" && !slices.Contains(fields, name)
		}), "\r\n") + "\r\n\r\n" + body
	})
}

func start(dir string, model versus.Side, edit func(response string) string) (versus.Side, *servers.Process, error) {
	target := model.Target
	response, err := ask(target)
	if err != nil {
		return versus.Side{}, nil, err
	}
	file, err := os.CreateTemp(dir, "answer")
	if err != nil {
		return versus.Side{}, nil, err
	}
	_, err = io.WriteString(file, edit(response))
	if err := errors.Join(err, file.Close()); err != nil {
		return versus.Side{}, nil, err
	}
	process, addr, err := servers.StartSelf(file.Name()+".log", command, file.Name(), target.Paths[0])
	if err != nil {
		return versus.Side{}, nil, err
	}
	target.Addr, target.Paths = addr, target.Paths[:1]
	return versus.Side{Name: "bare Fiber handler", PID: process.PID(), Target: target}, process, nil
}

// ask returns a whole response to a target's first path as it came over the connection, without what closing it added.
func ask(target load.Target) (string, error) {
	addr := target.Addr
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", target.Paths[0], addr,
		target.Header)
	if err != nil {
		return "", err
	}
	response, err := io.ReadAll(conn)
	return strings.Replace(string(response), "Connection: close\r\n", "", 1), err
}
