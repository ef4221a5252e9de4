# Everything the repository can do. `make` lists the targets; each one sets up what it needs and does no work twice.
# Needed: Go 1.26, Python 3.10 or newer, and their package registries. Nothing is installed outside this folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
FUZZTIME ?= 300000x
BENCHTIME ?= 1s
SOAKTIME ?= 10m

# Versions are pinned here, and for Python's tests in clients/python/pyproject.toml.
BUF := buf-bin==1.75.0
GRPC_TOOLS := grpcio-tools==1.81.1
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0
# The reference library, the newest release there is, with what it needs to be imported. pyglet 2 is another library.
REFERENCE := peng3dnet==0.1.3a0 peng3d==1.11.0 pyglet==1.5.31 msgpack==1.1.2 bidict==0.23.1

# Where Go code is; the environments lie beside these.
GO_DIRS := $(wildcard api core sidecar cmd clients examples docs bench)

# Subprocesses of tests find the binary, our package and the reference library by these.
export PENGBRIDGE_BINARY := $(CURDIR)/bin/pengbridge
export PENGBRIDGE_PYTHON := $(CURDIR)/.venv/bin/python
export PENGBRIDGE_REFERENCE_PYTHON := $(CURDIR)/.interop/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- what is built ----

.PHONY: build
build: ## build bin/pengbridge, which needs no other file (Go itself knows what has changed)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/pengbridge ./cmd/pengbridge

.PHONY: generate
generate: tools ## generate Go and Python code from api/*.proto
	.tools/bin/buf generate

.PHONY: licenses
licenses: ## write the licence texts that the binary carries (a test says when that is needed)
	go test ./cmd/pengbridge -run '^TestLicensesAreCurrent$$' -count=1 -update-licenses

# Each for GOOS/GOARCH; a build takes some minutes, until Go's cache has the system's dependencies.
WHEELS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: wheels
wheels: venv ## build the Python package into dist: wheels for all systems, and the sdist
	rm -rf dist
	cd clients/python && ../../.venv/bin/hatchling build -t sdist -d $(CURDIR)/dist
	@for system in $(WHEELS); do \
	  echo "building the wheel for $$system"; \
	  (cd clients/python && GOOS=$${system%/*} GOARCH=$${system#*/} ../../.venv/bin/hatchling build -t wheel -d $(CURDIR)/dist); \
	done

# ---- environments ----

.PHONY: venv tools interop-env
venv: .venv/.stamp ## make .venv, with the Python package and what its tests need
tools: .tools/.stamp ## make .tools, with what generates code
interop-env: .interop/.stamp ## make .interop, with the reference library

.venv/.stamp: clients/python/pyproject.toml
	$(call environment,.venv)
	.venv/bin/pip install --quiet --editable 'clients/python[test]'
	touch $@

.tools/.stamp: Makefile
	$(call environment,.tools)
	.tools/bin/pip install --quiet '$(BUF)' '$(GRPC_TOOLS)'
	touch $@

.interop/.stamp: Makefile
	$(call environment,.interop)
	.interop/bin/pip install --quiet $(REFERENCE)
	PYGLET_SHADOW_WINDOW=0 .interop/bin/python -c 'import peng3dnet'
	touch $@

# Makes the environment $(1) if it is not there.
define environment
[ -x $(1)/bin/pip ] || $(PYTHON) -m venv $(1)
endef

.scene/.stamp: examples/scene/requirements.txt clients/python/pyproject.toml
	$(call environment,.scene)
	.scene/bin/pip install --quiet --requirement examples/scene/requirements.txt --editable clients/python
	touch $@

.plot/.stamp: bench/requirements.txt
	$(call environment,.plot)
	.plot/bin/pip install --quiet --requirement bench/requirements.txt
	touch $@

.tools/bin/golangci-lint: Makefile
	GOBIN=$(CURDIR)/.tools/bin go install $(GOLANGCI_LINT)
	touch $@

# ---- what is checked ----

.PHONY: test
test: check-go check-api test-go check-python test-python ## run every check that needs neither root, display nor patience

.PHONY: check-go
check-go:
	@unformatted=$$(gofmt -l $(GO_DIRS)); [ -z "$$unformatted" ] || { echo "run gofmt -w on: $$unformatted"; exit 1; }
	@go mod tidy -diff || { echo "run go mod tidy"; exit 1; }
	go vet -tags interop ./...
	@for system in darwin windows; do \
	  echo "GOOS=$$system: go build and go vet"; \
	  GOOS=$$system go build ./...; \
	  GOOS=$$system go vet ./...; \
	done

