# make run: everything on this machine. make test: the whole suite. Both need Python 3.11 or newer and nothing else.
# Variables: ARGS (what pytest is given), PYTHON (which Python), AUDIT=--required (no package may stay unaudited).
BIN := .venv/bin
ARGS ?=
AUDIT ?=
# Tests run in an order of chance with hashes of chance, and print both; the same again:
# make test PYTHONHASHSEED=1 ARGS="--randomly-seed=2"
PYTHONHASHSEED ?= $(shell od -An -N2 -tu2 /dev/urandom | tr -d ' ')
export PYTHONHASHSEED

.PHONY: run test lint

run: .venv/.synced
	@trap : INT; $(BIN)/hexad up || [ $$? -eq 130 ] # Ctrl-C is how it ends well

test: .venv/.synced
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report term:skip-covered $(ARGS)

lint: .venv/.synced
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python .ci/audit.py $(AUDIT)

.venv/.synced: uv.lock pyproject.toml bootstrap
	@./bootstrap
