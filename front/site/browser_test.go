package site_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/internal/browser"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// One Chromium serves all tests of the package; each test gets a profile of its own, so no cache is shared.
var chromium struct {
	*browser.Browser
	once sync.Once
	err  error
}

// TestMain ends the browser, and waits until it has ended.
func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.Browser != nil {
		if err := chromium.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "end Chromium:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// tab is one page in the browser, and all that went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	troubles []string
}

// mustOpenTab returns an empty page. When the test ends, anything that the page complained of meanwhile fails it:
// script errors, console errors, violations of its policy, dialogs.
func mustOpenTab(t *testing.T) *tab {
	t.Helper()
	chromium.once.Do(func() { chromium.Browser, chromium.err = browser.Start() })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	visitor, err := chromium.NewVisitor()
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, ctx: visitor.Context()}
	t.Cleanup(func() {
		visitor.Leave()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, trouble := range b.troubles {
			t.Errorf("the page complained: %s", trouble)
		}
	})
	if err := chromedp.Listen(b.ctx, b.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	call(b, log.Enable, cdp.Empty{})
	b.must(chromedp.EmulateViewport(1280, 900))
	b.scheme("light")
	return b
}

func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complain("uncaught: " + e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "Failed to load resource") {
			b.complain(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.complain(fmt.Sprintf("console %s: %v", e.Type, e.Args))
		}
	case *page.EventJavascriptDialogOpening:
		b.complain("a dialog opened: " + e.Message)
	}
}

func (b *tab) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, what)
}

// stepTimeout ends a test whose page never gets where the test waits for it.
const stepTimeout = servers.Patience

func (b *tab) must(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	run(b, chromedp.Steps(steps...))
}

// run returns what an action comes to, or ends the test.
func run[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
	return got
}

// call runs a command of the browser's own protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	got, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
	return got
}

// evaluate returns what a JavaScript expression, or the promise it makes, comes to.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// waitFor waits until a JavaScript expression is true in the page.
func (b *tab) waitFor(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	poll := chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(stepTimeout))
	if _, err := chromedp.Run(ctx, poll); err != nil {
		b.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// scheme makes the page believe that the reader prefers "light" or "dark", and that nothing should move: a page that is
// still scrolling smoothly would be clicked in the wrong place.
func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// photograph keeps a picture of the whole page among the test's artifacts (go test -artifacts -outputdir DIR).
func (b *tab) photograph(name string) {
	b.t.Helper()
	png := run(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		b.t.Fatalf("keep the picture: %v", err)
	}
}
