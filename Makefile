# From a bare clone to a running demo or a tested tree. Needs Python 3.10 or later with venv and pip, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test wheel lint clean

demo: $(STAMP)
	$(BIN)/tersely demo

test: $(STAMP)
	$(BIN)/tersely models fetch
	$(BIN)/python -m pytest

wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy compressor/tersely eval/tersely_eval

clean:
	rm -rf $(VENV) dist

# torch first and alone: a plain `torch` asked for by another package would bring gigabytes of CUDA along.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(STAMP)
