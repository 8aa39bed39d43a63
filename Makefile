# Two commands for a newcomer: `make demo` and `make test`. Every target installs what it needs.
PYTHON ?= python3
# Processes that run tests side by side; 0 runs them in one, for a debugger.
JOBS   ?= 2
# Where `make test-pythons` runs the unit tests, beside the Python of .venv.
PYTHONS ?= 3.12 3.13
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The server that tests save results to; it needs more than the tests' own environment has.
MLFLOW := build/mlflow/.ready

# The MCP client that tests call the MCP server with; it needs Node 20.
INSPECTOR := build/mcp-inspector/.ready

# What checks a release; nothing of it is needed to develop.
RELEASE := build/release/tools/.ready

# An interpreter that has the existing SDK, for `make bench`.
export BENCH_OTHER ?= $(CURDIR)/build/existing-sdk/bin/python
# The MCP server in Go, likewise.
export BENCH_MCP ?= $(CURDIR)/build/go-mcp/bin/evalhub-mcp
export NO_MKDOCS_2_WARNING := 1

# `make LOCKED=1 ...` installs the versions of requirements-dev.lock, by their hashes.
INSTALL = --editable '.[dev]'
ifdef LOCKED
INSTALL = --require-hashes --requirement requirements-dev.lock && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .
endif

PARALLEL = -n $(JOBS) --dist worksteal

.PHONY: demo frameworks test test-unit test-pythons check format-check lint mypy pyright layers site docs bench side-by-side intervals notebook soak mlflow-server format clean mcp-inspector pod release-check lock
.DEFAULT_GOAL := test

demo: $(READY)  ## One job on the real service: make demo [MODEL_URL=... MODEL_NAME=...]
	@$(BIN)/python -m examples.demo $(if $(MODEL_URL),--model-url '$(MODEL_URL)') $(if $(MODEL_NAME),--model-name '$(MODEL_NAME)')

frameworks: $(READY)  ## Four real frameworks on the real service: make frameworks [ONLY="lm_eval inspect_ai"] [MODEL=gemma]
	@$(BIN)/python -m examples.adapters $(ONLY) $(if $(MODEL),--model '$(MODEL)')

test: $(READY) $(MLFLOW) $(INSPECTOR) build/existing-sdk-cli/bin/evalhub  ## Every test, subprocesses included in the coverage figure
	@rm -f .coverage .coverage.*
	@status=0; $(BIN)/coverage run -m pytest $(PARALLEL) || status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report --precision=1 || exit 1; \
	exit $$status

test-unit: $(READY)  ## The tests that need no program beside Python
	@$(BIN)/python -m pytest -q tests/unit $(PARALLEL)

test-pythons:  ## The unit tests on the other Pythons, where they are installed
	@status=0; for version in $(PYTHONS); do \
	  .ci/unit-tests-on "$$version" $(PARALLEL) || status=1; \
	done; exit $$status

pod: $(READY)  ## Adapters in pods, as root on Debian; ALL=1 with the images of guidellm and garak
	@$(BIN)/python -m pytest -n 0 -m pod $(if $(ALL),,-k 'not guidellm and not garak') tests/pod

release-check: $(RELEASE)  ## dist/ as it would be published, its bill of materials and licences
	@PYTHON=$(PYTHON) .ci/release-check

lock: $(RELEASE)  ## Newest versions of what development needs, with hashes, into requirements-dev.lock
	@.ci/lock requirements-dev.lock --upgrade

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

bench: $(READY) $(BENCH_OTHER) $(BENCH_MCP)  ## What starting, pushing and asking cost, beside the existing SDK
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/oci.py
	@$(BIN)/python benchmarks/client.py
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python benchmarks/analysis.py
	@$(BIN)/python benchmarks/samples.py
	@$(BIN)/python benchmarks/cli.py
	@$(BIN)/python benchmarks/mcp.py

side-by-side: $(READY) build/existing-sdk-cli/bin/evalhub  ## The command lines of 1.0, by 1.0.6 and by this package
	@PYTHONPATH=. $(BIN)/python tests/support/side_by_side.py

intervals: $(READY)  ## How often intervals hold the truth and gates are wrong: a few minutes
	@$(BIN)/python benchmarks/coverage.py

notebook: build/notebook/bin/jupyter  ## Run the example notebook in a kernel; it stays in build/
	@build/notebook/bin/jupyter execute examples/compare.ipynb --output=$(CURDIR)/build/compare.ipynb

soak: $(READY)  ## A week in an hour: mixed traffic through everything that goes wrong: make soak [FOR=3600]
	@$(BIN)/python -m benchmarks.soak $(if $(FOR),--seconds $(FOR))

mlflow-server: $(MLFLOW)  ## The MLflow server that tests save to, in an environment of its own

$(MLFLOW):
	@echo "Making build/mlflow with an MLflow server, once ..."
	@$(PYTHON) -m venv build/mlflow
	@build/mlflow/bin/python -m pip install --quiet --disable-pip-version-check 'mlflow[auth]>=3.10,<4'
	@touch $@

mcp-inspector: $(INSPECTOR)  ## The MCP client that tests use, in a folder of its own

$(INSPECTOR):
	@echo "Making build/mcp-inspector with the MCP inspector, once ..."
	@npm install --prefix build/mcp-inspector --no-audit --no-fund --loglevel=error \
		'@modelcontextprotocol/inspector@0.15'
	@touch $@

$(RELEASE):
	@echo "Making build/release/tools with what checks a release, once ..."
	@$(PYTHON) -m venv build/release/tools
	@build/release/tools/bin/python -m pip install --quiet --disable-pip-version-check \
		'build>=1.2' check-jsonschema check-wheel-contents 'cyclonedx-bom>=7' pip-licenses \
		'twine>=6' uv zizmor
	@touch $@

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) site build dist htmlcov evalhub-artifacts evalhub-report.html .coverage .coverage.*
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Output of a tool that talks when all is well is shown only when something is not.
quietly = output=$$($(1) 2>&1) || { printf '%s\n' "$$output"; exit 1; }

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
	@echo 'Making $(VENV) with everything the targets need, once; this takes about a minute ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(INSTALL)
	@touch $@

build/notebook/bin/jupyter:
	@$(PYTHON) -m venv build/notebook
	@build/notebook/bin/python -m pip install --quiet --disable-pip-version-check \
		--editable '.[report,server,testing]' ipykernel nbclient pandas

build/existing-sdk-cli/bin/evalhub:
	@$(PYTHON) -m venv build/existing-sdk-cli
	@build/existing-sdk-cli/bin/python -m pip install -qq --disable-pip-version-check 'eval-hub-sdk[cli,client]==1.0.6'

$(CURDIR)/build/existing-sdk/bin/python:
	@$(PYTHON) -m venv build/existing-sdk
	@$@ -m pip install -qq --disable-pip-version-check 'eval-hub-sdk[adapter,client]==1.0.6'

$(CURDIR)/build/go-mcp/bin/evalhub-mcp:
	@$(PYTHON) -m venv build/go-mcp
	@build/go-mcp/bin/python -m pip install -qq --disable-pip-version-check eval-hub-mcp
