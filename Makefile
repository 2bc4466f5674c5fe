# Every target sets up what it needs: a virtual environment in .venv, the pinned packages, nothing else.
# PIP_ARGS goes to pip, DEMO_ARGS to `qa-audit demo`, TEST_ARGS to pytest; VENV and PYTHON choose the environment.

VENV ?= .venv
PIP_ARGS ?=
DEMO_ARGS ?=
TEST_ARGS ?=
WORKERS ?= 3

# The first Python on the machine that will do.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c '$(FITS)' 2>/dev/null && echo $$name && break; done)

BIN = $(VENV)/bin
SOURCES = pyproject.toml constraints.txt
CODE = qa_audit workers tests tools bench
# One pip at a time, where the machine can tell (a second `make` waits for the first).
LOCK := $(if $(shell command -v flock 2>/dev/null),flock $(VENV)/.lock,)

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench screenshots

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Run everything with the bundled calls; Ctrl-C stops all of it
	@exec $(BIN)/qa-audit demo $(DEMO_ARGS)

# The tests of one file share a worker, so that what they share is made once.
# The suite starts hundreds of processes: where Python may not keep compiled files, each would compile everything anew.
test: $(VENV)/.dev ## Run the whole test suite
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

lint: $(VENV)/.dev ## Check style, formatting, types, import contracts and templates
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet

bench: $(VENV)/.dev ## Run every benchmark beside its peer; writes bench/results
	@for file in bench/*.py; do \
		echo "== $$file"; $(BIN)/python $$file || exit 1; done

screenshots: $(VENV)/.dev ## Take the pictures of the pages for the docs (needs Chromium)
	$(BIN)/python tools/screenshots.py

$(VENV)/.made:
	@test -n "$(PYTHON)" || { \
		echo "QA Audit needs Python 3.11, 3.12 or 3.13, and python3 here is none of them."; \
		echo "Install the package python3 (3.11 or newer), or name one: make PYTHON=python3.12 ..."; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: install the package python3-venv." >&2; exit 1; }
	@mkdir -p $(VENV)
	@$(LOCK) sh -c 'test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)'
	@touch $@

$(VENV)/.demo: $(VENV)/.made $(SOURCES)
	@echo "Installing into $(VENV): the first time this takes some minutes (sizes in README.md)."
	@$(LOCK) $(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(SOURCES)
	@echo "Installing into $(VENV), with the tools for tests: the first time this takes some minutes."
	@$(LOCK) $(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[demo,dev]'
	@touch $(VENV)/.demo $@
