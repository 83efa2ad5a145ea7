# cierzo: everything a developer does, by name. `make` alone lists it; `make run` and `make test` need nothing done before.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PATH := $(PATH):/usr/local/go/bin
export GOFLAGS := -mod=readonly

# Set these on the command line: make fuzz FUZZTIME=10m PKG=./expr/...
PKG      ?= ./...
FUZZTIME ?= 30s
SEEDS    ?= 10000
FROM     ?= 1
ROUNDS   ?= 3
RACE      = $(shell command -v $${CC:-gcc} >/dev/null && echo -race)
# Without the race detector: what runs programs or measures memory, and several networked nodes in one process (the actor
# library's network isn't free of races, see node/race_test.go; cluster leaves those tests out with it, and runs twice).
UNRACED  := /cmd/|/node$$|/test/(bench|conformance|docs|hostile|load|mistralclient|verify)
LINT     := go tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## say what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ use it

.PHONY: build
build: ui ## build bin/cierzo, with the UI in it where Node is there
	@tools/setup.sh go
	go build -o bin/cierzo ./cmd/cierzo

.PHONY: ui
ui: ## build the UI (web/) for the next build of the binary; needs Node 20.19 or later
	@tools/ui.sh

.PHONY: run
run: build ## build everything and run an example on an embedded node: progress, then the result
	bin/cierzo run examples/provision-fleet.yaml --input servers=5

.PHONY: serve
serve: build ## a whole node (engine, runner, API) on a SQLite file in var/
	@mkdir -p var
	bin/cierzo server --store sqlite://$(CURDIR)/var/cierzo.db

##@ check it

.PHONY: test
test: setup lint ## everything that must be green: lint and vet, import rules, all tests with the race detector
	go test $(RACE) -shuffle=on -timeout=15m $$(go list $(PKG) | grep -vE '$(UNRACED)')
	go test -shuffle=on -timeout=15m $$(go list $(PKG) | grep -E '$(UNRACED)|/cluster$$')
	@# With the race detector it runs few seeds only.
	go test -timeout=5m ./test/sim -run '^TestSim$$'
	@# Each benchmark once, so that none stops working unseen.
	go test -timeout=5m -run '^$$' -bench . -benchtime 1x $$(grep -rl --include=*_test.go '^func Benchmark' . | xargs -n1 dirname | sort -u)
	@# Once more, where it is seen: without the corpus this wasn't everything.
	@tools/setup.sh golden

.PHONY: ui-test
ui-test: ## the UI in a browser, with the real binary (web/test); screenshots in web/test/out. As root, installs Chromium
	@tools/setup.sh go chromium
	@$(MAKE) openapi && tools/ui.sh --types --check
	@tools/ui.sh --must
	go build -o bin/cierzo ./cmd/cierzo
	cd web && npm run --silent test

.PHONY: ui-shots
ui-shots: ## pictures of each page of the UI, light, dark and on a phone, in web/test/out
	@tools/setup.sh go chromium
	@tools/ui.sh --must
	go build -o bin/cierzo ./cmd/cierzo
	cd web && npm run --silent shots

.PHONY: ui-bench
ui-bench: ## figures of the UI in a browser: how fast pages are, what they keep in memory; PARTS="hour" takes an hour
	@tools/setup.sh go chromium
	@tools/ui.sh --must
	go build -o bin/cierzo ./cmd/cierzo
	cd web && npm run --silent bench -- $(PARTS)

.PHONY: setup
setup: ## check for Go, a C compiler, PostgreSQL's and OpenSSH's server, Mistral's client, nft, the golden corpus; as root, install what is missing
	@tools/setup.sh go cc postgres net sshd mistral golden

.PHONY: lint
lint: ## golangci-lint (with vet) in the pinned version
	$(LINT) run

.PHONY: cover
cover: ## coverage of all tests, by package, and cover.out
	go test -shuffle=on -timeout=15m -coverprofile=cover.out -coverpkg=./... $(PKG)
	go tool cover -func=cover.out | tail -1

.PHONY: conformance
conformance: ## the corpora recorded from Mistral (CIERZO_GOLDEN): passed and total by area, failures with their reason
	@golden=$${CIERZO_GOLDEN:-../shared/golden}; [ -d "$$golden" ] || { echo "There is no golden corpus in $$golden: set CIERZO_GOLDEN to its folder." >&2; exit 1; }
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && status=0 && \
	CIERZO_CONFORMANCE="$$dir" go test -count=1 -run '^Test(Upstream|Mistral|Inline|Golden|DSL|Stated)$$' ./expr ./expr/yaql ./expr/jinja ./test/conformance >"$$dir/log" 2>&1 || status=$$?; \
	for corpus in yaql_upstream yaql inline jinja dsl stated; do cat "$$dir/$$corpus.txt" 2>/dev/null || echo "$$corpus: no report"; done; \
	if [ "$$status" != 0 ]; then grep -E '^(FAIL|panic|ok)|cases pass, fewer' "$$dir/log"; fi; exit "$$status"

.PHONY: client-test
client-test: ## Mistral's own command against a real server: each of its sub-commands, with Keystone; part of make test, too
	@tools/setup.sh go mistral
	CIERZO_CLIENT_TEST=1 go test ./test/mistralclient -count=1 -v -timeout=15m

.PHONY: chaos
chaos: setup ## ROUNDS (3) times every fault there is, to a cluster and to a SQLite node; writes the recovery times in docs/failures.md, with those of FIGURES (a file, kept up)
	go test ./test/chaos -run '^Test(Chaos|Proxy)$$' -count=1 -v -timeout=24h -chaos.rounds=$(ROUNDS) -chaos.figures='$(FIGURES)' -chaos.page=$(CURDIR)/docs/failures.md

