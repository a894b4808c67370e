# The few entry points; CI calls nothing else. `make help` lists them.

CARGO ?= cargo
# Always the whole workspace: a part of it alone would resolve other features and build its dependencies again.
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Data beside a checkout (recorded exchanges, the public hub); tests that need it say when it is missing.
export SHARED_DIR ?= $(abspath ../shared)
export HUB_DIR ?= $(SHARED_DIR)/hub
export HUB_DATA_DIR ?= $(SHARED_DIR)/hub-data

.PHONY: help demo test e2e bench gen lint image

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

MODE ?= cluster
demo: ## run the story: an attack in a real log becomes a ban that a real bouncer enforces (in Kubernetes; KEEP=1 leaves it running, MODE=local: on hosts of namespaces, MODE=loopback: needs no root)
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask demo $(MODE) $(if $(KEEP),--keep)

test: ## set up and run every test that needs no cluster
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask setup
	$(CARGO) test --workspace

e2e: ## run the cases that need Kubernetes, on the cluster in KUBECONFIG or one of our own (CASES="name …" for some, KEEP=1 leaves it up)
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask e2e $(if $(KEEP),--keep) $(CASES)

bench: ## measure the figures of docs/benchmarks.md (PARTS="logs forward-auth operator" for some)
	$(CARGO) build --release --workspace --bins
	$(TARGET)/release/xtask bench $(PARTS)

gen: ## rewrite generated files and recorded lists (tests fail when they are stale; the lists need HUB_DIR, manifests/install.yaml needs Helm)
	UPDATE=1 $(CARGO) test --quiet --workspace -- hub_tests_that_passed_once_still_pass files_are_fresh

# The cases that need a cluster are no tests of the workspace, so no target of the first clippy.
lint: ## formatting and clippy (the repository's own rules are tests)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	$(CARGO) clippy --quiet --workspace --test cluster -- -D warnings

image: ## build the container image as one archive, without a container engine (ARCH=arm64 for the other processor)
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask image $(ARCH)
