package measure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

const (
	// hits is how often is asked for what is answered quickly; the median counts.
	hits = 5
	// quickly is what takes no longer than that.
	quickly = 100 * time.Millisecond
)

// Table measures the lab's table, one client at a time: the page, and each slow call asked for the first
// time and, where answers are kept, again. Each is a measurement of its own, handed to keep.
func (s *Shop) Table(ctx context.Context, kept bool, keep func(raw.Measurement) error) error {
	heavy := s.newName("table")
	heavyURL := s.url("/api/misc/heavy?name=" + pathOf(heavy))
	lastURL := s.url("/api/products/last")
	isHeavy := func(body string) bool { return goodHeavy(body, heavy) }
	isLast := func(body string) bool { return strings.HasPrefix(body, "database: ") }
	for _, row := range []struct {
		what    string
		measure func(ctx context.Context, m *raw.Measurement) error
	}{
		{"page", s.pages},
		{"heavy_miss", func(ctx context.Context, m *raw.Measurement) error {
			return s.call(ctx, m, heavyURL, isHeavy)
		}},
		{"heavy_hit", func(ctx context.Context, m *raw.Measurement) error {
			return s.again(ctx, m, heavyURL, isHeavy)
		}},
		{"last_miss", func(ctx context.Context, m *raw.Measurement) error {
			name, err := s.outdate(ctx)
			if err != nil {
				return err
			}
			return s.call(ctx, m, lastURL,
				func(body string) bool { return isLast(body) && strings.HasSuffix(body, "(last="+name+")") })
		}},
		{"last_hit", func(ctx context.Context, m *raw.Measurement) error { return s.again(ctx, m, lastURL, isLast) }},
		{"five_heavy", s.five},
	} {
		if strings.HasSuffix(row.what, "_hit") && !kept {
			continue
		}
		m, err := s.around(raw.Measurement{Name: "table", What: row.what, Conns: 1},
			func(m *raw.Measurement) error { return row.measure(ctx, m) })
		if err != nil {
			return err
		}
		if err := keep(m); err != nil {
			return err
		}
	}
	return nil
}

// FirstPage times the page when nobody has asked for it yet: nothing of it is in any cache.
func (s *Shop) FirstPage(ctx context.Context) (raw.Measurement, error) {
	return s.around(raw.Measurement{Name: "table", What: "page_first", Conns: 1},
		func(m *raw.Measurement) error { return s.page(ctx, m) })
}

// call times one call.
func (s *Shop) call(ctx context.Context, m *raw.Measurement, url string, good func(body string) bool) error {
	at := time.Since(m.Began)
	status, body, took, err := s.ask(ctx, url)
	if err != nil && ctx.Err() != nil {
		return err
	}
	sample := raw.Sample{AtUs: at.Microseconds(), TookUs: took.Microseconds(), Status: status}
	m.Oracle.Checked++
	switch {
	case err != nil || status != http.StatusOK:
		sample.Verdict = int(load.Failed)
	case !good(body):
		sample.Verdict = int(s.shelf.wrong("GET %s is answered as %.200q", url, body))
	}
	m.Samples = append(m.Samples, sample)
	return nil
}

// again times a call that was made before: several times where that is quick.
func (s *Shop) again(ctx context.Context, m *raw.Measurement, url string, good func(body string) bool) error {
	return repeat(m, func() error { return s.call(ctx, m, url, good) })
}

// repeat takes a sample, and more of them where the one before was answered quickly.
func repeat(m *raw.Measurement, sample func() error) error {
	for range hits {
		if err := sample(); err != nil {
			return err
		}
		if time.Duration(m.Samples[len(m.Samples)-1].TookUs)*time.Microsecond > quickly {
			return nil
		}
	}
	return nil
}

// outdate creates a product, so that what was kept as the last one is not any more.
func (s *Shop) outdate(ctx context.Context) (name string, err error) {
	name = s.newName("last")
	status, body, _, err := s.ask(ctx, s.url("/api/products?product="+pathOf(name)))
	if err == nil && (status != http.StatusOK || body != name) {
		err = fmt.Errorf("the creation of %q is answered with %d, %.200q", name, status, body)
	}
	return name, err
}

// five times five calls of heavy at once, with names that nobody asked for before.
func (s *Shop) five(ctx context.Context, m *raw.Measurement) error {
	m.Conns = 5
	began := time.Now()
	var group sync.WaitGroup
	var each [5]raw.Measurement
	var errs [5]error
	for i := range each {
		name := s.newName("five")
		each[i].Began = m.Began
		group.Go(func() {
			errs[i] = s.call(ctx, &each[i], s.url("/api/misc/heavy?name="+pathOf(name)),
				func(body string) bool { return goodHeavy(body, name) })
		})
	}
	group.Wait()
	all := raw.Sample{TookUs: time.Since(began).Microseconds(), Status: http.StatusOK}
	for _, one := range each {
		m.Oracle.Add(one.Oracle)
		for _, sample := range one.Samples {
			all.Verdict, all.Status = max(all.Verdict, sample.Verdict), sample.Status
		}
	}
	m.Samples = []raw.Sample{all}
	return errors.Join(errs[:]...)
}

// fileRefs finds what a page needs: its pictures, scripts and styles.
var fileRefs = regexp.MustCompile(`<(?:img|script|link)\b[^>]*?\b(?:src|href)="([^"]+)"`)

// pages times the page: several times where that is quick.
func (s *Shop) pages(ctx context.Context, m *raw.Measurement) error {
	return repeat(m, func() error { return s.page(ctx, m) })
}

// page times the page with all its files, one after the other over kept connections, as wget -p does.
func (s *Shop) page(ctx context.Context, m *raw.Measurement) error {
	client := http.Client{Transport: &http.Transport{DialContext: s.dialPage}, Timeout: 5 * time.Minute}
	defer client.CloseIdleConnections()
	base, err := url.Parse(s.PageURL)
	if err != nil {
		return err
	}
	at, began := time.Since(m.Began), time.Now()
	page, err := fetch(ctx, &client, base.String())
	if err != nil {
		return orCause(ctx, fmt.Errorf("the page: %w", err))
	}
	m.Oracle.Checked++
	m.Count("bytes_origin", float64(len(page)))
	m.Count("bytes_edge", 0)
	files := 1
	var seen []string
	picture := 0
	for _, ref := range fileRefs.FindAllSubmatch(page, -1) {
		file, err := base.Parse(string(ref[1]))
		if err != nil || slices.Contains(seen, file.String()) {
			continue
		}
		seen = append(seen, file.String())
		content, err := fetch(ctx, &client, file.String())
		if err != nil {
			return orCause(ctx, fmt.Errorf("a file of the page: %w", err))
		}
		where := "bytes_origin"
		if file.Host != base.Host {
			where = "bytes_edge"
		}
		m.Counts[where] += float64(len(content))
		picture = max(picture, len(content))
		files++
	}
	m.Count("files", float64(files))
	m.Samples = append(m.Samples, raw.Sample{AtUs: at.Microseconds(), TookUs: time.Since(began).Microseconds(),
		Status: http.StatusOK})
	if picture < 1_000_000 {
		s.shelf.wrong("the page came without its picture: the largest of %d files has %d bytes", files, picture)
	}
	return nil
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	return readAll(response, address)
}
