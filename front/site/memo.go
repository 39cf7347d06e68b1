package site

import (
	"crypto/sha256"
	"fmt"
	"sync"
)

// pageMemo holds the pages that were rendered last: as long as the toys stay the same, so does the page.
type pageMemo struct {
	mu    sync.Mutex
	pages map[[sha256.Size]byte]*content
}

// maxPages bounds the memo. There is one page per host name and state of the shelf, and usually one at a time.
const maxPages = 16

// pageKey returns everything that a page depends on.
func pageKey(base string, toys []Toy, trouble bool) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %t", base, trouble)
	for _, t := range toys {
		fmt.Fprintf(h, " %d %d %q %t %d %q", t.ID, t.Version, t.Name, t.Counted, t.Left, t.Price)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// get returns the page for the key, rendering it if need be. Two callers may both render a new page: it comes out the
// same.
func (m *pageMemo) get(key [sha256.Size]byte, render func() (*content, error)) (*content, error) {
	m.mu.Lock()
	page := m.pages[key]
	m.mu.Unlock()
	if page != nil {
		return page, nil
	}
	page, err := render()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages == nil || len(m.pages) >= maxPages {
		m.pages = make(map[[sha256.Size]byte]*content, maxPages)
	}
	m.pages[key] = page
	return page, nil
}
