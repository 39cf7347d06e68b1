package httpapi_test

import (
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// TestMetricsOnAReusedConnection sends methods of different length over one connection, whose memory
// Fiber's strings are of: the labels must be the methods all the same.
func TestMetricsOnAReusedConnection(t *testing.T) {
	s := mustServe(t)
	conn, err := load.Dial(s.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	methods := []string{"GET", "DELETE", "PUT", "POST"}
	for range 20 {
		for _, method := range methods {
			if _, _, err := conn.Do(
				[]byte(method + " /api/products/77 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
		}
	}
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "method" && !slices.Contains(methods, label.GetValue()) {
					t.Errorf("a metric of the method %q", label.GetValue())
				}
			}
		}
	}
}
