# Bare `make` lists the targets. On Debian as root they install what they need; elsewhere they say
# what is missing.

FUZZTIME ?= 1m
GO       ?= go

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run the whole shop in one process, on http://localhost:8080
	$(GO) run ./api

.PHONY: build
build: ## Build the programs into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ ./api

.PHONY: test
test: check ## Run every check and test, against real servers
	scripts/need gcc mariadb chromium
	$(GO) test -race -shuffle=on -timeout 10m ./...

.PHONY: check
check: ## Formatting, vet, staticcheck, tidy modules
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

.PHONY: fuzz
fuzz: ## Fuzz every parser of outside input for FUZZTIME each
	scripts/fuzz $(FUZZTIME)

.PHONY: long
long: ## The oracles over a million reads, and a million keys on the scales
	$(GO) test -timeout 10m -run 'Oracle$$|Heap' ./api/cache -args -oracle-reads 1000000 -heap-keys 1000000
	$(GO) test -timeout 10m -run 'Oracle$$' ./api/cache/fibercache -args -oracle-reads 1000000

.PHONY: bench-api
bench-api: ## Measure the API against a bare handler, and 1,000 products against 1,000,000
	scripts/need mariadb
	$(GO) run ./benchmarks/apibench -out benchmarks/results/$$(date -u +%F)-api.txt

.PHONY: bench-cache
bench-cache: ## Measure a kept answer against a bare handler and other caches
	$(GO) run ./benchmarks/cachebench -out benchmarks/results/$$(date -u +%F)-cache.txt

.PHONY: bench-page
bench-page: ## Measure a first visit of the page, and the hero over the simulated uplink
	scripts/need chromium
	$(GO) run ./benchmarks/pagebench -out benchmarks/results/$$(date -u +%F)-page.txt
