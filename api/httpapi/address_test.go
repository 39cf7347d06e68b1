package httpapi

import (
	"net"
	"net/netip"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func TestAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("127.0.0.1/32"),
		netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("203.0.113.5/32")}
	app := fiber.New(fiber.Config{EnableTrustedProxyCheck: true, TrustedProxies: networksOf(trusted)})
	for _, row := range []struct {
		peer  string
		lines []string
		want  string
	}{
		{"192.0.2.1:9", nil, "192.0.2.1"},
		{"[2001:db8::1]:9", nil, "2001:db8::1"},
		{"[::ffff:192.0.2.1]:9", nil, "192.0.2.1"},
		{"[fe80::1%lo]:9", nil, "fe80::1"},
		// behind the proxy, which has written the last
		{"10.0.1.5:9", []string{"192.0.2.7"}, "192.0.2.7"},
		{"10.0.1.5:9", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		{"10.0.1.5:9", []string{"198.51.100.1", "192.0.2.7"}, "192.0.2.7"},
		{"127.0.0.1:9", []string{"2001:db8::7"}, "2001:db8::7"},
		{"127.0.0.1:9", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		{"[fd00::5]:9", []string{"192.0.2.7"}, "192.0.2.7"},
		{"203.0.113.5:9", []string{"192.0.2.7"}, "192.0.2.7"},
		{"[::ffff:10.0.1.5]:9", []string{"192.0.2.7"}, "192.0.2.7"},
		{"10.0.1.5:9", []string{"nonsense"}, "10.0.1.5"},
		{"10.0.1.5:9", []string{""}, "10.0.1.5"},
		{"10.0.1.5:9", []string{"192.0.2.7, "}, "10.0.1.5"},
		{"10.0.1.5:9", []string{"192.0.2.7:80"}, "10.0.1.5"},
		// from the internet, where one may write there what one likes
		{"192.0.2.1:9", []string{"198.51.100.1"}, "192.0.2.1"},
		{"[2001:db8::1]:9", []string{"127.0.0.1"}, "2001:db8::1"},
		// from a neighbour that is no proxy
		{"10.0.2.5:9", []string{"198.51.100.1"}, "10.0.2.5"},
		{"127.0.0.2:9", []string{"198.51.100.1"}, "127.0.0.2"},
		{"192.168.0.1:9", []string{"198.51.100.1"}, "192.168.0.1"},
		{"[fd00:0:0:1::5]:9", []string{"198.51.100.1"}, "fd00:0:0:1::5"},
		{"[fe80::1%lo]:9", []string{"198.51.100.1"}, "fe80::1"},
	} {
		peer, err := net.ResolveTCPAddr("tcp", row.peer)
		if err != nil {
			t.Fatal(err)
		}
		var request fasthttp.Request
		for _, line := range row.lines {
			request.Header.Add("X-Forwarded-For", line)
		}
		var ctx fasthttp.RequestCtx
		ctx.Init(&request, peer, nil)
		c := app.AcquireCtx(&ctx)
		if got := addressOf(c).String(); got != row.want {
			t.Errorf("from %s, forwarded for %q: %s, want %s", row.peer, row.lines, got, row.want)
		}
		app.ReleaseCtx(c)
	}
}
