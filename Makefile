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
RACE      = $(shell command -v $${CC:-gcc} >/dev/null && echo -race)
LINT     := go tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## say what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ use it

.PHONY: build
build: ## build bin/cierzo
	@tools/setup.sh go
	go build -o bin/cierzo ./cmd/cierzo

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
	go test $(RACE) -shuffle=on -timeout=15m $(PKG)
	@# What can't run with the race detector: several networked nodes in one process, see node/race_test.go.
	go test -shuffle=on -timeout=5m ./node ./cluster
	@# With the race detector it runs few seeds only.
	go test -timeout=5m ./test/sim -run '^TestSim$$'

.PHONY: setup
setup: ## check for Go, a C compiler, PostgreSQL's and OpenSSH's server; as root, install what is missing
	@tools/setup.sh go cc postgres sshd

.PHONY: lint
lint: ## golangci-lint (with vet) in the pinned version
	$(LINT) run

.PHONY: cover
cover: ## coverage of all tests, by package, and cover.out
	go test -shuffle=on -timeout=15m -coverprofile=cover.out -coverpkg=./... $(PKG)
	go tool cover -func=cover.out | tail -1

.PHONY: chaos
chaos: setup ## the long form: 300 executions while engines, runners and the database get killed, then the SQLite kill loop
	go test ./test/chaos -run Chaos -count=1 -v -timeout=60m -chaos.executions=300 -chaos.rounds=3 -chaos.kills=20

.PHONY: sim
sim: ## the seeded cluster in one process, in virtual time: SEEDS (10000) seeds from FROM (1) on
	go test ./test/sim -run '^TestSim$$' -count=1 -v -timeout=10h -sim.seeds=$(SEEDS) -sim.from=$(FROM)

.PHONY: planted
planted: ## let known bugs in, one after the other: the simulation must find each; writes the table in docs/failures.md
	go test -tags planted ./test/sim -run '^TestPlanted$$' -count=1 -v -timeout=10h -sim.page=$(CURDIR)/docs/failures.md

.PHONY: bench
bench: setup ## Go benchmarks of all packages, then 100,000 executions that wait
	go test -run '^$$' -bench . -benchmem $(PKG)
	go test ./test/bench -run Waiting -count=1 -v -timeout=60m -bench.waiting=100000

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME (30s)
	@grep -rno --include=*_test.go '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's|^(.*)/[^/]*:[0-9]+:func |\1 |' | sort -u | \
	while read -r folder name; do \
		echo "$$folder $$name"; go test "$$folder" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME); \
	done

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
generate: ## generated code: the protocol's messages (needs protoc), and what go:generate says
	go build -o bin/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go
	cd messages && PATH=$(CURDIR)/bin:$$PATH protoc --go_out=. --go_opt=paths=source_relative *.proto
	go generate ./...

.PHONY: golden
golden: ## rewrite the expected results of the scripted tests; read the diff before you commit it
	@grep -rl --include=*_test.go 'Bool("rewrite"' . | xargs -r -n1 dirname | sort -u | \
	while read -r folder; do go test "$$folder" -count=1 -rewrite; done
	git diff --stat

.PHONY: clean
clean: ## remove what was built; the caches of Go stay
	rm -rf bin var cover.out
