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

.PHONY: bench-api
bench-api: ## Measure the API against a bare Fiber handler, and 1,000 products against 1,000,000
	scripts/need mariadb
	$(GO) run ./benchmarks/apibench
