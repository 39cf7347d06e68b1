package site

import (
	"errors"
	"testing"
)

func TestMemoRendersOnce(t *testing.T) {
	var m pageMemo
	renders := 0
	render := func() (*content, error) {
		renders++
		return &content{}, nil
	}
	key := pageKey("", []Toy{{ID: 1, Name: "Yoyo"}}, false)
	for range 3 {
		if _, err := m.get(key, render); err != nil {
			t.Fatal(err)
		}
	}
	if renders != 1 {
		t.Errorf("the page was rendered %d times, want once", renders)
	}
}

func TestMemoIsBounded(t *testing.T) {
	var m pageMemo
	for i := range 10 * maxPages {
		_, _ = m.get(pageKey("", []Toy{{ID: int64(i)}}, false), func() (*content, error) { return &content{}, nil })
	}
	if got := len(m.pages); got > maxPages {
		t.Errorf("%d pages are kept, want at most %d", got, maxPages)
	}
}

func TestMemoKeepsNoFailure(t *testing.T) {
	var m pageMemo
	key := pageKey("", nil, false)
	if _, err := m.get(key, func() (*content, error) { return nil, errors.New("no") }); err == nil {
		t.Error("the failure was not passed on")
	}
	if page, err := m.get(key, func() (*content, error) { return &content{}, nil }); err != nil || page == nil {
		t.Errorf("after a failure: %v, %v, want the page", page, err)
	}
}

func TestPageKeyTellsPagesApart(t *testing.T) {
	top := Toy{ID: 2, Name: "Top", Version: 1}
	toys := []Toy{{ID: 1, Name: "Yoyo", Version: 1}, top}
	keys := map[any]string{}
	for what, key := range map[string]any{
		"plain":           pageKey("", toys, false),
		"another base":    pageKey("//cdn", toys, false),
		"trouble":         pageKey("", toys, true),
		"another version": pageKey("", []Toy{{ID: 1, Name: "Yoyo", Version: 2}, top}, false),
		"another order":   pageKey("", []Toy{top, {ID: 1, Name: "Yoyo", Version: 1}}, false),
		"counted":         pageKey("", []Toy{{ID: 1, Name: "Yoyo", Version: 1, Counted: true}, top}, false),
		"fewer left":      pageKey("", []Toy{{ID: 1, Name: "Yoyo", Version: 1, Counted: true, Left: 1}, top}, false),
		"priced":          pageKey("", []Toy{{ID: 1, Name: "Yoyo", Version: 1, Price: "1 EUR"}, top}, false),
		"names that join": pageKey("", []Toy{{ID: 1, Name: `Yoyo" 2 1 "Top`, Version: 1}}, false),
	} {
		if other, same := keys[key]; same {
			t.Errorf("%s and %s have one key", what, other)
		}
		keys[key] = what
	}
}
