# `make run` and `make test` are the two commands of the README; everything else is for contributors.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test lint format lock bench clean

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

run: $(VENV)/.runtime ## Run the whole product in the foreground (Ctrl-C ends it)
	@exec $(BIN)/retakes up

test: $(VENV)/.dev ## Run the whole test suite
	$(BIN)/pytest --numprocesses=2 --dist=loadscope $(PYTEST_ARGS)

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
lock: $(VENV)/.dev ## Compile the hash-checked locks anew from pyproject.toml
	$(LOCK) --group build pyproject.toml -o requirements/runtime.txt
	$(LOCK) --group build --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove the virtual environment (the data folder stays)
	rm -rf $(VENV)
