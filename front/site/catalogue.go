package site

import (
	"embed"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/woodytoys/woodytoys/front/art"
)

//go:embed static/index.html static/robots.txt static/css/*.css static/js/*.js
var static embed.FS

// catalogue holds every asset by its plain name, such as "app.js". An asset is made when it is first asked for.
type catalogue struct {
	assets map[string]func() *content
	ready  atomic.Bool // all have been made
}

// sharedCatalogue is made once per process: the assets do not depend on any configuration.
var sharedCatalogue = sync.OnceValue(func() *catalogue {
	k := newCatalogue()
	go func() {
		for _, made := range k.assets {
			made()
		}
		k.ready.Store(true)
	}()
	return k
})

func newCatalogue() *catalogue {
	k := &catalogue{assets: map[string]func() *content{}}
	for _, name := range art.Names() {
		k.add(name, func() []byte { return art.Picture(name) })
	}
	k.add("robots.txt", func() []byte { return mustRead("static/robots.txt") })
	k.add("style.css", func() []byte { return k.linked(mustJoin("static/css/*.css")) })
	for _, file := range mustGlob("static/js/*.js") {
		k.add(path.Base(file), func() []byte { return k.linked(mustRead(file)) })
	}
	return k
}

func (k *catalogue) add(name string, body func() []byte) {
	k.assets[name] = sync.OnceValue(func() *content {
		kind, compressible := mediaType(name)
		return newContent(kind, body(), compressible, onceForAll)
	})
}

// mediaType returns what an asset is, by its ending, and whether compressing makes it smaller.
func mediaType(name string) (kind string, compressible bool) {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8", true
	case ".css":
		return "text/css; charset=utf-8", true
	case ".svg":
		return "image/svg+xml", true
	case ".txt":
		return "text/plain; charset=utf-8", false
	case ".ico":
		return "image/x-icon", false
	case ".jpg":
		return "image/jpeg", false
	}
	panic("site: no media type is known for " + name)
}

// sibling is how scripts and styles name another asset: "./call.js". The files also work as they are, unfingerprinted.
var sibling = regexp.MustCompile(`\./[a-z0-9-]+\.(js|css|jpg|svg)`)

// linked rewrites the siblings that a text names to their fingerprinted names. So a change of one asset changes the
// names of all that lead to it, and nobody mixes two releases.
func (k *catalogue) linked(text []byte) []byte {
	return sibling.ReplaceAllFunc(text, func(name []byte) []byte {
		return []byte("./" + k.fileName(strings.TrimPrefix(string(name), "./")))
	})
}

// fileName returns the asset's fingerprinted name, "app.0f3a….js". It panics on an unknown name, which only our own
// files name.
func (k *catalogue) fileName(name string) string {
	asset, known := k.assets[name]
	if !known {
		panic("site: no asset is called " + name)
	}
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + asset().hash[:hashInName] + ext
}

const hashInName = 16

// find returns the asset that a requested name means, whether or not its hash is the current one; exact reports which.
// It is nil when no asset has that name under any hash.
func (k *catalogue) find(requested string) (asset *content, exact bool) {
	ext := path.Ext(requested)
	stem := strings.TrimSuffix(requested, ext)
	hash := strings.TrimPrefix(path.Ext(stem), ".")
	plain := strings.TrimSuffix(stem, "."+hash) + ext
	if made, known := k.assets[plain]; known {
		asset = made()
		return asset, hash == asset.hash[:hashInName]
	}
	return nil, false
}

func mustRead(name string) []byte {
	b, err := static.ReadFile(name)
	if err != nil {
		panic("site: embedded file: " + err.Error())
	}
	return b
}

func mustGlob(pattern string) []string {
	names, err := fs.Glob(static, pattern)
	if err != nil || len(names) == 0 {
		panic("site: no embedded file matches " + pattern)
	}
	return names
}

func mustJoin(pattern string) []byte {
	var all []byte
	for _, name := range mustGlob(pattern) {
		all = append(all, mustRead(name)...)
	}
	return all
}
