//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// client opens a connection for each request, so that every one of them is the proxy's to place.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 40 * time.Second}

func get(t *testing.T, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	return getAt(t, nodeURL, path, fields...)
}

func getAt(t *testing.T, at, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// servedBy asks n times and counts who answered.
func servedBy(t *testing.T, n int, path string, fields ...string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range n {
		response, body := get(t, path, fields...)
		if response.StatusCode != http.StatusOK {
			t.Fatalf("GET %s = %s %s", path, response.Status, body)
		}
		counts[response.Header.Get("X-Served-By")]++
	}
	return counts
}

// TestStages brings each stage up from the tree as it is, as the lab's exercise does, and asks all that the course
// asks.
func TestStages(t *testing.T) {
	for _, stage := range []struct {
		name      string
		replicas  int
		exercises []string
	}{
		{"baseline", 1, []string{"6. One replica"}},
		{"replicas", 3, []string{"7. More of them"}},
		{"redis", 3, []string{"8. One cache for all of them", "9. Redis is gone"}},
	} {
		t.Run(stage.name, func(t *testing.T) {
			for _, exercise := range stage.exercises {
				mustExercise(t, exercise)
			}
			calls(t)
			spread(t, stage.replicas)
			if stage.replicas > 1 {
				everywhere(t, stage.replicas)
			}
			response, body := get(t, "/")
			if response.StatusCode != http.StatusOK || !strings.Contains(body, "<title>Woodytoys") {
				t.Errorf("the page = %s", response.Status)
			}
			began := time.Now()
			mustScript(t, "deploy", stage.name) // a second time changes nothing
			figuref("scripts/deploy %s, again: %.0f s", stage.name, time.Since(began).Seconds())
		})
	}
}

// calls are the course's, with what each is to answer.
func calls(t *testing.T) {
	t.Helper()
	callsAt(t, nodeURL)
}

func callsAt(t *testing.T, at string) {
	t.Helper()
	const moment = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`
	var order string
	for _, call := range []struct{ path, want string }{
		{"/api/ping", `^healthy$`},
		{"/api/misc/time", `^timestamp: ` + moment + `$`},
		{"/api/misc/heavy?name=x", `^` + moment + `: Woody -x- Woody$`},
		{"/api/products?product=Robot", `^Robot$`},
		{"/api/products/last", `^database: ` + moment + ` - \d+ products \(last=Robot\)$`},
		{"/api/products/1", `^Yoyo$`},
		{"/api/orders/do?order=Yoyo", `^Commande [0-9a-f-]{36} créée pour le produit : Yoyo$`},
		{"/api/orders/?order_id=ORDER", `^commande "[0-9a-f-]{36}": (Pending|Success)$`},
	} {
		response, body := getAt(t, at, strings.Replace(call.path, "ORDER", order, 1))
		if response.StatusCode != http.StatusOK || !regexp.MustCompile(call.want).MatchString(body) {
			t.Errorf("GET %s = %s %q, want %s", call.path, response.Status, body, call.want)
		}
		if words := strings.Fields(body); len(words) > 1 && words[0] == "Commande" {
			order = words[1]
		}
	}
}

// spread fails the test unless every replica has answered, each under a name of its own.
func spread(t *testing.T, replicas int) {
	t.Helper()
	if got := servedBy(t, 10*replicas, "/api/ping"); len(got) != replicas {
		t.Errorf("%d replicas answered as %v", replicas, got)
	}
}

// everywhere adds products and asks each time until every replica has answered: all must know it at once.
func everywhere(t *testing.T, replicas int) {
	t.Helper()
	for i := range 5 {
		name := fmt.Sprintf("Everywhere %d", i)
		get(t, "/api/products?product="+strings.ReplaceAll(name, " ", "+"))
		asked := map[string]bool{}
		for tries := 0; len(asked) < replicas; tries++ {
			response, body := get(t, "/api/products/last")
			if !strings.Contains(body, "(last="+name+")") {
				t.Errorf("after %s was added, %s answers %q", name, response.Header.Get("X-Served-By"), body)
			}
			asked[response.Header.Get("X-Served-By")] = true
			if tries == 100 {
				t.Fatalf("100 reads reached %d of %d replicas", len(asked), replicas)
			}
		}
	}
}

// TestLongHeavy asks for five heavy results of different names almost at once, of one replica and of five.
func TestLongHeavy(t *testing.T) {
	takes(t, 2*time.Minute)
	mustScript(t, "deploy", "redis")
	for _, row := range []struct {
		replicas    int
		least, most time.Duration
	}{{1, 5 * time.Second, 7 * time.Second}, {5, time.Second, 4 * time.Second}} {
		mustScript(t, "scale", fmt.Sprintf("api=%d", row.replicas))
		began := time.Now()
		done := make(chan string)
		for i := range 5 {
			time.Sleep(100 * time.Millisecond) // so that each of the proxy's threads knows of the calls before
			go func() {
				response, err := client.Get(fmt.Sprintf("%s/api/misc/heavy?name=%d-%d", nodeURL, row.replicas, i))
				if err != nil {
					done <- err.Error()
					return
				}
				response.Body.Close()
				done <- response.Status
			}()
		}
		for range 5 {
			if status := <-done; status != "200 OK" {
				t.Errorf("a heavy call = %s", status)
			}
		}
		took := time.Since(began)
		figuref("five heavy calls, 0.1 s apart (1 s each), %d replicas: %.1f s", row.replicas, took.Seconds())
		if took < row.least || took > row.most {
			t.Errorf("%d replicas took %v, want from %v to %v", row.replicas, took, row.least, row.most)
		}
	}
}

// TestLongBalance deploys the proxy in each of its ways.
func TestLongBalance(t *testing.T) {
	takes(t, 3*time.Minute)
	for _, row := range []struct {
		settings []string
		good     func(counts map[string]int) bool
	}{
		{[]string{"BALANCE=leastconn"}, func(c map[string]int) bool { return len(c) == 3 }},
		{[]string{"BALANCE=random"}, func(c map[string]int) bool { return len(c) == 3 }},
		{[]string{"BALANCE=source"}, func(c map[string]int) bool { return len(c) == 1 }},
		{[]string{"BALANCE=roundrobin", "STICKY=on"}, func(c map[string]int) bool {
			for _, n := range c {
				if n < 15 || n > 25 { // about 20: the proxy may learn of the last replica a moment after the deploy
					return false
				}
			}
			return len(c) == 3
		}},
	} {
		mustScript(t, "deploy", append(row.settings, "redis")...)
		counts := servedBy(t, 60, "/api/ping")
		figuref("%s: 60 requests over three replicas: %v",
			strings.Join(row.settings, " "), slices.Sorted(maps.Values(counts)))
		if !row.good(counts) {
			t.Errorf("%v: 60 requests were served by %v", row.settings, counts)
		}
	}
	response, _ := get(t, "/api/ping")
	cookie, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
	want := response.Header.Get("X-Served-By")
	if got := servedBy(t, 20, "/api/ping", "Cookie: "+cookie); got[want] != 20 {
		t.Errorf("with the cookie %q of %s: served by %v", cookie, want, got)
	}
}
