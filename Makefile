# One command each; all of them set up what they need, from Python 3.11 and make alone.
.DELETE_ON_ERROR:
.PHONY: help setup demo test check unit e2e exact mutants faults forgeries bench synth bootstrap deploy lock clean

PYTHON ?= python3
STAGE ?= dev
CDK_VERSION := 2.1148.1

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
CDK := .cdk/node_modules/.bin/cdk
LAYER := build/.ready
CDK_READY := .cdk/$(CDK_VERSION)

# Node comes with the virtual environment: jsii and the CDK CLI find it there first.
export PATH := $(BIN):$(PATH)

help:
	@echo "make demo    a simulated shop on this machine, with a report page in out/demo"
	@echo "make test    everything CI does: static checks, tests, the end-to-end test"
	@echo "make check   static checks only        make bench   measure, and write docs/benchmarks.md"
	@echo "make exact   segments against brute force, 100,000 cases (CASES=, SEED=)   make mutants   the tests find planted mistakes"
	@echo "make faults  every fault at every step from trigger to SES, and random walks (WALKS=, SEED=)   make forgeries   a million forged links"
	@echo "make synth   CloudFormation in cdk.out   make bootstrap, make deploy STAGE=prod   into your AWS account"
	@echo "make lock    resolve the locked requirements again        make clean   remove what make made"

setup: $(READY)

# pip installs the locked uv, uv installs the rest: the same bytes everywhere, checked by hash.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Homing needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/^[^ ]/p' requirements-dev.txt | sed -e '1b' -e '/^ /!d' > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements-dev.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps -e .
	@touch $@

$(CDK_READY): $(READY) Makefile
	@mkdir -p .cdk
	@$(BIN)/npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix .cdk aws-cdk@$(CDK_VERSION)
	@touch $@

demo: $(READY)
	@$(BIN)/homing demo --out out/demo

test: check unit e2e

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The wheels of the layer are fetched here, so that the tests need no network.
$(LAYER): $(READY) layers/dependencies/requirements.txt
	@$(BIN)/python -c 'from infra import assets; assets.dependencies_layer()'
	@touch $@

# Tests of one group share what is dear to make, so a group stays on one worker.
unit: $(LAYER)
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not e2e"

e2e: $(CDK_READY)
	@$(BIN)/pytest -m e2e tests/e2e

CASES ?= 100000
SEED ?= 1
exact: $(READY)
	@$(BIN)/python -m tests.unit.segments.exact --cases $(CASES) --seed $(SEED)

mutants: $(READY)
	@$(BIN)/python -m tests.mutants
	@$(BIN)/python -m tests.faults.mutants

WALKS ?= 200
faults: $(READY)
	@$(BIN)/python -m tests.faults --walks $(WALKS) --seed $(SEED)

FORGERIES ?= 1000000
forgeries: $(READY)
	@$(BIN)/python -m tests.faults.forgeries --count $(FORGERIES) --seed $(SEED)

bench: $(READY)
	@$(BIN)/python -m benchmarks

synth: $(CDK_READY)
	@$(CDK) synth --quiet --context stage=$(STAGE) 'Homing-$(STAGE)/*'
	@echo "cdk.out holds the templates of stage $(STAGE)"

bootstrap: $(CDK_READY)
	@$(CDK) bootstrap --context stage=$(STAGE)

deploy: $(CDK_READY)
	@$(CDK) deploy --context stage=$(STAGE) 'Homing-$(STAGE)/*'

lock:
	@test -x $(BIN)/uv || $(MAKE) setup
	@$(BIN)/uv pip compile --quiet --upgrade $(LOCKED) pyproject.toml -o layers/dependencies/requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade $(LOCKED) pyproject.toml --extra dev \
		--constraint layers/dependencies/requirements.txt -o requirements-dev.txt

# No index address may enter the files: they are the same wherever packages come from.
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

clean:
	@rm -rf $(VENV) .cdk build cdk.out out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
