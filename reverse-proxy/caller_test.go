package reverseproxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestAHalfClosedCallerHasLeft ends the caller's side of the connection behind the request: to the proxy he has left.
func TestAHalfClosedCallerHasLeft(t *testing.T) {
	shop := mustStartShop(t, "shop", "WOODY_HEAVY_DELAY=1m")
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}})
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /api/misc/heavy?name=x HTTP/1.1\r\nHost: shop.example\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil { // sooner than the replica answers
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && response.StatusCode < 400 {
		t.Errorf("he was answered %v, %v; want a refusal, or the end of the connection", response, err)
	}
}

// TestCallersWhoLeaveAreNotWorkedFor makes a hundred callers ask through the proxy for slow computations of different
// names, and leave. It checks that the replica's slots and its queue are free soon after.
func TestCallersWhoLeaveAreNotWorkedFor(t *testing.T) {
	const crowd = 100
	shop := mustStartShop(t, "shop", "WOODY_HEAVY_DELAY=1m", "WOODY_HEAVY_SLOTS=2", "WOODY_QUEUE_TIMEOUT=10m",
		"WOODY_ADMIN_ADDR=127.0.0.1:0")
	mustAwaitSlots := func(want ...string) {
		t.Helper()
		// sooner than one slot would be free
		for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			metrics := mustGet(t, shop.AdminURL+"/metrics").body
			all := true
			for _, line := range want {
				all = all && strings.Contains(metrics, "\n"+line+"\n")
			}
			if all {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the slots are not %q", want)
			}
		}
	}
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for i := range crowd {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet,
			fmt.Sprintf("%s/api/misc/heavy?name=%d", proxy.URL, i), nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
				response.Body.Close()
			}
		}()
	}
	mustAwaitSlots("woody_heavy_slots_in_use 2", fmt.Sprintf("woody_heavy_slots_waiting %d", crowd-2))
	time.Sleep(300 * time.Millisecond) // all have been seen waiting
	leave()
	mustAwaitSlots("woody_heavy_slots_in_use 0", "woody_heavy_slots_waiting 0")
}
