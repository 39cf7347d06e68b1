package measure

import (
	"bufio"
	"net"
	"net/http"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// fixed sends one request again and again.
type fixed struct{ request []byte }

func (f fixed) Next() ([]byte, uint8)              { return f.request, 0 }
func (f fixed) Judge(a load.Response) load.Verdict { return load.Good }

// TestOrdersWithoutAResponseAreUnknown has a server take each second request and close the connection: it may have been
// carried out, so that a sale whose sum differs by it is not wrong.
func TestOrdersWithoutAResponseAreUnknown(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil && n%2 == 0 {
				_, _ = c.Write([]byte("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			}
			c.Close()
		}
	}()
	outcome, err := load.Run(t.Context(), load.Plan{Addr: ln.Addr().String(), Conns: 1, Requests: 10,
		Source: func(int) load.Source {
			return fixed{[]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")}
		}})
	if err != nil {
		t.Fatal(err)
	}
	if n := unanswered(outcome); n != 5 {
		t.Errorf("%d of 10 are without a response, want 5", n)
	}
}
