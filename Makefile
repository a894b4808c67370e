# The few entry points; CI calls nothing else. `make help` lists them.

CARGO ?= cargo
# Data beside a checkout (recorded exchanges, the public hub); tests that need it say when it is missing.
export SHARED_DIR ?= $(abspath ../shared)
export HUB_DIR ?= $(SHARED_DIR)/hub
export HUB_DATA_DIR ?= $(SHARED_DIR)/hub-data

.PHONY: help demo test bench gen lint image

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: ## run the story: an attack in a real log becomes a ban that a real bouncer enforces (KEEP=1 leaves it running)
	$(CARGO) run --quiet --package xtask -- demo $(if $(KEEP),--keep)

test: ## set up and run every test that needs no cluster
	$(CARGO) build --package crowdsec
	$(CARGO) test --workspace

bench: ## measure lines per CPU second and memory on generated logs
	$(CARGO) run --quiet --release --package xtask -- bench

gen: ## rewrite generated files (tests fail when they are stale)
	UPDATE=1 $(CARGO) test --quiet --package xtask

lint: ## formatting, clippy and the repository's own rules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	$(CARGO) test --quiet --package xtask tidy

image: ## build the release binary as it ships (link-time optimised, stripped)
	$(CARGO) build --package crowdsec --profile image
