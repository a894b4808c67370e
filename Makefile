# The few entry points; CI calls nothing else. `make help` lists them.

CARGO ?= cargo
# Always the whole workspace: a part of it alone would resolve other features and build its dependencies again.
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Data beside a checkout (recorded exchanges, the public hub); tests that need it say when it is missing.
export SHARED_DIR ?= $(abspath ../shared)
export HUB_DIR ?= $(SHARED_DIR)/hub
export HUB_DATA_DIR ?= $(SHARED_DIR)/hub-data

.PHONY: help demo test bench gen lint image

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: ## run the story: an attack in a real log becomes a ban that a real bouncer enforces (KEEP=1 leaves it running, LOOPBACK=1 needs no root)
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask demo $(if $(LOOPBACK),--loopback) $(if $(KEEP),--keep)

test: ## set up and run every test that needs no cluster
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/xtask setup
	$(CARGO) test --workspace

bench: ## measure lines per CPU second and memory on generated logs
	$(CARGO) build --release --workspace --bins
	$(TARGET)/release/xtask bench

gen: ## rewrite recorded lists and generated files (tests fail when they are stale; the lists need HUB_DIR)
	UPDATE=1 $(CARGO) test --quiet --workspace -- hub_tests_that_passed_once_still_pass files_are_fresh

lint: ## formatting and clippy (the repository's own rules are tests)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings

image: ## build the release binary as it ships (link-time optimised, stripped)
	$(CARGO) build --package crowdsec --profile image
