# `make run` and `make test` are the two commands of the README; everything else is for contributors.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run demo test chaos fuzz histories lint format lock bench clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Retakes needs Python 3.11 or later; say which with make PYTHON=python3.12 run" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# --no-deps beside --require-hashes: the lock is complete, so nothing that is not in it can come in.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes --no-deps -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

# What the page's scripts are copied from: packages of npm, pinned by their hashes in package-lock.json. A machine without npm
# gets one into the virtual environment. --include=dev: what the browser tests bring along.
SCRIPTS := api/web/static/vendor/htmx.js
NPM = npm_config_cache=$(CURDIR)/$(VENV)/npm PATH="$(CURDIR)/$(BIN):$$PATH" npm --silent
INSTALL_SCRIPTS = { command -v npm >/dev/null || $(PIP) install --require-hashes --no-deps -r requirements/npm.txt; } \
	&& $(NPM) ci --omit=dev $(1) \
	&& deploy/bundle-scripts.sh

# Without its scripts the page is plainer and reloads by itself; that is no reason not to run.
$(SCRIPTS): package-lock.json requirements/npm.txt deploy/bundle-scripts.sh | $(VENV)/bin/python
	@{ $(call INSTALL_SCRIPTS,); } \
	|| echo "make: the page's scripts could not be fetched; the page works without them, and the next make run tries again" >&2

node_modules/axe-core/axe.min.js: package-lock.json requirements/npm.txt deploy/bundle-scripts.sh | $(VENV)/bin/python
	@$(call INSTALL_SCRIPTS,--include=dev)

run: $(VENV)/.runtime $(SCRIPTS) ## Run the whole product in the foreground (Ctrl-C ends it)
	@exec $(BIN)/retakes up

demo: $(VENV)/.runtime $(SCRIPTS) ## A tour of a minute, with faults switched on
	@exec $(BIN)/retakes up --demo

test: $(VENV)/.dev node_modules/axe-core/axe.min.js ## Run the whole test suite
	$(BIN)/pytest --numprocesses=2 --dist=loadscope $(PYTEST_ARGS)

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	$(PIP) install --require-hashes --no-deps -r requirements/fuzz.txt
	@touch $@

# Each seed sends other requests, bytes and texts; the seed is printed, and the same one attacks in the same way.
SEED ?= $(shell date +%s)
fuzz: $(VENV)/.fuzz ## Attack the API, the parsers and the providers' answers for long (SEED=n)
	@echo "seed $(SEED)"
	RETAKES_FUZZ=long RETAKES_FUZZ_SEED=$(SEED) $(BIN)/pytest --hypothesis-seed=$(SEED) -s tests/fuzz $(PYTEST_ARGS)

# Whatever a version has begun, every later one goes on with: tests/replay replays what lies there.
VERSION ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)-$(shell git rev-parse --short HEAD)
histories: $(VENV)/.dev ## Record the histories of this version, to be committed whenever one lands
	$(BIN)/python -m tests.replay.record --release $(VERSION)
chaos: $(VENV)/.dev ## Attack the whole product for an hour or two, with the records on SQLite and on PostgreSQL
	$(BIN)/python -m tests.chaos --records both $(CHAOS_ARGS)

lint: $(VENV)/.dev ## Check style, types and import rules, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Registry hosts stay out of the locks: --no-emit-index-url, and no annotation of where a thing came from.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(VENV)/.dev ## Compile the hash-checked locks anew from pyproject.toml and package.json
	$(LOCK) --group build pyproject.toml -o requirements/runtime.txt
	$(LOCK) --group npm -o requirements/npm.txt
	$(LOCK) --group build --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	$(NPM) install --package-lock-only
	$(LOCK) --group fuzz -c requirements/dev.txt -o requirements/fuzz.txt

clean: ## Remove the virtual environment (the data folder stays)
	rm -rf $(VENV)
