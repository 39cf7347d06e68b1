package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Conn is a kept connection to an HTTP/1.1 server, for one request at a time.
type Conn struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
	// Patience is how long Ask waits for a response. Default: as long as it takes.
	Patience time.Duration
	// The fields that Response refers to; the next response overwrites them.
	cacheStatus, servedBy []byte
}

// Response is what came back. Its bytes are good until the connection's next request.
type Response struct {
	Status int
	Body   []byte
	// CacheStatus and ServedBy are the fields Cache-Status and X-Served-By; empty where there are none.
	CacheStatus, ServedBy []byte
	// Closing reports that the server ends the connection behind this answer.
	Closing bool
}

// Dial connects to HOST:PORT.
func Dial(addr string) (*Conn, error) { return DialContext(context.Background(), addr) }

// DialContext is like Dial, and gives up when ctx ends. The connection outlives that.
func DialContext(ctx context.Context, addr string) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}, nil
}

// Close ends the connection. It may be called at any time.
func (c *Conn) Close() error { return c.conn.Close() }

// Do is like Ask, but returns the status and the body only.
func (c *Conn) Do(request []byte) (status int, body []byte, err error) {
	response, err := c.Ask(request)
	return response.Status, response.Body, err
}

// Ask writes a whole request and reads the response, which must have a Content-Length or a status that
// has no body. After an error the connection is of no more use.
func (c *Conn) Ask(request []byte) (Response, error) {
	if c.Patience > 0 {
		if err := c.conn.SetDeadline(time.Now().Add(c.Patience)); err != nil {
			return Response{}, err
		}
	}
	if _, err := c.conn.Write(request); err != nil {
		return Response{}, err
	}
	response, length, err := c.readHead()
	if err != nil {
		return Response{}, fmt.Errorf("%s: %w", c.conn.RemoteAddr(), err)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	for read := 0; read < length; {
		n, err := c.reader.Read(c.body[read:])
		if err != nil {
			return Response{}, err
		}
		read += n
	}
	response.Body = c.body
	return response, nil
}

var (
	contentLength = []byte("content-length:")
	cacheStatus   = []byte("cache-status:")
	servedBy      = []byte("x-served-by:")
	connection    = []byte("connection:")
	closeWord     = []byte("close")
)

func (c *Conn) readHead() (response Response, length int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return response, 0, err
	}
	if len(line) < 12 {
		return response, 0, fmt.Errorf("not an HTTP status line: %q", line)
	}
	if response.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return response, 0, err
	}
	for length = -1; ; {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return response, 0, err
		}
		if len(line) <= 2 {
			break
		}
		switch line[0] | 0x20 {
		case 'c':
			if value, ok := field(line, contentLength); ok {
				if length, err = strconv.Atoi(string(value)); err != nil {
					return response, 0, err
				}
			} else if value, ok := field(line, cacheStatus); ok {
				c.cacheStatus = append(c.cacheStatus[:0], value...)
				response.CacheStatus = c.cacheStatus
			} else if value, ok := field(line, connection); ok {
				response.Closing = bytes.EqualFold(value, closeWord)
			}
		case 'x':
			if value, ok := field(line, servedBy); ok {
				c.servedBy = append(c.servedBy[:0], value...)
				response.ServedBy = c.servedBy
			}
		}
	}
	if length < 0 {
		if response.Status != 204 && response.Status != 304 {
			return response, 0, errors.New("the answer has no Content-Length")
		}
		length = 0
	}
	return response, length, nil
}

// field returns the value of a header line of that name, which is in lower case and has its colon.
func field(line, name []byte) (value []byte, ok bool) {
	if len(line) <= len(name) || line[len(name)-1] != ':' || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}
