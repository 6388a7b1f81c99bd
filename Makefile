# From a bare clone to a running demo or a tested tree. Needs Python 3.10 or later with venv and pip, nothing else.
PYTHON ?= python3
VENV ?= .venv
# Windows keeps a virtual environment's programs elsewhere.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := $(VENV)/.installed
# Processes that share the cores slow each other down if each has a thread for every core.
ONE_THREAD := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo check lint types layering test peers table gateways wheel clean

demo: $(STAMP)
	$(BIN)/tersely demo

# All that a change must pass.
check: lint types layering test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

# Who may import whom: docs/architecture.md.
layering: $(STAMP)
	$(BIN)/lint-imports

test: $(STAMP)
	$(BIN)/tersely models fetch
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# What Tersely is measured against: each in an environment of its own, for each needs other versions than Tersely.
peers: $(STAMP)
	$(BIN)/python -m tersely_eval.peers

# LiteLLM, in an environment of its own, with this service as its guardrail. Its version 1.107.0 must not be installed.
gateways: $(STAMP)
	$(PYTHON) -m venv .gateways
	.gateways/$(notdir $(BIN))/python -m pip install --quiet "litellm[proxy]>=1.92,!=1.107.0"
	TERSELY_LITELLM=$(CURDIR)/.gateways $(ONE_THREAD) $(BIN)/python -m pytest tests/server/test_litellm.py

# All data sets of a folder, all methods and rates, in eval/overview/. Hours; stopped, the same command goes on.
DATA ?= data
table: $(STAMP)
	$(BIN)/python -m tersely_eval.overview $(DATA)

wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .peers .gateways dist

# torch first and alone: a plain `torch` asked for by another package would bring gigabytes of CUDA along.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(STAMP)
