# Bare `make` lists the targets. On Debian as root they install what they need; elsewhere they say
# what is missing.

DURATION ?= 0s
FUZZTIME ?= 1m
STAGE    ?= redis
GO       ?= go

# The modules of this repository: the shop, the cache, its middleware for Fiber, its examples, and the servers that
# tests start.
MODULES       := . cache cache/fibercache cache/examples internal/servers
export GOWORK := off
# What was compiled in another clone is not compiled again.
export GOFLAGS := $(GOFLAGS) -trimpath

# each runs a command in the folder of every module.
each = @set -e; for module in $(MODULES); do (cd $$module; $(1)); done

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run the whole shop in one process, on http://localhost:8080
	$(GO) run ./api

.PHONY: build
build: ## Build the programs into bin/
	CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o bin/ ./api

.PHONY: test
test: check test-programs ## Run every check and test, against real servers, but for what is for long
	scripts/need gcc mariadb postgres redis haproxy varnish chromium bind iproute wget curl restic prometheus \
		alertmanager exporters
	@$(for-tests) $(MAKE) --no-print-directory -k -j 2 $(MODULES:%=test-of/%) test-of-the-model

# What most tests of the programs start. WOODYTEST_PROGRAMS says where they are, or each package would build its own.
# WOODYTEST_EMPTY says where the first test keeps an empty database, or each server would make its own. A program that is
# built with the race detector ends a second late by default, for races that are found last.
for-tests = WOODYTEST_PROGRAMS=$(CURDIR)/bin/test WOODYTEST_EMPTY=$(CURDIR)/bin/test/empty GORACE=atexit_sleep_ms=100
.PHONY: test-programs
test-programs:
	@rm -rf bin/test/empty
	@$(GO) build -ldflags='-s -w' -o bin/test/ ./api ./backup ./database ./front ./observability/observer

# Two modules are tested at a time, one package more of each than there are processors, and of a package twice as many
# tests: they wait for servers more than they compute. The packages that take longest begin first. The linker leaves out
# what only debuggers read, and vet has been by: check runs all of it. What is for long keeps several servers busy each,
# and is tested as many at a time as there are processors.
go-test = cores=$$(getconf _NPROCESSORS_ONLN) && $(GO) test -race -shuffle=on -timeout 30m -vet=off -ldflags='-s -w'
longest-of-.     := ./api ./cdn ./scripts ./benchmarks/runner ./api/store ./front/site ./api/httpapi ./backup \
	./reverse-proxy ./observability/observer ./benchmarks
longest-of-cache := ./internal/clustertest . ./outbox
test-of/%:
	cd $* && $(go-test) -p $$((cores + 1)) -parallel $$((2 * cores)) -skip '^TestLong' \
		$(longest-of-$*) $$($(GO) list ./... | grep -v -e /api/faults$$ -e /observability/drill$$)

.PHONY: test-of-the-model
test-of-the-model:
	cd cache && $(GO) test -run '^TestModel' ./internal/cluster

# The tests that only some targets run. (A comma of its own would end an argument of call.)
tags := e2e,attack

.PHONY: check
check: ## Formatting, length of lines, vet, staticcheck, tidy modules, what the cache exports
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on: $$unformatted" >&2; exit 1; }
	@$(GO) test -count=1 -run '^TestLinesAreShort$$' ./scripts
	@$(GO) build -o bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	$(call each,$(GO) vet -tags $(tags) ./... && $(CURDIR)/bin/staticcheck -tags $(tags) ./... && $(GO) mod tidy -diff)
	scripts/api-listing --check

.PHONY: scan
scan: ## Look for known vulnerabilities, where their database can be reached (SCAN=required fails where not)
	scripts/scan

.PHONY: deploy
deploy: ## Bring STAGE up on Docker Swarm: baseline, replicas, redis or cdn, or 'cdn database observability'
	scripts/deploy $(STAGE)

.PHONY: e2e
e2e: attack ## Attack a whole shop, and drive the stack on a Docker Swarm of its own; OUT=file keeps the figures
	scripts/need docker compose registry iproute debootstrap chromium wget curl ansible
	$(GO) test -tags e2e -count=1 -timeout 15m -run "^TestSwarm$$" ./autoscale ./provision
	$(GO) test -tags e2e -count=1 -timeout 80m ./e2e $(if $(OUT),-out $(abspath $(OUT))) $(if $(UNTIL),-until $(UNTIL)) \
		$(if $(RATE),-rate $(RATE))

.PHONY: fuzz
fuzz: ## Fuzz every parser of outside input for FUZZTIME each, or FUZZ=FuzzX alone
	scripts/fuzz $(FUZZTIME) $(FUZZ)

# The rounds of long, and the buyers of its sale, are divided by PART.
PART ?= 1

.PHONY: long
long: test-programs ## Run the tests named TestLong, and what test has few of: a million reads, keys, bursts, kills (/ PART)
	scripts/need gcc mariadb galera postgres redis haproxy varnish chromium bind iproute restic rclone prometheus \
		alertmanager exporters ansible
	@$(for-tests) WOODYTEST_PART=$(PART) $(MAKE) --no-print-directory -k $(MODULES:%=long-of/%) long-rounds

# The packages are found by the names of their tests, so that none is forgotten.
long-of/%:
	cd $* && packages=$$(grep -ls '^func TestLong' $$($(GO) list -f '{{.Dir}}/*_test.go' ./...) | \
		xargs -r -n 1 dirname | sort -u) && { [ -z "$$packages" ] || { \
		$(go-test) -p $$cores -parallel $$cores -run '^TestLong' $$packages; }; }

million = $$((1000000 / $(PART)))

