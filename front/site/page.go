package site

import (
	"bytes"
	"context"
	"html/template"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/front/art"
	"github.com/woodytoys/woodytoys/internal/oneline"
)

const (
	maxToys     = 100
	firstToys   = 12 // the others wait behind "Show the other toys"
	toysTimeout = 2 * time.Second
)

var pageTemplate = template.Must(template.ParseFS(static, "static/index.html"))

// view is what the template shows.
type view struct {
	site    *Site
	base    string // the CDN's part of every asset's URL, or ""
	Toys    []Toy
	Trouble bool // the shelf could not be read
	// Accounts reports whether the shop has accounts.
	Accounts bool
}

// Asset returns the URL of an asset by its plain name.
func (v view) Asset(name string) string { return v.base + v.site.path(name) }

// card is a toy with the URL of its picture.
type card struct {
	Toy
	Picture string
}

// Card finds a toy its picture.
func (v view) Card(t Toy) card { return card{t, v.Asset(art.PictureFor(t.Name))} }

// First returns the toys that are on show at once, Others those behind.
func (v view) First() []Toy { return v.Toys[:min(len(v.Toys), firstToys)] }

// Others returns the toys that First leaves; none when there are few.
func (v view) Others() []Toy { return v.Toys[len(v.First()):] }

// HeroWidth and HeroHeight return the hero's size, so that the page leaves room for it before it is loaded.
func (v view) HeroWidth() int  { return art.HeroWidth }
func (v view) HeroHeight() int { return art.HeroHeight }

func (s *Site) handlePage(c *fiber.Ctx) error {
	base, source := s.cdn.base(string(c.Request().Host()))
	toys, trouble := s.toys(c.UserContext())
	page, err := s.pages.get(pageKey(base, toys, trouble), func() (*content, error) {
		return render(view{site: s, base: base, Toys: toys, Trouble: trouble, Accounts: s.config.Accounts})
	})
	if err != nil {
		return err
	}
	s.protected(c, source)
	return s.serve(c, page, check)
}

// toys reads the shelf; trouble is true when that failed, which the page shows in its own words. A name that the API
// would refuse by now is shown with escapes for what would harm a line, or the terminal of who reads the page there.
func (s *Site) toys(ctx context.Context) (toys []Toy, trouble bool) {
	ctx, cancel := context.WithTimeout(ctx, toysTimeout)
	defer cancel()
	toys, err := s.config.Toys(ctx)
	trouble = err != nil
	s.logOnce(trouble, err)
	toys = slices.Clone(toys[:min(len(toys), maxToys)])
	for i := range toys {
		toys[i].Name = oneline.Escape(toys[i].Name)
	}
	return toys, trouble
}

// logOnce logs when the shelf is lost and when it is back, and nothing in between: a page a second would fill the log.
func (s *Site) logOnce(trouble bool, cause error) {
	if s.troubled.Swap(trouble) == trouble {
		return
	}
	if trouble {
		s.config.Logger.Warn("the page is shown without its toys from now on", "error", cause)
		return
	}
	s.config.Logger.Info("the page has its toys again")
}

func render(v view) (*content, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		return nil, err
	}
	return newContent("text/html; charset=utf-8", b.Bytes(), true, onTheFly), nil
}
