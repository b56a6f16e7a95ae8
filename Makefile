# Two commands, both from a fresh clone: `make demo` and `make test`.
# Python 3.11 or newer; choose one with `make test PYTHON=python3.12`.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
CLIP := $(firstword $(wildcard examples/*.mp4 examples/*.mkv examples/*.webm))

.PHONY: help demo test
help:
	@echo "make demo   shows captions of a clip as it plays, and pictures of what the face path does"
	@echo "make test   lint, types, import contracts and tests"

demo: .venv/runtime.stamp
	@echo "== What the face path sees in $(CLIP), as pictures in inspect/"
	$(BIN)/hearsight inspect $(CLIP) --out inspect
	@echo "== Captions while $(CLIP) plays at its own pace"
	$(BIN)/hearsight transcribe --realtime $(CLIP)

test: .venv/lab.stamp
	@echo "== Lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "== Types"
	$(BIN)/mypy
	@echo "== Which part may import which"
	$(BIN)/lint-imports
	@echo "== Tests"
	$(BIN)/pytest --durations 10

# The stamps keep an installation from being repeated until what it depends on changes.
.venv/runtime.stamp: pyproject.toml constraints.txt
	@echo "== Installing hearsight into .venv (once)"
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	@touch $@

.venv/lab.stamp: pyproject.toml constraints.txt
	@echo "== Installing hearsight with what training and testing need into .venv (once; takes minutes)"
	$(PYTHON) -m venv .venv
	$(INSTALL) ".[lab,serve,dev]"
	@touch .venv/runtime.stamp $@