# Without the race detector, which would make it ten times as long. The model is not compiled with it.
.PHONY: long-rounds
long-rounds:
	cd cache && $(GO) test -timeout 20m -run 'Oracle$$|Heap|Burst' . -args -oracle-reads $(million) \
		-stale-oracle-reads $$((340000 / $(PART))) -heap-keys $(million) -burst-rounds $$(((9 + $(PART)) / $(PART)))
	cd cache && $(GO) test -timeout 10m -run 'Oracle$$' ./httpcache -args -oracle-reads $(million)
	cd cache/fibercache && $(GO) test -timeout 10m -run 'Oracle$$' . -args -oracle-reads $(million)
	cd cache && $(GO) test -timeout 10m -run '^TestLongModel' ./internal/cluster
	$(GO) test -race -timeout 10m -run '^(TestKilledAmongOrders|TestARevokedSessionEndsEverywhere)$$' ./api \
		-args -acks-per-kill $$((500 / $(PART))) -revocations $$((500 / $(PART)))

SCHEDULES ?= 1000000

.PHONY: model
model: ## Go through SCHEDULES of the cache's protocol, as a model, and break it by each rule removed
	cd cache && $(GO) test -run '^Test(Long)?Model' -count=1 -v -timeout 0 ./internal/cluster -args -schedules $(SCHEDULES)

.PHONY: fault
fault: ## Break a running shop for DURATION (each fault once by default), under the oracle
	scripts/need gcc mariadb galera haproxy redis
	$(GO) test ./api/faults -count=1 -v -timeout 0 -args -duration $(DURATION)

.PHONY: attack
attack: test-programs ## Attack a whole shop as it is in stage secure, while others are served
	scripts/need mariadb redis haproxy testssl
	@$(for-tests) $(GO) test -tags attack -count=1 -timeout 15m ./attack

.PHONY: drill
drill: ## Have each alert come and go on a stage that is broken for it, and none on one that is well
	scripts/need gcc mariadb redis haproxy varnish prometheus alertmanager exporters
	$(GO) test ./observability/drill -count=1 -v -timeout 15m

PROFILE ?= quick
DRIVER  ?= local

.PHONY: bench
bench: bin/benchmarks ## Measure every stage and write the report (PROFILE=quick or full, DRIVER=local or swarm)
	scripts/need $(if $(filter local,$(DRIVER)),mariadb redis haproxy varnish prometheus alertmanager exporters) \
		$(if $(filter local-full,$(DRIVER)-$(PROFILE)),galera) chromium
	bin/benchmarks run --profile $(PROFILE) --driver $(DRIVER)

.PHONY: bench-compare
bench-compare: bin/benchmarks ## Compare two runs: make bench-compare OLD=folder NEW=folder
	bin/benchmarks compare $(OLD) $(NEW)

.PHONY: bin/benchmarks
bin/benchmarks:
	$(GO) build -o $@ ./benchmarks

.PHONY: bench-api
bench-api: ## Measure the one-process default, and the API against a bare handler
	$(GO) run ./benchmarks/pairs/apibench -out benchmarks/results/$$(date -u +%F)-api.txt

.PHONY: bench-sizes
bench-sizes: ## Measure the API with 1,000 products against 10,000,000, on SQLite and MariaDB (3 GB of disk)
	scripts/need mariadb
	$(GO) run ./benchmarks/pairs/sizebench -out benchmarks/results/$$(date -u +%F)-sizes.txt

.PHONY: bench-cache
bench-cache: ## Measure a kept answer against a bare handler and other caches, and write to fresh everywhere
	scripts/need mariadb redis
	$(GO) run ./benchmarks/pairs/cachebench -out benchmarks/results/$$(date -u +%F)-cache.txt
	$(GO) run ./benchmarks/pairs/freshbench -out benchmarks/results/$$(date -u +%F)-fresh.txt

.PHONY: bench-load
bench-load: ## Measure what the generators of load cost themselves
	$(GO) run ./benchmarks/pairs/loadbench -out benchmarks/results/$$(date -u +%F)-load.txt

.PHONY: bench-proxy
bench-proxy: ## Measure what each piece of the proxy costs a read, the highest rate of reads, and TLS and HTTP/2
	scripts/need haproxy
	$(GO) run ./benchmarks/pairs/proxybench -out benchmarks/results/$$(date -u +%F)-proxy.txt
	$(GO) run ./benchmarks/pairs/proxybench -measure rate -out benchmarks/results/$$(date -u +%F)-proxy-rate.txt
	$(GO) run ./benchmarks/pairs/proxybench -measure tls -out benchmarks/results/$$(date -u +%F)-proxy-tls.txt

.PHONY: bench-nodes
bench-nodes: ## Measure uncached reads and writes before one database and before three nodes
	scripts/need mariadb galera haproxy
	$(GO) run ./benchmarks/pairs/nodebench -out benchmarks/results/$$(date -u +%F)-nodes.txt

.PHONY: bench-sale
bench-sale: ## Measure ways to sell a hot product: the shop's, row locks, a conditional UPDATE, a row per unit
	scripts/need mariadb
	$(GO) run ./benchmarks/pairs/salebench -out benchmarks/results/$$(date -u +%F)-sale.txt

.PHONY: bench-page
bench-page: ## Measure a first visit of the page, and the hero over the simulated uplink
	scripts/need chromium
	$(GO) run ./benchmarks/pairs/pagebench -out benchmarks/results/$$(date -u +%F)-page.txt

.PHONY: bench-edge
bench-edge: ## Measure the page and wget over the simulated uplink, without the edge and with it
	scripts/need chromium varnish wget
	$(GO) run ./benchmarks/pairs/edgebench -out benchmarks/results/$$(date -u +%F)-edge.txt
