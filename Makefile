# make run   the sample, on this machine, with nothing but Python
# make test  all checks and tests; installs what they need
SHELL := /bin/bash
PYTHON ?= $(shell deploy/find-python.sh)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check unit e2e mutants bench format lock clean

run: .venv/run
	@$(BIN)/lockgate runtimes install >/dev/null || echo "Functions run without boto3."
	@exec $(BIN)/lockgate dev

test:
	@$(MAKE) --no-print-directory --output-sync=target -j3 prepared
	$(BIN)/python tests/run.py -n 2 --dist loadscope
	$(MAKE) --no-print-directory mutants

# What tests need, side by side: most of it waits for downloads, or uses one processor.
.PHONY: prepared
prepared: .venv/test .venv/node check engine

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/test
	$(BIN)/python -m pytest -q tests/unit

e2e: .venv/test
	$(BIN)/python -m pytest -q tests/e2e

mutants: .venv/test
	$(BIN)/python tests/mutants/run.py

bench: .venv/test
	$(BIN)/python benchmarks/run.py

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: system
system:
	@deploy/test-system.sh

# A Docker engine and the offline base images; both are kept for the next run.
.PHONY: engine
engine: system
	@deploy/test-engine.sh

.venv/run: requirements/run.txt requirements/build.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/test: .venv/run requirements/test.txt
	$(BIN)/pip install --quiet --require-hashes -r requirements/test.txt
	@touch $@

# Peers by others that tests talk to; without npm those tests are skipped.
.venv/node: tests/node/package.json tests/node/package-lock.json | .venv/run system
	@if command -v npm >/dev/null; then cd tests/node && npm ci --silent --ignore-scripts && \
	  { MAKEFLAGS=-j2 npm rebuild --silent aws-lambda-ric >../../.venv/node.log 2>&1 || \
	    echo "aws-lambda-ric cannot be built here (.venv/node.log), so tests with it are skipped"; } && touch ../../$@; \
	else echo "npm is not installed, so tests with oidc-provider are skipped"; fi

# Locks carry hashes and no address. npm's: npm install --omit-lockfile-registry-resolved --package-lock-only
COMPILE := pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links
lock:
	python3 -m venv .venv/lock && .venv/lock/bin/pip install --quiet pip-tools
	cd requirements && PATH=$(CURDIR)/.venv/lock/bin:$$PATH && \
	  $(COMPILE) -o run.txt ../pyproject.toml && $(COMPILE) -o build.txt build.in && $(COMPILE) -o test.txt test.in

clean:
	rm -rf .venv tests/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
