package servers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Prometheus is a Prometheus server on a private port of the loopback.
type Prometheus struct {
	*Process
	// Addr is where it listens, HOST:PORT.
	Addr string
	dir  string
}

// StartPrometheus starts a server in a folder of its own, with the files that are returned for the address at which it
// is to listen; prometheus.yml is its configuration. The arguments are more flags of it. It waits until the server is
// ready.
func StartPrometheus(files func(addr string) map[string]string, args ...string) (*Prometheus, error) {
	program, err := LookPath("prometheus")
	if err != nil {
		return nil, err
	}
	p := &Prometheus{}
	if p.Addr, p.dir, err = place("woody-prometheus", nil); err != nil {
		return nil, err
	}
	if err := writeFiles(p.dir, files(p.Addr)); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	cmd := exec.Command(program, append([]string{"--config.file=" + filepath.Join(p.dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(p.dir, "data"), "--web.listen-address=" + p.Addr,
		"--web.enable-lifecycle"}, args...)...)
	if p.Process, err = startReady(cmd, p.dir, "http://"+p.Addr+"/-/ready"); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	return p, nil
}

// Reload replaces files, and returns once the server goes by them. The error is its own where it refuses them.
func (p *Prometheus) Reload(files map[string]string) error {
	if err := writeFiles(p.dir, files); err != nil {
		return err
	}
	response, err := http.Post("http://"+p.Addr+"/-/reload", "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("prometheus does not take its files: %s\n%s", response.Status, tail(p.Log()))
	}
	return nil
}

// Sample is one series of what a query returns.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query returns what PromQL is worth now: a sample for each series, one without labels for a scalar.
func (p *Prometheus) Query(promql string) ([]Sample, error) {
	response, err := http.PostForm("http://"+p.Addr+"/api/v1/query", url.Values{"query": {promql}})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body struct {
		Error string
		Data  struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("query %s: %s", promql, body.Error)
	case body.Data.ResultType == "scalar":
		value, err := sampleValue(body.Data.Result)
		return []Sample{{Value: value}}, err
	}
	var series []struct {
		Metric map[string]string
		Value  json.RawMessage
	}
	if err := json.Unmarshal(body.Data.Result, &series); err != nil {
		return nil, fmt.Errorf("query %s: %w", promql, err)
	}
	samples := make([]Sample, len(series))
	for i, s := range series {
		if samples[i].Value, err = sampleValue(s.Value); err != nil {
			return nil, fmt.Errorf("query %s: %w", promql, err)
		}
		samples[i].Labels = s.Metric
	}
	return samples, nil
}

// ActiveTargets returns how many targets the server has found, be it that it has not asked them yet.
func (p *Prometheus) ActiveTargets() (int, error) {
	response, err := http.Get("http://" + p.Addr + "/api/v1/targets?state=active")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var body struct {
		Data struct{ ActiveTargets []json.RawMessage }
	}
	err = json.NewDecoder(response.Body).Decode(&body)
	return len(body.Data.ActiveTargets), err
}

// sampleValue returns the value of a pair of a time and a value, which is a text.
func sampleValue(pair json.RawMessage) (float64, error) {
	var at float64
	var text string
	if err := json.Unmarshal(pair, &[]any{&at, &text}); err != nil {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}

// Close ends the server and removes its folder.
func (p *Prometheus) Close() {
	p.Kill()
	os.RemoveAll(p.dir)
}

// Alertmanager is an Alertmanager on a private port of the loopback.
type Alertmanager struct {
	*Process
	// Addr is where it listens, HOST:PORT.
	Addr string
	dir  string
}

// StartAlertmanager starts an Alertmanager with a configuration and a folder of its own, and waits until it is ready.
func StartAlertmanager(config string) (*Alertmanager, error) {
	program, err := LookPath("prometheus-alertmanager") // by Debian's name
	if err != nil {
		return nil, err
	}
	a := &Alertmanager{}
	if a.Addr, a.dir, err = place("woody-alertmanager", map[string]string{"alertmanager.yml": config}); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "--config.file="+filepath.Join(a.dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(a.dir, "data"), "--web.listen-address="+a.Addr, "--cluster.listen-address=")
	if a.Process, err = startReady(cmd, a.dir, "http://"+a.Addr+"/-/ready"); err != nil {
		os.RemoveAll(a.dir)
		return nil, err
	}
	return a, nil
}

// Close ends the Alertmanager and removes its folder.
func (a *Alertmanager) Close() {
	a.Kill()
	os.RemoveAll(a.dir)
}

// place returns an address to listen at, and a new folder with files.
func place(name string, files map[string]string) (addr, dir string, err error) {
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return "", "", err
	}
	if dir, err = os.MkdirTemp("", name); err != nil {
		return "", "", err
	}
	if err = writeFiles(dir, files); err != nil {
		os.RemoveAll(dir)
	}
	return "127.0.0.1:" + port, dir, err
}

func writeFiles(dir string, files map[string]string) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startReady starts a program whose output goes to a log in its folder, and waits until a URL of it is answered 200.
func startReady(cmd *exec.Cmd, dir, url string) (*Process, error) {
	process, err := Start(cmd, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 5 * time.Second}
	err = process.AwaitReady(Patience, func() error {
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	})
	if err != nil {
		process.Kill()
		return nil, err
	}
	return process, nil
}
