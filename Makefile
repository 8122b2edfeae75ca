# What a developer runs. Everything it installs goes into .venv; nothing needs an account or a container engine.

VENV := .venv
PYTHON := $(VENV)/bin/python
# The machine that the tests run on; `sam deploy` has arm64 for its own.
ARCHITECTURE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: test check build test-template test-invoke test-deploy test-conformance clean

test:
	cargo test --workspace

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# The functions as `sam deploy` uploads them, for this machine, in .aws-sam/build.
build: $(VENV)/tools
	sam build --parameter-overrides Architecture=$(ARCHITECTURE)

# The stand-ins that the tests start.
target/debug/fanline: FORCE
	cargo build --package fanline
FORCE:

test-template: $(VENV)/tools $(VENV)/checkov/installed
	sam validate --lint
	$(VENV)/checkov/bin/checkov --skip-download --framework cloudformation --compact --quiet --file template.yaml
	$(PYTHON) -m pytest tests/template

test-invoke: build target/debug/fanline $(VENV)/ministack/installed
	$(PYTHON) -m pytest tests/invoke

test-deploy: build target/debug/fanline $(VENV)/ministack/installed
	$(PYTHON) -m pytest tests/deploy

test-conformance: target/debug/fanline $(VENV)/tools $(VENV)/moto/installed
	$(PYTHON) -m pytest tests/conformance

$(VENV)/tools: ci/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# checkov, MiniStack and moto each pin what the other tools pin differently.
$(VENV)/%/installed: ci/requirements-%.txt | $(VENV)/tools
	python3 -m venv $(VENV)/$*
	$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

clean:
	rm -rf .aws-sam $(VENV)
