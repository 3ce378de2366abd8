# Everything is installed into .venv by the project's own files; nothing else is needed but Python and Java.
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO ?= demo

# What `make dist` puts into the archive beside the base: embed for jobs/match.py on executors.
EXTRAS ?=

.PHONY: help setup demo test test-all test-cluster dist bench bench-extraction bench-gpu lint format clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/'

setup: $(READY) ## install everything into .venv, pinned by constraints.txt

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 12) or sys.exit(f"Python 3.10 to 3.12 is needed and {sys.executable} is {v[0]}.{v[1]}: run make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[embed,train,report,dev]'
	@touch $@

demo: setup ## the whole road on the embedded crawl: corpus, two training stages, report
	$(BIN)/python jobs/forge.py output=$(DEMO)

test: setup ## the tests (under 20 minutes on 2 cores)
	$(BIN)/python -m pytest -m "not slow"

test-all: setup ## the tests, slow ones too
	$(BIN)/python -m pytest

test-cluster: setup ## a real standalone cluster without the project: every job, stores, faults (under 20 minutes)
	$(BIN)/python -m pytest -m cluster tests/cluster

dist: setup ## the wheel, and an archive with Python and all packages for spark-submit --archives
	$(BIN)/python -m corpus.ship $(if $(EXTRAS),extras=$(EXTRAS))

bench: setup ## measure; prints figures and ratios, asserts nothing
	$(BIN)/python -m tests.benchmarks

bench-extraction: setup ## fidelity of extractors on ../shared/data; options in BENCH_ARGS
	$(BIN)/python -m tests.benchmarks.extraction $(BENCH_ARGS)

bench-gpu: setup ## training on one CUDA device: MFU, tokens/s, memory; settings in BENCH_ARGS
	$(BIN)/python -m tests.benchmarks.gpu $(BENCH_ARGS)

lint: setup ## ruff, format check, strict mypy on corpus and training
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what the targets above have made
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
