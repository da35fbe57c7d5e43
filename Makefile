# make run: everything on this machine. make test: the whole suite. Both need Python 3.11 or newer and nothing else.
# Variables: ARGS (what pytest is given), PYTHON (which Python), AUDIT=--required (no package may stay unaudited).
BIN := .venv/bin
ARGS ?=
AUDIT ?=
# Tests run in an order of chance with hashes of chance, and print both; the same again:
# make test PYTHONHASHSEED=1 ARGS="--randomly-seed=2"
PYTHONHASHSEED ?= $(shell od -An -N2 -tu2 /dev/urandom | tr -d ' ')
export PYTHONHASHSEED

.PHONY: help run test lint check fmt

help: ## What can be done here
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

run: .venv/.synced ## Everything on this machine, in one terminal
	@trap : INT; $(BIN)/hexad up || [ $$? -eq 130 ] # Ctrl-C is how it ends well

test: .venv/.synced ## The whole suite
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report term:skip-covered $(ARGS)

lint: check ## All linters, types, imports, and the audit of packages
	$(BIN)/hadolint Dockerfile
	$(BIN)/python .ci/audit.py $(AUDIT)

check: .venv/.synced ## Style, types and imports: the quick half of lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/.synced ## Formats, and mends what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.venv/.synced: uv.lock pyproject.toml bootstrap
	@./bootstrap
