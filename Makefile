# Berth's targets. `make help` lists them; `make check` is exactly what CI runs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PREFIX ?= /usr/local
DESTDIR ?=
bin := node_modules/.bin

modules := node_modules/.package-lock.json
built := dist/.built
proto_files := $(shell find proto -name '*.proto' 2>/dev/null)
sources := $(shell find src shim test -name '*.ts' 2>/dev/null) tsconfig.json $(wildcard scripts/*.mjs)

.PHONY: help build types install uninstall proto check-proto fmt check-format lint test unit integration crash forks bench bench-docs check demo deps clean

help: ## Show this list
	@echo 'Berth: a containerd-compatible container supervisor. Targets:'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 21

deps: ## Install what the tests need and this machine lacks (Debian, Ubuntu; root or sudo)
	@scripts/install-deps.sh test

$(modules): package.json package-lock.json
	@scripts/check-node.sh
	npm ci --no-audit --no-fund
	@touch $@

$(built): $(sources) $(modules)
	$(bin)/tsc -p .
	@scripts/prune-dist.sh
	@node scripts/bundle.mjs
	@node scripts/code-cache.mjs
	@touch $@

build: $(built) ## Compile to dist/ and bundle to dist/bin (npm ci first where node_modules is missing or old)

install: build ## Install below PREFIX=/usr/local (DESTDIR=DIR stages it there); needs no root of its own
	@scripts/install.sh '$(PREFIX)' '$(DESTDIR)'

uninstall: ## Take away what install put below PREFIX (and DESTDIR); records and images stay
	@scripts/uninstall.sh '$(PREFIX)' '$(DESTDIR)'

proto: $(modules) ## Generate src/generated from proto/
	$(bin)/buf generate --template buf.gen.yaml
	$(bin)/buf generate --template buf.gen.ttrpc.yaml

check-proto: $(modules) ## Lint proto/ and see that src/generated is what it generates
	@scripts/check-proto.sh

fmt: $(modules) ## Format everything
	$(bin)/biome format --write .

check-format: $(modules)
	$(bin)/biome format .

lint: check-format ## Check the format, then the code (type-aware rules)
	$(bin)/oxlint --type-aware

unit: build ## Run the unit and architecture tests: a few seconds, no root
	@scripts/run-tests.sh unit architecture

integration: build ## Run the tests against the built daemon with the real ctr and runc (root)
	@scripts/install-deps.sh test
	@scripts/run-tests.sh integration conformance

crash: build ## Run the tests that kill the daemon and shims at named points (root)
	@scripts/install-deps.sh test
	@scripts/run-tests.sh crash

forks: build ## Fork 2,000 shims on each Node that Berth supports (minutes)
	@BERTH_FORKS=2000 node --test dist/test/crash/forks.test.js

test: build ## Run all tests (root; installs what they need)
	@scripts/install-deps.sh test
	@scripts/run-tests.sh unit architecture integration conformance crash

check: lint check-proto test ## Everything CI runs: format, lint, types, protos, all tests

bench: build ## Measure against the real containerd (root; BENCH=name,name BENCH_ROUNDS=5 BENCH_QUICK=1)
	@scripts/install-deps.sh test
	@node dist/test/bench/main.js

bench-docs: build ## Put the table of docs/bench/results.json into README.md
	@node dist/test/bench/readme-table.js

demo: ## Watch a container run under a private berthd, in a temporary directory (root)
	@scripts/demo.sh

clean: ## Remove what the build made
	rm -rf dist node_modules .cache