.PHONY: check-api
check-api: tools
	.tools/bin/buf lint
	.tools/bin/buf format --diff --exit-code
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	.tools/bin/buf generate --output "$$fresh"; \
	for file in $$(cd "$$fresh" && find . -type f); do \
	  diff -u "$$file" "$$fresh/$$file" || { echo "$$file is not what the protos say: run make generate"; exit 1; }; \
	done

.PHONY: test-go
test-go: build venv interop-env
	go test -race -tags interop ./...

.PHONY: check-python
check-python: venv
	cd clients/python && ../../.venv/bin/ruff check . && ../../.venv/bin/ruff format --check . && ../../.venv/bin/mypy
	.venv/bin/ruff check --config clients/python/pyproject.toml bench examples
	.venv/bin/ruff format --check --config clients/python/pyproject.toml bench examples

.PHONY: test-python
test-python: venv build interop-env
	cd clients/python && ../../.venv/bin/pytest

.PHONY: lint
lint: check-go .tools/bin/golangci-lint scan ## lint beyond go vet, and look for known vulnerabilities
	.tools/bin/golangci-lint run ./...

# A finding fails; a database, or a scanner, that cannot be reached does not: it says nothing about the code.
.PHONY: scan
scan: ## look for known vulnerabilities in what is compiled in, where their database can be reached
	@[ -x .tools/bin/govulncheck ] || GOBIN=$(CURDIR)/.tools/bin go install $(GOVULNCHECK) || \
	  { echo "NOT SCANNED for vulnerabilities: the scanner could not be installed"; exit 0; }; \
	if found=$$(.tools/bin/govulncheck ./... 2>&1); then echo "$$found"; \
	elif grep 'fetching vulnerabilities' <<<"$$found"; then \
	  echo "NOT SCANNED for vulnerabilities: the database cannot be reached; GOVULNDB may name another one"; \
	else echo "$$found"; exit 1; fi

.PHONY: test-full
test-full: FUZZTIME = 20000x
test-full: fuzz test-again test-scale test-packaging test-scene test-bench ## run what takes long, large numbers, or a display

# A number of inputs, and not a time: at a time's end Go 1.26 now and then fails with "context deadline exceeded"
# (go.dev/issue/75804).
.PHONY: fuzz
fuzz: ## fuzz each target with FUZZTIME (300000x) inputs
	@for package in $$(grep -rl --include='*_test.go' '^func Fuzz' $(GO_DIRS) | xargs -n1 dirname | sort -u); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$package/*_test.go); do \
	    echo "fuzzing $$target in $$package"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s ./$$package; \
	  done; \
	done

.PHONY: test-again
test-again: build interop-env
	go test -race -tags interop -count=3 ./core/session/... ./core/endpoint/... ./sidecar/eventlog/...

.PHONY: test-scale
test-scale:
	go test -tags full -timeout 20m ./...

.PHONY: soak
soak: ## break things at random for SOAKTIME (10m), and check that nothing is lost
	FAULTS_TIME=$(SOAKTIME) go test -race -timeout 0 -count=1 -v -run TestFaults ./cmd/pengbridge/faults

.PHONY: test-packaging
test-packaging: wheels
	cd clients/python && ../../.venv/bin/pytest -m full tests/packaging

.PHONY: test-scene
test-scene: .scene/.stamp build
	cd examples/scene && ../../.scene/bin/python -m pytest tests

.PHONY: test-bench
test-bench:
	$(MAKE) bench QUICK=1 SCENARIOS='latency|bytes: 16'

# QUICK=1 measures less, SCENARIOS=regexp only some; only a whole run replaces the results that are published.
BENCH_OUT := $(if $(QUICK)$(SCENARIOS),bench/partial,bench)

.PHONY: bench
bench: venv build interop-env .plot/.stamp ## measure side by side with the reference (15 minutes; QUICK=1, SCENARIOS=echo)
	go build -o bin/bench ./bench
	bin/bench $(if $(QUICK),--quick) --scenarios '$(SCENARIOS)' --out $(BENCH_OUT)
	.plot/bin/python bench/plot.py $(BENCH_OUT)
	@echo "written: $(BENCH_OUT)/results.json, results.md, results.png"

.PHONY: bench-go
bench-go: ## run the Go benchmarks beside the code, each for BENCHTIME (1s)
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

# ---- what is shown ----

.PHONY: demo
demo: venv build interop-env ## run the demo
	.venv/bin/python examples/demo/demo.py

.PHONY: clean
clean: ## remove what was built, and the environments
	rm -rf bin bench/partial dist .venv .interop .plot .scene .tools
	find . -name __pycache__ -prune -o -name '.*_cache' -prune | xargs rm -rf