.PHONY: rabbitmq-test
rabbitmq-test: ## the listener of event triggers on a RabbitMQ of its own, which is killed on the way
	@tools/setup.sh go rabbitmq
	go test ./triggers/amqp -count=1 -v -timeout=15m -rabbitmq

.PHONY: conformance-http
conformance-http: build ## the golden corpus (CIERZO_GOLDEN) over HTTP against a server: how many cases of each area are as recorded
	tools/conformance.sh

.PHONY: sim
sim: ## the seeded cluster in one process, in virtual time: SEEDS (10000) seeds from FROM (1) on
	go test ./test/sim -run '^TestSim$$' -count=1 -v -timeout=10h -sim.seeds=$(SEEDS) -sim.from=$(FROM)

.PHONY: planted
planted: ## let known bugs in, one after the other: the simulation must find each; writes the table in docs/failures.md
	go test -tags planted ./test/sim -run '^TestPlanted$$' -count=1 -v -timeout=10h -sim.page=$(CURDIR)/docs/failures.md

.PHONY: verify-report
verify-report: setup ## cierzo verify against three processes on PostgreSQL, one of which is killed: writes the example report in docs
	go test ./test/verify -run '^TestClusterWithAKill$$' -count=1 -v -timeout=15m -verify.example=$(CURDIR)/docs/verify-report

.PHONY: load
load: setup ## 64 clients for a minute on PostgreSQL while each of three engines is killed and started again
	go test ./test/load -run Load -count=1 -v -timeout=15m -load.duration=60s -load.clients=64 -load.kills=3

.PHONY: bench-lists
bench-lists: setup ## pages of lists of 1,000,000 executions, on PostgreSQL and SQLite
	go test ./test/load -run Lists -count=1 -v -timeout=60m -lists.count=1000000

.PHONY: bench
bench: setup ## Go benchmarks of all packages, then 100,000 executions that wait
	go test -run '^$$' -bench . -benchmem $(PKG)
	go test ./test/bench -run Waiting -count=1 -v -timeout=60m -bench.waiting=100000

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME (30s)
	@grep -rno --include=*_test.go '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's|^(.*)/[^/]*:[0-9]+:func |\1 |' | sort -u | \
	while read -r folder name; do tools/fuzz.sh "$$folder" "$$name" $(FUZZTIME) || exit 1; done

.PHONY: fuzz-smoke
fuzz-smoke: ## the language's fuzz tests, each for FUZZTIME (30s), two at a time; part of continuous integration
	@printf '%s\n' 'expr/yaql FuzzEval' 'expr/yaql FuzzRegex' 'expr/jinja FuzzRender' 'expr FuzzText' 'dsl FuzzParse' 'dsl FuzzInline' \
		'dsl/yaml FuzzParse' 'workflow FuzzWorkflow' 'expr/value FuzzPlainJSON' | \
	xargs -P2 -L1 sh -c 'tools/fuzz.sh "$$0" "$$1" $(FUZZTIME) -parallel=1'

.PHONY: bench-peers
bench-peers: setup ## other engines and cierzo in turn on one PostgreSQL, as ratios; CIERZO_PEERS is the folder with their programs
	tools/bench-peers.sh

.PHONY: bench-growth
bench-growth: build ## how costs grow: executions stored, items, contexts, runners; STORE=postgres://… adds engines
	bin/cierzo bench --growth all --svg var/curves $(if $(STORE),--store $(STORE))

.PHONY: plans
plans: setup ## the plans of the hot statements on PostgreSQL, in docs/plans.md
	go test ./persistence/sqlstore -run '^TestPlans$$' -count=1 -plans.write

.PHONY: bench-expr
bench-expr: ## expressions against yaql and Jinja2 in Python, where python3 has them (apt: python3-yaql python3-jinja2)
	go test ./test/bench -run '^TestExpressions$$' -count=1 -v -bench.expressions

.PHONY: sql-syntax
sql-syntax: ## parse every SQL statement and migration with CockroachDB's own parser (slow to build the first time)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	CIERZO_SQL_DUMP="$$dir" go test ./persistence/sqlstore -run '^TestDumpStatements$$' -count=1 && \
	go -C tools/crdbsyntax run . "$$dir"

##@ change it

.PHONY: fmt
fmt: ## format all Go files
	$(LINT) fmt

.PHONY: generate
generate: ## generated code: the protocol's messages (needs protoc), what go:generate says, the types of the UI
	go build -o bin/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
	cd messages && PATH=$(CURDIR)/bin:$$PATH protoc --go_out=. --go_opt=paths=source_relative *.proto
	go generate ./...
	@if command -v npm >/dev/null; then $(MAKE) openapi && tools/ui.sh --types; else echo "generate: without Node.js the types of the UI (web/src/schema.ts) stay as they are"; fi

.PHONY: openapi
openapi: ## write the OpenAPI document of the REST API to openapi.json, for programs that make code of it
	CIERZO_OPENAPI=$(CURDIR)/openapi.json go test ./api -run '^TestWriteOpenAPI$$' -count=1

.PHONY: golden
golden: ## rewrite the expected results of the scripted tests; read the diff before you commit it
	@grep -rl --include=*_test.go 'Bool("rewrite"' . | xargs -r -n1 dirname | sort -u | \
	while read -r folder; do go test "$$folder" -count=1 -rewrite; done
	git diff --stat

.PHONY: clean
clean: ## remove what was built; the caches of Go stay
	rm -rf bin var cover.out openapi.json web/node_modules web/test/out && find web/dist -mindepth 1 ! -name placeholder.txt -delete
