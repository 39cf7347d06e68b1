package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// requestMax is what one request may take of memory, under the race detector too.
const requestMax = 4 << 20

// TestMemoryOfARequest sends many of the largest requests at once: bodies that would be large once inflated, and bodies
// and heads as large as they may be.
func TestMemoryOfARequest(t *testing.T) {
	member := zip(t, bytes.Repeat([]byte(" "), 1<<20))
	bomb := zip(t, bytes.Repeat(member, 64)) // RFC 1952, section 2.2: members follow each other
	full := []byte(`{"name":"` + strings.Repeat("x", 64<<10-20) + `"}`)
	wide := strings.Repeat("y", 15<<10)
	for name, kind := range map[string]struct {
		body   []byte
		fields map[string]string
		status int
	}{
		"inflatable": {bomb, map[string]string{"Content-Encoding": "gzip, gzip"}, http.StatusUnsupportedMediaType},
		"large":      {full, map[string]string{"X": wide}, http.StatusBadRequest},
		"many parts": {bytes.Repeat([]byte("--a\r\n\r\n\r\n"), 6000),
			map[string]string{"Content-Type": "multipart/form-data; boundary=a"}, http.StatusUnsupportedMediaType},
		"deep": {bytes.Repeat([]byte("["), 64<<10-1), nil, http.StatusBadRequest},
		"many fields": {[]byte(`{"name":"x"}`), map[string]string{"X": strings.Repeat("a,", 7<<10),
			"Accept": strings.Repeat("a/b,", 200)}, http.StatusCreated},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustStartReplica(t)
			mustGet(t, r.URL+"/api/products")
			before := peakMemory(t, r.PID())
			const n = 32
			var together sync.WaitGroup
			for range n {
				together.Go(func() {
					if err := post(r.URL+"/api/products", kind.body, kind.fields, kind.status); err != nil {
						t.Error(err)
					}
				})
			}
			together.Wait()
			if grown := peakMemory(t, r.PID()) - before; grown > n*requestMax {
				t.Errorf("%d requests took %d MB, want at most %d MB", n, grown>>20, n*requestMax>>20)
			}
		})
	}
}

func zip(t *testing.T, content []byte) []byte {
	t.Helper()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return zipped.Bytes()
}

// post returns an error unless the response has the status.
func post(url string, body []byte, fields map[string]string, status int) error {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range fields {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != status {
		return fmt.Errorf("the answer is %s %q, want %d", response.Status, text, status)
	}
	return err
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory returns the most memory that a process has had, in bytes.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	kB, err := strconv.Atoi(string(peakLine.FindSubmatch(status)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}
