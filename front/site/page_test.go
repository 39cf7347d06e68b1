package site_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/woodytoys/woodytoys/front/site"
)

func TestPageRevalidates(t *testing.T) {
	api := newFakeAPI("Yoyo")
	base := mustStartShop(t, api, site.Config{})
	before := mustAsk(t, http.MethodGet, base+"/")
	before.want(t, http.StatusOK, map[string]string{
		"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "same-origin", "X-Served-By": "front-3",
	})
	api.add("Toupie")
	after := mustAsk(t, http.MethodGet, base+"/", "If-None-Match", before.header.Get("ETag"))
	after.want(t, http.StatusOK, nil)
	if !strings.Contains(string(after.body), "Toupie") {
		t.Error("the page does not show the toy that was added")
	}
}

func TestPageIsTheSameOnEveryReplica(t *testing.T) {
	api := newFakeAPI(shelf...)
	one := mustAsk(t, http.MethodGet, mustStartShop(t, api, site.Config{ReplicaID: "one"})+"/", "Host", "shop.example")
	two := mustAsk(t, http.MethodGet, mustStartShop(t, api, site.Config{ReplicaID: "two"})+"/", "Host", "shop.example")
	if one.header.Get("ETag") != two.header.Get("ETag") {
		t.Errorf("two replicas have the validators %s and %s, want one", one.header.Get("ETag"), two.header.Get("ETag"))
	}
}

func TestHostileNameIsText(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(hostileName, `"><img src=x onerror=alert(1)>`), site.Config{})
	body := string(mustAsk(t, http.MethodGet, base+"/").body)
	for _, raw := range []string{"<script>alert", "<img src=x"} {
		if strings.Contains(body, raw) {
			t.Errorf("the page contains %s", raw)
		}
	}
	if !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the hostile name is not shown as text")
	}
}

// TestAnOldNameHoldsNoControls shows names that the API took before it refused such: who reads the page on a terminal
// is not commanded by them, and what stands beside them is not reordered.
func TestAnOldNameHoldsNoControls(t *testing.T) {
	base := mustStartShop(t, newFakeAPI("Yo\x1b[31myo\u009b2J", "Ours\n\u2028Forged", "\u202eegami"), site.Config{})
	body := string(mustAsk(t, http.MethodGet, base+"/").body)
	if strings.ContainsAny(body, "\x1b\u009b\u2028\u202e") || strings.Contains(body, "Ours\n") {
		t.Error("the page contains a control character of a name")
	}
	for _, shown := range []string{`<bdi class="name">Yo\x1b[31myo\u009b2J</bdi>`,
		`<bdi class="name">Ours\n\u2028Forged</bdi>`} {
		if !strings.Contains(body, shown) {
			t.Errorf("the page does not contain %s", shown)
		}
	}
}

// TestPageWithoutItsToys loses the shelf for two pages and gets it back: each change is logged once.
func TestPageWithoutItsToys(t *testing.T) {
	var away atomic.Bool
	toys := func(context.Context) ([]site.Toy, error) {
		if away.Load() {
			return nil, errors.New("dial: secret detail")
		}
		return []site.Toy{{ID: 1, Name: "Yoyo"}}, nil
	}
	log := &logWatcher{said: make(chan string, 9)}
	base := mustStartShop(t, newFakeAPI(), site.Config{Toys: toys, Logger: slog.New(log)})
	away.Store(true)
	for range 2 {
		got := mustAsk(t, http.MethodGet, base+"/")
		got.want(t, http.StatusOK, nil)
		if !strings.Contains(string(got.body), "The shelf is out of sight for a moment") {
			t.Error("the page does not say that the toys are missing")
		}
		if strings.Contains(string(got.body), "secret detail") {
			t.Error("the page shows the cause, which belongs to the log")
		}
	}
	away.Store(false)
	if got := mustAsk(t, http.MethodGet, base+"/"); !strings.Contains(string(got.body), "Yoyo") {
		t.Error("the page does not show the toys that are back")
	}
	for _, want := range []string{"the page is shown without its toys from now on", "the page has its toys again"} {
		if got := <-log.said; got != want {
			t.Errorf("the log says %q, want %q", got, want)
		}
	}
	if len(log.said) != 0 {
		t.Errorf("the log says %q too", <-log.said)
	}
}

func TestToysThatComeTooLate(t *testing.T) {
	asleep := func(ctx context.Context) ([]site.Toy, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			return nil, errors.New("nothing bounds the wait")
		}
		return []site.Toy{{ID: 1, Name: "in time"}}, nil
	}
	base := mustStartShop(t, newFakeAPI(), site.Config{Toys: asleep})
	if body := string(mustAsk(t, http.MethodGet, base+"/").body); !strings.Contains(body, "in time") {
		t.Error("the context given to Toys has no deadline")
	}
}

func TestManyToysOnAShelf(t *testing.T) {
	names := make([]string, 130)
	for i := range names {
		names[i] = "Toy"
	}
	base := mustStartShop(t, newFakeAPI(names...), site.Config{})
	body := string(mustAsk(t, http.MethodGet, base+"/").body)
	if got, want := strings.Count(body, `class="toy"`), 100; got != want {
		t.Errorf("%d toys are shown, want %d", got, want)
	}
	if want := "Show the other 88 toys"; !strings.Contains(body, want) {
		t.Errorf("the page does not say %q", want)
	}
}

func TestToyPicture(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{CDNURL: "http://cdn.{host}"})
	got := mustAsk(t, http.MethodGet, base+"/assets/toy-picture?name=Joli+train", "Host", "shop.example")
	got.want(t, http.StatusFound, map[string]string{"Cache-Control": "no-cache"})
	if to := got.header.Get("Location"); !strings.HasPrefix(to, "http://cdn.shop.example/assets/toy-train-") {
		t.Errorf("the picture of a train is at %q, want the CDN's toy-train", to)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, config := range map[string]site.Config{
		"CDNURL":    {CDNURL: "ftp://cdn.example"},
		"LimitRate": {LimitRate: -1},
	} {
		if _, err := site.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v) = %v, want an error that names %s", config, err, want)
		}
	}
}
