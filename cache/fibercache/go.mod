module github.com/woodytoys/woodytoys/cache/fibercache

go 1.25.0

require (
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/gofiber/fiber/v2 v2.52.15
	github.com/valyala/fasthttp v1.74.0
	github.com/woodytoys/woodytoys/cache v0.1.0
)

require (
	github.com/eko/gocache/lib/v4 v4.2.3 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
	github.com/molecule-man/go-brrr v1.0.1 // indirect
	github.com/rivo/uniseg v0.2.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/exp v0.0.0-20251209150349-8475f28825e9 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace (
	github.com/woodytoys/woodytoys/cache => ..
	github.com/woodytoys/woodytoys/internal/servers => ../../internal/servers
)
