package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/gofiber/fiber/v2"
)

// serveConstant answers path with the answer in a file: the fastest that Fiber can send it.
func serveConstant(file, path string) error {
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
	type pair struct{ name, value string }
	var header []pair
	for name, values := range answer.Header {
		if name != "Date" && name != "Content-Length" && name != "Content-Type" && name != "Server" {
			header = append(header, pair{name, values[0]})
		}
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get(path, func(c *fiber.Ctx) error {
		to := &c.Response().Header
		for _, p := range header {
			to.Set(p.name, p.value)
		}
		to.SetContentType(mediaType)
		c.Response().SetBodyRaw(body)
		return nil
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	return app.Listener(ln)
}

// againstConstant compares the API's plainest call with a bare handler.
func (b bench) againstConstant(program, dir string) error {
	const path = "/api/misc/time"
	api, err := startAPI(program, dir, "time", "")
	if err != nil {
		return err
	}
	defer api.Kill()
	constant, err := startConstant(dir, api, path)
	if err != nil {
		return err
	}
	defer constant.Kill()
	return b.compare("GET "+path+" (ours over the bare handler: 0.9 or more is asked for)", api.asking("GET "+path, path), constant)
}
