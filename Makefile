# `make demo` runs the demo, `make test` tests it. `make help` lists the other targets.

# The virtual environment. A container that mounts this folder from its host uses another one.
VENV ?= .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

# The first Python on this machine that is new enough; `make demo PYTHON=/path/to/python3` chooses another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --only-binary :all: --require-hashes
# Stamp files: pip runs again only when the pins change, so the second `make demo` starts in seconds.
RUNTIME := $(VENV)/installed-requirements
DEVELOPMENT := $(VENV)/installed-requirements-dev
DRIVER := $(VENV)/installed-requirements-mysql

# The MariaDB and Redis of `make test-services`, unless the environment names others.
SERVICES = DATABASE_URL="$${DATABASE_URL:-mysql://root@127.0.0.1:3306}" REDIS_URL="$${REDIS_URL:-redis://127.0.0.1:6379}"

.DEFAULT_GOAL := help
.PHONY: help demo test test-services conformance mutation bench lint format reset requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUNTIME) ## Install, migrate, seed an empty database, serve on port 8000 (or on BASE_DOMAIN=localhost:8123)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seed
	@exec $(MANAGE) runserver

test: $(DEVELOPMENT) ## Run all tests; those with a browser or Node if found (REQUIRE_BROWSER=1, REQUIRE_NODE=1: or fail)
	@$(BIN)/python -m tests.support.chromium
	@$(BIN)/python -m tests.support.node
	$(BIN)/python -m pytest --numprocesses 2 $(PYTEST_ARGS)

test-services: $(DEVELOPMENT) $(DRIVER) ## Run all tests on MariaDB and Redis (DATABASE_URL, REDIS_URL), and the tests behind a proxy
	@$(SERVICES) $(BIN)/python -m tests.support.services
	@$(BIN)/python -m tests.support.chromium
	@$(BIN)/python -m tests.support.node
	$(SERVICES) $(BIN)/python -m pytest --numprocesses 2 -m "" $(PYTEST_ARGS)

conformance: $(DEVELOPMENT) ## Run the tests and write docs/conformance.md: the tests that prove each clause
	$(BIN)/python -m pytest --numprocesses 2 -p tests.conformance.plugin \
		--conformance docs/conformance.md $(PYTEST_ARGS)

mutation: $(DEVELOPMENT) ## Weaken each check of both token endpoints and expect a test to fail (takes long)
	$(BIN)/python -m tests.mutation.run --write $(MUTATION_ARGS)

bench: $(RUNTIME) $(if $(findstring sqlite,$(BENCH_ARGS)),,$(DRIVER)) ## Measure the cost of requests, 15 minutes (BENCH_ARGS=--help)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: $(DEVELOPMENT) ## Check style, types, imports, templates, migrations and settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint .
	$(BIN)/djlint --check .
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check

format: $(DEVELOPMENT) ## Format code and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --reformat . || true

reset: $(RUNTIME) ## Empty the database and seed it again
	@$(MANAGE) resetdb

requirements: $(DEVELOPMENT) ## Pin the requirements of the .in files (newer versions with UPGRADE=1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@for name in requirements requirements-dev requirements-mysql; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
			--no-emit-find-links $(if $(UPGRADE),--upgrade) $$name.in --output-file $$name.txt || exit 1; \
		{ sed -n '/^#/!q;p' $$name.in; echo '# Pinned by `make requirements`.'; echo; cat $$name.txt; } > $$name.new || exit 1; \
		mv $$name.new $$name.txt; \
	done

clean: ## Remove the virtual environment and all caches; the database in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache test-results tests/strangers/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "This needs Python 3.11 or newer; found $$(python3 --version 2>/dev/null || echo none)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot create virtual environments. Install the module first (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing requirements-dev.txt"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(DRIVER): requirements-mysql.txt | $(BIN)/python
	@echo "Building requirements-mysql.txt"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-mysql.txt || { \
		echo "MariaDB's driver is built from source. Install a C compiler, pkg-config, and the headers of Python and of"; \
		echo "MariaDB's client (Debian, Ubuntu: apt install build-essential pkg-config python3-dev default-libmysqlclient-dev)."; \
		exit 1; }
	@touch $@
