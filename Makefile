# Two commands do everything on a machine that has python3, pip, venv, make and git.
#   make demo    install, then run the demo product end to end (ONCE=1: leave nothing running)
#   make test    install, then the whole suite, lint and types

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is imported is compiled once and kept, whatever the environment says: demo and tests start many processes.
export PYTHONDONTWRITEBYTECODE :=
SOURCES := pyproject.toml requirements.lock hatch_build.py web/package-lock.json $(wildcard web/src/*)

.PHONY: demo test lint types lock debian clean help

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/ok
	@$(BIN)/launchworthy demo $(if $(ONCE),--once,); code=$$?; \
	  case $$code in \
	    0) echo "make: the verdict is that the stage may be entered (exit code 0)";; \
	    1) echo "make: the verdict is hold: a needed claim is unmet (exit code 1)";; \
	    2) echo "make: the verdict is hold: a needed claim is unproven (exit code 2)";; \
	    130) ;; \
	    *) exit $$code;; \
	  esac

test: $(VENV)/ok-dev debian lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/ok-dev
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench

types: $(VENV)/ok-dev
	$(BIN)/mypy -n 2

# Browser tests need Debian's Chromium. Where it cannot be installed they are skipped, loudly.
debian:
	@sh tests/debian/install.sh

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(VENV)/ok: $(BIN)/uv $(SOURCES)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/ok-dev: $(BIN)/uv $(SOURCES) requirements-dev.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements-dev.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(VENV)/ok $@

# Renew the hash-pinned lock files from pyproject.toml.
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
