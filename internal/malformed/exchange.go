package malformed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Response is one response of a server.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// patience is how long a server may take for all its responses.
const patience = 30 * time.Second

// Exchange sends bytes to a server, on a connection of their own, and returns its responses in their order. The error
// means that the server did not close the connection behind them, reset it, or answered with what is not HTTP.
func Exchange(addr, sent string) ([]Response, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return ExchangeOver(conn, sent)
}

// ExchangeOver is Exchange over a connection that is there, which it closes.
func ExchangeOver(conn net.Conn, sent string) ([]Response, error) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, sent); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	received, err := io.ReadAll(conn)
	if err != nil {
		return nil, fmt.Errorf("read until the server closes, after %q: %w", received, err)
	}
	return Parse(received)
}

// Parse takes apart what a server has sent: a response to a request with each of the methods, in their order, and to
// GETs after that. Interim responses (1xx) are left out. It returns the responses before what is not one, with an
// error.
func Parse(received []byte, methods ...string) (responses []Response, err error) {
	r := bufio.NewReader(bytes.NewReader(received))
	for {
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			return responses, nil
		}
		request := &http.Request{Method: http.MethodGet}
		if len(responses) < len(methods) {
			request.Method = methods[len(responses)]
		}
		response, err := http.ReadResponse(r, request)
		if err != nil {
			return responses, fmt.Errorf("not an answer: %q: %w", received, err)
		}
		content := io.Reader(response.Body)
		if response.StatusCode == http.StatusBadRequest && response.Close && request.Method == http.MethodHead {
			content = r // a server that cannot read a request line cannot see that it is HEAD's
		}
		body, err := io.ReadAll(content)
		if err != nil {
			return responses, fmt.Errorf("not a whole answer: %q: %w", received, err)
		}
		if response.StatusCode >= http.StatusOK {
			responses = append(responses, Response{response.StatusCode, response.Header, string(body)})
		}
	}
}
