# Every target works on a fresh clone: it makes .venv first if it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# File by file, since the tests of a file share servers; e2e first, since they take longest.
SIDE_BY_SIDE := --numprocesses=3 --dist=loadfile --no-loadscope-reorder

# Prefect keeps its database here, apart from the one in your home folder.
export PREFECT_HOME := $(CURDIR)/.prefect
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120

.PHONY: help install demo test test-fast test-functional test-e2e test-all lint notebooks bench clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(STAMP) ## Make .venv with the tested set of packages

$(STAMP): pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a few minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Contact 250 synthetic customers at a local Amazon Connect, and show what came of it
	@$(BIN)/python -m flows.demo

# The slow tests wait most of the time: for chats, leases, servers. Three at a time fit on two cores.
test: $(STAMP) lint ## Everything that CI checks
	$(MAKE) --no-print-directory --jobs=2 test-all notebooks

test-all: $(STAMP)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests

test-fast: $(STAMP) ## The unit tests
	$(BIN)/python -m pytest tests/unit

test-functional: $(STAMP) ## Modules together, at the local Amazon Connect
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/functional tests/contract

test-e2e: $(STAMP) ## Processes that are killed, servers that go away, the README
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/e2e

lint: $(STAMP) ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

notebooks: $(STAMP) ## Run the notebooks and compare their outputs
	$(BIN)/python -m pytest notebooks -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=300 --timeout=300 --nbval-sanitize-with notebooks/sanitize.cfg

bench: $(STAMP) ## Measure everything, about 15 minutes; BENCH="a e" or BENCH=--quick for less
	@$(BIN)/python -m tests.bench $(BENCH)

clean: ## Remove what the targets made
	rm -rf $(VENV) .prefect .connect_tasks out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
