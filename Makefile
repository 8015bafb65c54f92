# chainwatch needs Python 3.11 or newer, make, and a network for the first run; nothing else.
# Another Python: make demo PYTHON=/path/to/python3.12     More test workers: make test WORKERS=4

WORKERS ?= 2
BIN = .venv/bin
SETUP = @python="$$(sh tools/find_python.sh)" && "$$python" -I tools/setup.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check lint types layers lock clean

help:  ## list these commands
	@sed -n 's/^\([a-z]*\):.*## *\(.*\)$$/make \1|\2/p' Makefile | awk -F'|' '{printf "%-13s %s\n", $$1, $$2}'

setup:  ## set up .venv for the tests, and nothing else
	$(SETUP) test

demo:  ## set up and run the made-up case: tables, figures and report in out/otter
	$(SETUP) demo
	@$(BIN)/chainwatch demo

test:  ## set up and run all tests
	$(SETUP) test
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: lint types layers  ## lint, types and import layers

lint:  ## style of the code
	$(SETUP) check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:  ## static types, strictly
	$(SETUP) check
	@$(BIN)/mypy
	@$(BIN)/mypy --strict tools/setup.py tools/lock.py

layers:  ## which part may import which
	$(SETUP) check
	@$(BIN)/lint-imports --no-cache

lock:  ## renew the pinned versions from pyproject.toml
	$(SETUP) lock
	@$(BIN)/python tools/lock.py

clean:  ## remove .venv and caches; what is in out/ stays
	rm -rf .venv .live .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
