# make setup    everything that the others need, on a machine with Python >= 3.11 and Node >= 20
# make demo     shop, server and simulated shoppers; prints the dashboard's link
# make test     all tests, with branch coverage
# make check    style, types, floors, documentation
# make bench    the benchmarks      make torture  the long safety checks
# make types    TypeScript types from the API      make tables   tables in docs/ from the code
# make lock     the lock files anew                make clean

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := setup
.PHONY: setup demo test check bench torture types tables lock clean

VENV := .venv
BIN := $(VENV)/bin
STATIC := src/footfall/web/static
# Lowest share of lines and branches that tests must run.
COVERAGE_MIN ?= 85
# Python processes for the tests. Two leave room for the servers, browsers and clients that tests start.
TEST_PROCESSES ?= 2
# The same hashes in each, because they compare the names of the tests they found.
test: export PYTHONHASHSEED := 0
DIST := -n $(TEST_PROCESSES) --dist loadgroup

# Stamps say what a step was done for; a changed lock or source does it again.
python_stamp := $(VENV)/.stamp-python
frontend_stamp := frontend/node_modules/.stamp
clients_stamp := tests/clients/node_modules/.stamp
static_stamp := $(STATIC)/.stamp
warm_stamp := $(VENV)/.stamp-warm

frontend_sources := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/coverage/*')

kernel_sources := $(wildcard src/footfall/record/*.py src/footfall/events/*.py src/footfall/events/kernels/*.py src/footfall/models/*.py)

setup: $(python_stamp) $(static_stamp) $(clients_stamp) $(warm_stamp)
	scripts/system-packages

$(python_stamp): requirements-dev.lock pyproject.toml scripts/make-venv
	scripts/make-venv $(VENV) requirements-dev.lock
	touch $@

# Compiled kernels are kept beside their sources, so that no start has to wait for the compiler.
$(warm_stamp): $(python_stamp) $(kernel_sources)
	$(BIN)/python -m footfall.hosts.warming
	touch $@

$(frontend_stamp): frontend/package-lock.json $(wildcard frontend/package.json frontend/*/package.json)
	scripts/npm-install frontend
	touch $@

$(static_stamp): $(frontend_stamp) $(frontend_sources)
	cd frontend && npm run build
	touch $@

$(clients_stamp): tests/clients/package-lock.json tests/clients/package.json
	scripts/npm-install tests/clients
	touch $@

# Its data stays in .run/demo, and the next demo goes on from there; ARGS=--fresh begins anew.
demo: $(python_stamp) $(static_stamp) $(warm_stamp)
	mkdir -p .run
	exec $(BIN)/footfall demo --data .run/demo $(ARGS)

# Compiled kernels are invisible to coverage, so the record's tests run once more without the compiler.
test: setup
	$(BIN)/coverage erase
	$(BIN)/pytest $(DIST) -m "not torture" --cov --cov-report= $(ARGS)
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest -m "not torture and not slow" --cov --cov-append --cov-report= -q tests/record
	$(BIN)/coverage report --fail-under=$(COVERAGE_MIN)
	cd frontend && npm test

check: $(python_stamp) $(static_stamp)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/check-tracked
	$(BIN)/pytest -q tests/test_docs.py
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check

bench: $(python_stamp)
	for what in engine http replay tracker; do $(BIN)/footfall bench $$what $(ARGS); done

torture: setup
	$(BIN)/pytest -m torture --timeout=7200 $(ARGS)

types: $(python_stamp) $(frontend_stamp)
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run types

tables: $(python_stamp)
	$(BIN)/python scripts/write_tables.py

# Needs uv. Exact versions stay unless ARGS=--upgrade; no address and no path gets into the files.
lock:
	uv pip compile pyproject.toml $(LOCK_OPTIONS) -o requirements.lock
	uv pip compile pyproject.toml --group dev -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock

LOCK_OPTIONS = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--annotation-style line --custom-compile-command "make lock" $(ARGS)

clean:
	rm -rf $(VENV) frontend/node_modules tests/clients/node_modules $(STATIC) dist build htmlcov test-results
	rm -rf .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .run
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
