# Every task of the house; `make` alone lists them. On Windows the README gives the same commands without make.
# A target sets up what it needs by itself: .venv/.runtime and .venv/.dev are stamps, so a second call is quick.

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-sim test-peers test-long test-reference check format bench bench-audit \
	bench-events bench-match bench-orders bench-ready bench-resume bench-service bench-twin postgres postgres-stop requirements clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest -n 2
PEERS := build/peers
UV := build/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements"

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## Set up .venv with everything for working on the code
	@echo "Ready: the command is $(BIN)/ml-connector"

demo: $(VENV)/.runtime ## Watch the whole circle on simulated systems: no account needed
	@$(BIN)/ml-connector demo

# Three at once on two cores: tests wait for sockets and databases a third of their time.
test: $(VENV)/.dev ## Run the tests of every day (all but simulation, release tier, peers and reference)
	$(BIN)/python -m pytest -n 3 -m "not sim and not long and not reference and not peers" $(ARGS)

test-sim: $(VENV)/.dev ## Run the simulation: a crash at every point of every story
	PYTHONHASHSEED=0 $(PYTEST) -m sim $(ARGS)

test-peers: $(PEERS)/.ready ## Run other people's clients against the twins
	$(PEERS)/bin/python -m pytest -m peers tests/peers $(ARGS)

# 5 is pytest's word for "no such test": a tier without tests of its own beside the peers has not failed.
test-long: $(VENV)/.dev test-peers ## Run the release tier: hours, not minutes
	PYTHONHASHSEED=0 $(PYTEST) -m long $(ARGS) || [ $$? -eq 5 ]

test-reference: $(VENV)/.dev ## Compare the twins with the reference files in MLC_REFERENCE_DIR
	$(PYTEST) -m reference tests/reference $(ARGS)

check: $(VENV)/.dev ## Lint, formatting, types, layers and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

format: $(VENV)/.dev ## Put the code into the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure the circle: rate, calls, memory, beside the floor
	@$(BIN)/python -m benchmarks.circle $(ARGS)

bench-orders: $(VENV)/.dev ## Measure won deals into orders: one, then a bulk of 1,000, beside the floor
	@$(BIN)/python -m benchmarks.orders $(ARGS)

bench-audit: $(VENV)/.dev ## Measure what the audit costs: first loads with it and without
	@$(BIN)/python -m benchmarks.audit $(ARGS)

bench-events: $(VENV)/.dev ## Measure the door for events: 300 webhooks a second for a minute
	@$(BIN)/python -m benchmarks.events $(ARGS)

bench-resume: $(VENV)/.dev ## Kill syncs at random moments: what is read and sent again
	@$(BIN)/python -m benchmarks.resume $(ARGS)

bench-service: $(VENV)/.dev ## Measure the service: won deal to order and customer to HubSpot, by event and by polls; idling
	@$(BIN)/python -m benchmarks.service $(ARGS)

bench-twin: $(VENV)/.dev ## Measure the twins: upserts, listed rows and reads by key a second
	@$(BIN)/python -m benchmarks.twin $(ARGS)

bench-match: $(VENV)/.dev ## Measure the matching of 50,000 customers with 50,000 companies: quality, seconds, memory
	@$(BIN)/python benchmarks/matching.py $(ARGS)

bench-ready: $(VENV)/.dev ## Measure readiness on 500 open deals: what it names of that which placement refuses
	@$(BIN)/python -m benchmarks.readiness $(ARGS)

postgres: $(VENV)/.dev ## Start a PostgreSQL of our own in .pg and print its MLC_DATABASE_URL
	@$(BIN)/python tests/postgres.py start .pg

postgres-stop: $(VENV)/.dev ## Stop the PostgreSQL that `make postgres` started
	@$(BIN)/python tests/postgres.py stop .pg

requirements: $(UV) ## Write requirements/ anew from pyproject.toml: newest versions, hashed
	$(COMPILE) --upgrade pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) --upgrade pyproject.toml --extra dev --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt
	echo "hatchling" | $(COMPILE) --upgrade - --constraint requirements/dev.txt \
		--output-file requirements/build.txt
	$(COMPILE) --upgrade pyproject.toml tests/peers/requirements.in --constraint requirements/dev.txt \
		--output-file tests/peers/requirements.txt

clean: ## Remove everything that was set up or built here
	@if [ -d .pg ] && [ -e $(VENV)/.dev ]; then $(BIN)/python tests/postgres.py stop .pg; fi
	rm -rf $(VENV) .pg build dist bench-results .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python of 3.11 or later that can make a virtual environment; `make PYTHON=...` overrules the search.
$(BIN)/python:
	@for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
		if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Setting up $(VENV) with $$("$$name" --version); the first time takes a minute or two."; \
			exec "$$name" -m venv $(VENV); \
		fi; \
	done; \
	echo "ml-connector needs Python 3.11 or later with its venv module; none was found." >&2; \
	echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

# --no-build-isolation: the project itself is installed without the network, by the pinned build backend.
$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@$(PIP) install --quiet --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

# Other people's clients stay out of .venv: what they bring along is none of ours.
$(PEERS)/.ready: tests/peers/requirements.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --require-hashes -r tests/peers/requirements.txt
	@$(PEERS)/bin/python -m pip install --quiet --require-hashes -r requirements/build.txt
	@$(PEERS)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(UV):
	@python3 -m venv build/uv
	@build/uv/bin/python -m pip install --quiet uv
