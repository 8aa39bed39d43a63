# Two commands for a newcomer: `make demo` and `make test`. Every target makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# An interpreter that has the existing SDK, for `make bench`.
export BENCH_OTHER ?= $(CURDIR)/build/existing-sdk/bin/python
export NO_MKDOCS_2_WARNING := 1

.PHONY: demo frameworks test check format-check lint mypy pyright layers site docs bench soak format clean
.DEFAULT_GOAL := test

demo: $(READY)  ## One job on the real service: make demo [MODEL_URL=... MODEL_NAME=...]
	@$(BIN)/python -m examples.demo $(if $(MODEL_URL),--model-url '$(MODEL_URL)') $(if $(MODEL_NAME),--model-name '$(MODEL_NAME)')

frameworks: $(READY)  ## Four real frameworks on the real service: make frameworks [ONLY=lm_eval] [MODEL=gemma]
	@$(BIN)/python -m examples.adapters $(ONLY) $(if $(MODEL),--model '$(MODEL)')

test: $(READY)  ## Every test, subprocesses included in the coverage figure
	@rm -f .coverage .coverage.*
	@status=0; $(BIN)/coverage run -m pytest || status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report --precision=1 || exit 1; \
	exit $$status

check: format-check lint mypy pyright layers site  ## Every gate; silent where all is well

format-check: $(READY)
	@$(BIN)/ruff format --check --quiet .

lint: $(READY)
	@$(BIN)/ruff check --quiet .

mypy: $(READY)
	@$(BIN)/mypy --no-error-summary

pyright: $(READY)
	@$(call quietly,$(BIN)/pyright)

layers: $(READY)
	@$(call quietly,$(BIN)/lint-imports --no-logo)

site: $(READY)
	@$(call quietly,$(BIN)/mkdocs build --strict --quiet)

docs: $(READY)  ## The documentation at http://127.0.0.1:8000
	@$(BIN)/mkdocs serve

bench: $(READY) $(BENCH_OTHER)  ## What starting, pushing and asking cost, beside the existing SDK
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/oci.py
	@$(BIN)/python benchmarks/client.py

soak: $(READY)  ## Adapters against the real service through a faulty network, for a bounded time
	@$(BIN)/python benchmarks/soak.py

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) site build dist htmlcov evalhub-artifacts .coverage .coverage.*
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Output of a tool that talks when all is well is shown only when something is not.
quietly = output=$$($(1) 2>&1) || { printf '%s\n' "$$output"; exit 1; }

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
	@echo 'Making $(VENV) with all that is needed: once, about half a minute ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(CURDIR)/build/existing-sdk/bin/python:
	@$(PYTHON) -m venv build/existing-sdk
	@$@ -m pip install --quiet --disable-pip-version-check 'eval-hub-sdk[adapter,client]==1.0.6'
