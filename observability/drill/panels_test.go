package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// testPanels runs every query of every dashboard, and the ones of their marks, as Grafana would.
func (s *stage) testPanels(t *testing.T) {
	files, err := filepath.Glob("../grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	asked := 0
	for _, file := range files {
		for title, queries := range mustReadQueries(t, file) {
			for _, query := range queries {
				asked++
				if err := s.shows(query); err != nil {
					t.Errorf("%s, %s: %v", filepath.Base(file), title, err)
				}
			}
		}
	}
	t.Logf("%d queries", asked)
	samples, err := s.prometheus.Query("sum by (job) (scrape_samples_post_metric_relabeling)")
	t.Logf("series: %v, %v", samples, err)
}

// mustReadQueries returns the queries of each panel of a dashboard.
func mustReadQueries(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct {
			List []struct{ Name, Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := map[string][]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries[panel.Title] = append(queries[panel.Title], target.Expr)
		}
	}
	for _, mark := range dashboard.Annotations.List {
		if !strings.HasPrefix(mark.Expr, "ALERTS") { // there are none while all is well
			queries[mark.Name] = append(queries[mark.Name], mark.Expr)
		}
	}
	return queries
}

// forNow replaces Grafana's variables for windows with fixed ones.
var forNow = strings.NewReplacer("$__rate_interval", "20s", "$__range", "30s")

// shows returns an error if a query has no value that is a number, and none comes.
func (s *stage) shows(query string) error {
	query = forNow.Replace(query)
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var samples []servers.Sample
		if samples, err = s.prometheus.Query(query); err != nil {
			return err
		}
		for _, sample := range samples {
			if !math.IsNaN(sample.Value) {
				return nil
			}
		}
		err = fmt.Errorf("%s is worth %v", query, samples)
	}
	return errors.Join(errors.New("it shows nothing"), err)
}

// testNames checks the replicas' metrics, with those of the cache and the outbox, against Prometheus' conventions.
func (s *stage) testNames(t *testing.T) {
	for _, r := range s.replicas[:3] {
		response, err := http.Get("http://" + r.admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.New(response.Body).Lint()
		response.Body.Close()
		if err != nil || len(problems) > 0 {
			t.Errorf("promlint finds %v, %v", problems, err)
		}
	}
}
