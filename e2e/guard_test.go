//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestAbuse sends what is refused, each while good requests of another client go on.
func TestAbuse(t *testing.T) {
	mustScript(t, "deploy", "RATE_LIMIT=100", "redis")
	proxy := containers(t, "reverse-proxy")[0]
	for _, abuse := range []struct {
		name string
		// do sends it and returns what came back.
		do   func() string
		want string
	}{
		{"more requests than RATE_LIMIT", tooMany, "HTTP/1.1 429 Too Many Requests, Retry-After: 2"},
		{"the same with a forged X-Forwarded-For each", tooManyForged,
			"HTTP/1.1 429 Too Many Requests, Retry-After: 2"},
		{"a header that never ends", slowHeader, "HTTP/1.1 408 Request Time-out"},
		{"a body of 100 MB", largeBody, "HTTP/1.1 413 "},
		{"a malformed Host",
			func() string { return raw("GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n") }, "HTTP/1.1 400 "},
	} {
		t.Run(abuse.name, func(t *testing.T) {
			over := make(chan string, 1)
			go func() { over <- abuse.do() }()
			good, bad := 0, 0
			for {
				// From within the proxy's network: another client than this process.
				text, err := docker("exec", proxy, "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/8080 &&
					printf 'GET /api/ping HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n' >&3 &&
					head -n 1 <&3`)
				if err == nil && strings.HasPrefix(text, "HTTP/1.1 200") {
					good++
				} else {
					bad++
				}
				select {
				case got := <-over:
					figuref("%s: %s; meanwhile %d good requests were answered, %d were not", abuse.name, got, good, bad)
					if !strings.HasPrefix(got, abuse.want) {
						t.Errorf("answered %q, want %s", got, abuse.want)
					}
					if bad > 0 || good == 0 {
						t.Errorf("of the good requests meanwhile %d were answered and %d were not", good, bad)
					}
					return
				default:
				}
			}
		})
	}
}

// raw sends bytes to the proxy and returns the status line.
func raw(request string) string {
	conn, err := net.Dial("tcp", swarmNet+".1:80")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		return err.Error()
	}
	response := make([]byte, 4096)
	n, err := conn.Read(response)
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(response[:n]), "\r\n")
	return line
}

func tooMany() string { return askUntilRefused(func(int) string { return "" }) }

func tooManyForged() string {
	time.Sleep(2 * time.Second) // as Retry-After says
	return askUntilRefused(func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) })
}

func askUntilRefused(forged func(i int) string) string {
	keepAlive := &http.Client{}
	defer keepAlive.CloseIdleConnections()
	for i := range 2000 {
		request, _ := http.NewRequest(http.MethodGet, nodeURL+"/api/ping", nil)
		request.Header.Set("X-Forwarded-For", forged(i))
		response, err := keepAlive.Do(request)
		if err != nil {
			return err.Error()
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return response.Proto + " " + response.Status + ", Retry-After: " + response.Header.Get("Retry-After")
		}
	}
	return "2000 requests were answered"
}

func slowHeader() string {
	conn, err := net.Dial("tcp", swarmNet+".1:80")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	go func() {
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nX: ")
		for err == nil {
			time.Sleep(100 * time.Millisecond)
			_, err = conn.Write([]byte("x"))
		}
	}()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	response := make([]byte, 4096)
	n, err := conn.Read(response)
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(response[:n]), "\r\n")
	return line
}

func largeBody() string {
	return raw("POST /api/products HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n" +
		"Content-Length: 104857600\r\n\r\n" +
		strings.Repeat("x", 1<<20))
}

// TestNetworks asks from the proxy's container for what it needs, and for the database, which must not answer.
func TestNetworks(t *testing.T) {
	mustScript(t, "deploy", "redis")
	proxy, database := containers(t, "reverse-proxy")[0], containers(t, "database")[0]
	addresses := strings.Fields(
		mustDocker(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", database))
	connects := func(container, address string) bool {
		_, err := docker("exec", container, "timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/"+address)
		return err == nil
	}
	// MariaDB speaks first: its greeting is what distinguishes it from anything else that may take a connection on the
	// way.
	greets := func(container, address string) bool {
		text, err := docker("exec", container, "timeout", "3", "bash", "-c",
			"exec 3<>/dev/tcp/"+address+"/3306 && head -c 40 <&3 | tr -cd '[:print:]'")
		return err == nil && strings.Contains(text, "MariaDB")
	}
	if len(addresses) != 1 {
		t.Errorf("the database is in the networks of %v, want one", addresses)
	}
	if !connects(proxy, "api/8080") {
		t.Error("from the proxy's container the API does not answer: this test asks wrongly")
	}
	for _, address := range addresses {
		if !greets(database, address) {
			t.Error("the database does not answer itself: this test asks wrongly")
		}
		if greets(proxy, address) {
			t.Errorf("the database answers the proxy's container at %s", address)
		}
	}
	for _, name := range []string{"database/3306", "redis/6379"} {
		if connects(proxy, name) {
			t.Errorf("%s answers the proxy's container", name)
		}
	}
	for _, port := range []string{"8081", "8404", "3306", "6379", "8080"} {
		if conn, err := net.DialTimeout("tcp", swarmNet+".1:"+port, 2*time.Second); err == nil {
			conn.Close()
			t.Errorf("port %s of the node is open", port)
		}
	}
}

// TestContainersMayLittle looks at what every container of ours was given.
func TestContainersMayLittle(t *testing.T) {
	mustScript(t, "deploy", "redis")
	for _, service := range []string{"reverse-proxy", "front", "api", "database", "redis"} {
		wantLittle(t, service, secret(t, "database_password"), secret(t, "redis_password"))
	}
	wantLittleOfAll(t)
	wantBills(t)
}

// wantLittleOfAll looks at what the kernel lets the processes of all containers of the stack on this node do, whatever
// services those are of: nothing that it lets a user's program do in a container may be more than what that needs.
func wantLittleOfAll(t *testing.T) {
	t.Helper()
	looked := 0
	for _, id := range strings.Fields(mustDocker(t, "ps", "-q", "--filter", "label=com.docker.stack.namespace=woody")) {
		name := mustDocker(t, "inspect", "--format", "{{.Name}}", id)
		pids := strings.Fields(mustDocker(t, "top", id, "-eo", "pid"))
		for _, pid := range pids[1:] { // the first is the column's name
			wantLittleOfProcess(t, name, pid)
			looked++
		}
	}
	if looked < 5 {
		t.Errorf("only %d processes were looked at", looked)
	}
}

// wantLittleOfProcess holds what the kernel says of a process against what is the least (proc_pid_status(5)). One that
// has ended meanwhile is let be.
func wantLittleOfProcess(t *testing.T, container, pid string) {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return
	}
	status := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.Fields(value)
	}
	if len(status["State"]) > 0 && status["State"][0] == "Z" {
		return
	}
	want := map[string]string{
		"CapInh": "0", "CapPrm": "0", "CapEff": "0", "CapBnd": "0", "CapAmb": "0",
		"Seccomp": "2", "NoNewPrivs": "1", // a filter; what the daemons of these tests are started with
	}
	for name, value := range want {
		if got := status[name]; len(got) != 1 || strings.TrimLeft(got[0], "0") != strings.TrimLeft(value, "0") {
			t.Errorf("%s: process %s (%v) has %s %v, want %s", container, pid, status["Name"], name, got, value)
		}
	}
	for _, id := range append(status["Uid"], status["Gid"]...) {
		if id == "0" {
			t.Errorf("%s: process %s (%v) is root: %v %v", container, pid, status["Name"], status["Uid"], status["Gid"])
			break
		}
	}
}

// wantBills reads the bill of materials of each image of ours that runs.
func wantBills(t *testing.T) {
	t.Helper()
	for service, files := range map[string][]string{
		"api": {"program"}, "front": {"program"}, "reverse-proxy": {"packages"},
	} {
		id := containers(t, service)[0]
		at := mustDocker(t, "inspect", "--format", `{{index .Config.Labels "org.woodytoys.sbom"}}`, id)
		for _, file := range files {
			packed, err := docker("cp", id+":"+at+"/"+file+".cdx.json", "-")
			if err != nil || !strings.Contains(packed, `"CycloneDX"`) || strings.Count(packed, `"purl"`) < 10 {
				t.Errorf("%s: the bill %s/%s: %v, %d parts", service, at, file, err, strings.Count(packed, `"purl"`))
			}
		}
	}
}

// wantLittle holds what a service's container was given against what is the least, and wants no password where others
// than it can see them.
func wantLittle(t *testing.T, service string, passwords ...string) {
	t.Helper()
	container := containers(t, service)[0]
	got := mustDocker(t, "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} "+
		"{{.HostConfig.Privileged}} {{gt .HostConfig.Memory 0}} {{.HostConfig.LogConfig.Type}} {{index "+
		".HostConfig.LogConfig.Config \"max-size\"}}",
		container)
	if want := "true [ALL] false true json-file 10m"; got != want {
		t.Errorf("%s: read-only root, capabilities dropped, privileged, memory bounded, log = %s, want %s",
			service, got, want)
	}
	if user := uid(t, mustDocker(t, "inspect", "--format", "{{.State.Pid}}", container)); user == "0" {
		t.Errorf("%s runs as root", service)
	}
	text := mustDocker(t, "inspect", "--format", "{{json .Config.Env}} {{json .Args}}", container)
	for _, password := range passwords {
		if strings.Contains(text, password) {
			t.Errorf("%s carries a password in its environment or arguments", service)
		}
	}
}
