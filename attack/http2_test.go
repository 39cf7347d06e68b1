//go:build attack

package attack

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is a connection in HTTP/2 on which frames are sent as they are, well-formed or not.
type stream struct {
	*http2.Framer
	conn *tls.Conn

	fields  bytes.Buffer
	encoder *hpack.Encoder
}

func dialHTTP2(s *Shop) (*stream, error) { return dialHTTP2From(s, "127.0.0.1") }

// dialHTTP2From comes from an address of the loopback.
func dialHTTP2From(s *Shop, from string) (*stream, error) {
	config := s.Authority.Client()
	config.NextProtos = []string{"h2"}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	conn, err := tls.DialWithDialer(dialer, "tcp", s.Addr, config)
	if err != nil {
		return nil, err
	}
	c := &stream{Framer: http2.NewFramer(conn, conn), conn: conn}
	c.AllowIllegalWrites = true
	c.encoder = hpack.NewEncoder(&c.fields)
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	return c, errors.Join(err, c.WriteSettings())
}

func mustDialHTTP2(t *testing.T, s *Shop) *stream {
	t.Helper()
	c, err := dialHTTP2(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// field is a header field.
type field struct{ name, value string }

// encode returns the fields as HPACK has them.
func (c *stream) encode(fields ...field) []byte {
	c.fields.Reset()
	for _, f := range fields {
		_ = c.encoder.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}) // to a buffer
	}
	return bytes.Clone(c.fields.Bytes())
}

// request sends a header, and a body where there is one.
func (c *stream) request(id uint32, body []byte, fields ...field) error {
	err := c.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: c.encode(fields...), EndHeaders: true, EndStream: body == nil})
	if err == nil && body != nil {
		err = c.WriteData(id, true, body)
	}
	return err
}

// outcome is what became of a request: a status, or the reason for which the stream or the connection was ended.
type outcome struct {
	status string
	reset  *http2.ErrCode
	goAway *http2.ErrCode
	closed error
}

func (o outcome) String() string {
	switch {
	case o.status != "":
		return o.status
	case o.reset != nil:
		return "RST_STREAM " + o.reset.String()
	case o.goAway != nil:
		return "GOAWAY " + o.goAway.String()
	}
	return fmt.Sprint("closed: ", o.closed)
}

// refused reports whether it is a refusal: an error of the stream or the connection, or a status of 4xx.
func (o outcome) refused() bool { return o.status == "" || o.status[0] == '4' }

// outcome waits for what becomes of a stream.
func (c *stream) outcome(id uint32, within time.Duration) (o outcome) {
	if o.closed = c.conn.SetReadDeadline(time.Now().Add(within)); o.closed != nil {
		return o
	}
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			o.closed = err
			return o
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				o.status = f.PseudoValue("status")
				return o
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				o.reset = &f.ErrCode
				return o
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				o.goAway = &f.ErrCode
				return o
			}
		}
	}
}

// with returns the pseudo fields of a request in their order, and more behind them.
func with(s *Shop, method, path string, more ...field) []field {
	return append([]field{
		{":method", method}, {":scheme", "https"}, {":authority", s.Addr}, {":path", path},
	}, more...)
}
