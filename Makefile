# Every target works on a fresh clone: it makes .venv first if it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What stays together is in tests/side_by_side.py.
SIDE_BY_SIDE := --numprocesses=5 --no-loadscope-reorder -p no:nbval

# Some machines forbid it (as images of Docker do); then each of hundreds of processes compiles all
# that it imports, and each of pytest's rewrites all asserts.
unexport PYTHONDONTWRITEBYTECODE

# Prefect keeps its database here, apart from the one in your home folder.
export PREFECT_HOME := $(CURDIR)/.prefect
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120

.PHONY: help install demo chat test test-fast test-functional test-e2e test-all test-long contract test-wheel matrix newest coverage lint notebooks docs build bench clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(STAMP) ## Make .venv with the tested set of packages

$(STAMP): pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a few minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Invite 250 synthetic customers, let simulated people answer at a local Amazon Connect, and show what came of it
	@$(BIN)/python -m flows.demo

chat: $(STAMP) ## Be a customer yourself: prints a link to a chat on this machine, and your answers as a table
	@$(BIN)/python -m connect_tasks.command_line chat

# The slow tests wait most of the time: for chats, leases, servers. Five at a time fit on two cores.
test: $(STAMP) lint ## Everything that CI checks
	$(MAKE) --no-print-directory --jobs=2 test-all notebooks

DOCTESTS := --doctest-modules --ignore=connect_tasks/emulator/__main__.py connect_tasks
test-all: $(STAMP)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not long' tests
	$(BIN)/python -m pytest -p no:nbval $(DOCTESTS)

# Each test that `make test` has on one database, on the other; Prefect at length; pages in a browser;
# and each rule on cases that nobody tried before.
test-long: $(STAMP) ## What `make test` leaves out: the other database, Prefect at length, browsers, new cases
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --numprocesses=2 -m long tests
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --hypothesis-profile=search tests/unit

# Whether each rule holds at all; `make test` tries whole spaces of cases.
test-fast: $(STAMP) ## The unit tests but for the thorough ones, and few examples each
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --numprocesses=2 --hypothesis-profile=few -m 'not thorough' tests/unit

# Of the unit tests alone: they are quick, and what they no longer reach somebody has taken out of them.
coverage: $(STAMP) ## Branches that the unit tests reach; fewer than now is an error
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --hypothesis-profile=few -m 'not thorough' -q --cov --cov-report=term:skip-covered tests/unit

test-functional: $(STAMP) ## Modules together, at the local Amazon Connect
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/functional tests/contract

test-e2e: $(STAMP) ## Processes that are killed, servers that go away, the README
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/e2e

# With what others make: a browser, Prefect's UI, Amazon's own ChatJS. Without Chromium (Debian:
# `apt-get install chromium`) they say that they were left out.
contract: $(STAMP) ## What people and other programs see of it, among it Prefect's form in a browser
	$(BIN)/python -m pytest -p no:nbval -ra tests/contract

lint: $(STAMP) ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

notebooks: $(STAMP) ## Run the notebooks and compare their outputs
	$(BIN)/python -m pytest notebooks connect_tasks/command_line/project -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=300 --timeout=300 --nbval-sanitize-with notebooks/sanitize.cfg

# Without the note that mkdocs-material ends in 2027: mkdocs.yml says what then.
docs: $(VENV)/.docs-installed ## Build the site of the documents and the reference; warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html; for its search, run: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site"

$(VENV)/.docs-installed: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

build: $(STAMP) ## Make the sdist and the wheel in dist/
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist .

# In a folder of its own, with nothing of the checkout but its tests: what is not in the wheel is missing.
MAIN_JOB := tests/functional/test_campaign.py tests/functional/test_flow.py tests/functional/test_manage_flows.py
test-wheel: build ## Install the wheel away from the sources, and run the main job, the README and the documents with it
	@room=$$(mktemp -d) && trap 'rm -rf "$$room"' EXIT && \
	$(PYTHON) -m venv "$$room/venv" && \
	"$$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$$(ls dist/*.whl)[test]" && \
	cp -R tests docs data README.md CONTRIBUTING.md Makefile pyproject.toml "$$room" && cd "$$room" && \
	venv/bin/python -c 'import connect_tasks, importlib.util as u; assert "site-packages" in connect_tasks.__file__ and not u.find_spec("flows")' && \
	venv/bin/python -m pytest $(SIDE_BY_SIDE) $(MAIN_JOB) tests/functional/test_documents_examples.py tests/e2e/test_readme.py tests/e2e/test_empty_folder.py

# Each Python that pyproject.toml promises and that this machine has.
matrix: ## Run the unit tests and the main job on each supported Python that is there
	@for version in $$(sed -n 's/.*Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml); do \
		if ! command -v "python$$version" >/dev/null || ! "python$$version" -c '' 2>/dev/null; then echo "Python $$version is not here"; continue; fi; \
		echo "Python $$version" && \
		"python$$version" -m venv ".matrix/$$version" && \
		".matrix/$$version/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]' && \
		".matrix/$$version/bin/python" -m pytest $(SIDE_BY_SIDE) -p no:cacheprovider tests/unit $(MAIN_JOB) || exit 1; \
	done

# NEWEST="tests/unit tests/functional/test_flow.py" for less; its own .newest, made anew each time.
NEWEST ?= tests
newest: ## Run the suite with the newest packages that the bounds allow, without constraints.txt
	@rm -rf .newest && $(PYTHON) -m venv .newest && echo "Installing into .newest; it takes some minutes."
	@# The pip of older Pythons looks for minutes for what today's finds in seconds.
	@.newest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@.newest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@.newest/bin/python -m pip freeze --exclude-editable | grep == | LC_ALL=C sort --ignore-case >.newest/constraints.txt
	@grep == constraints.txt | diff - .newest/constraints.txt | grep '^[<>]' || echo "They are those of constraints.txt."
	.newest/bin/python -m pytest $(SIDE_BY_SIDE) -p no:cacheprovider -m 'not long' $(NEWEST)

bench: $(STAMP) ## Measure everything, about 15 minutes; BENCH="a e" or BENCH=--quick for less
	@$(BIN)/python -m tests.bench $(BENCH)

clean: ## Remove what the targets made
	rm -rf $(VENV) .matrix .newest dist .prefect .connect_tasks out site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
