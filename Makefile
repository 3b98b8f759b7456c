# StatFlow's commands. `make` alone says what there is.
#
# A bare machine needs git, make and Python 3.11 or newer with venv; the rest goes into .venv.

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CODE := $(wildcard engine storage api clients tests bench)
PAGE := api/static/index.html
WEB := $(shell find api/web -type f -not -path '*/node_modules/*' -not -name '*.test.ts')

# One more than the two cores that the limits are meant for: many tests wait for a real clock.
WORKERS := 3

# The tests of the folders whose coverage is measured; measuring the others too takes twice as long.
MEASURED := tests/engine tests/storage tests/simulation tests/faults

# What flake8-async knows and ruff does not. ASYNC124 is left out: a port is async although one of
# its stores never waits.
ASYNC_RULES := 101,102,103,104,106,111,112,113,118,120,121,122,123,125,126,128,211,231,232,300,400
comma := ,

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help dev run demo web test test-all soak check audit format bench dist lock

help: ## what you can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: $(READY) ## .venv with the program, its tests and tools

run: dev ## start StatFlow with a store of its own
	@$(MAKE) --silent --no-print-directory web & $(BIN)/statflow serve $(ARGS)

demo: dev ## start it with two weeks of a web shop's history and live traffic
	@$(MAKE) --silent --no-print-directory web & $(BIN)/statflow demo $(ARGS)

web: $(PAGE) ## build the pages, with Node 20.19 or newer or a package that carries it

test: dev ## the fast tests, two minutes at most
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not slow and not soak" $(ARGS)

test-all: dev ## every test but the soak, half an hour at most; fails below 95 % branch coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -q -n $(WORKERS) --dist worksteal -m "not slow and not soak" $(MEASURED) $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not slow and not soak" $(addprefix --ignore=,$(MEASURED)) $(ARGS)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "slow and not soak" --timeout 1500 $(ARGS)

soak: dev ## the programmes that run for hours
	@$(BIN)/python -m pytest -m soak --timeout 0 --hypothesis-profile thorough $(ARGS)

check: dev ## format, lint, security and types
	@status=0; \
	$(BIN)/python -m ruff format --check --quiet $(CODE) || { echo "not in format: run make format" >&2; status=1; }; \
	$(BIN)/python -m ruff check --quiet $(CODE) || status=1; \
	git ls-files -co --exclude-standard -- '*.py' | xargs -P 2 -n 150 $(BIN)/python -m flake8_async \
		--enable ASYNC$(subst $(comma),$(comma)ASYNC,$(ASYNC_RULES)) || status=1; \
	$(BIN)/python -m bandit -q -c pyproject.toml -r engine storage api clients 2>/dev/null || status=1; \
	$(BIN)/python -m mypy $(CODE) || status=1; \
	[ ! -d api/web/node_modules ] || npm --prefix api/web run --silent check || status=1; \
	$(MAKE) --no-print-directory audit || status=1; \
	exit $$status

audit: dev ## known flaws of what we depend on, as far as the service that knows them answers
	@found=$$($(BIN)/python -m pip_audit --disable-pip --require-hashes -r requirements.lock \
		--timeout 10 --progress-spinner off 2>&1); status=$$?; \
	unknown=$$(echo "$$found" | grep -c "could not be audited"); \
	if echo "$$found" | grep -qE "^Found [0-9]+ known vulnerabilit"; then echo "$$found"; exit 1; \
	elif [ $$status -ne 0 ]; then \
		echo "pip-audit is skipped: $$(echo "$$found" | tail -n 1)"; \
	elif [ $$unknown -gt 0 ]; then \
		echo "pip-audit is skipped for $$unknown dependencies: its service does not know them"; fi

format: dev ## lay out every file
	@$(BIN)/python -m ruff format --quiet $(CODE)
	@$(BIN)/python -m ruff check --quiet --select I --fix $(CODE)

bench: dev ## every figure that the project promises, measured here
	@$(BIN)/python -m bench $(ARGS)

dist: dev web ## source archives and wheels in dist/, of the client library too
	@$(BIN)/python -m hatchling build
	@cd clients/python && ../../$(BIN)/python -m hatchling build -d ../../dist

# The server notices a new build by itself and serves its API meanwhile.
$(PAGE): $(WEB) | $(READY)
	@api/web/build.sh

lock: $(BIN)/pip ## resolve requirements.lock anew from pyproject.toml
	@$(PIP) install uv
	@$(BIN)/python -m uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

# A moved folder: the first line of .venv/bin/statflow still names the old one.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.lock pyproject.toml | $(BIN)/pip
	@echo "statflow: installing into .venv"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $(READY)

$(BIN)/pip:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "statflow: no $(PYTHON) here; install Python 3.11 or newer, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "statflow: $(PYTHON) is $$("$(PYTHON)" -V 2>&1), needed is 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "statflow: $(PYTHON) comes without venv; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv
