# `make help` explains the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
NPX := npx --no-install

.PHONY: help setup deps judges check types lint format-check dead-code format \
	test test-fast test-net test-boot bench golden demo matrix clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: deps judges ## Install what development needs: npm packages, and judges for the tests

deps:
	@node scripts/ensure-deps.mjs

judges:
	@scripts/ensure-judges.sh

check: types lint format-check dead-code ## Types, lint, import direction, format, dead code

types: deps
	$(NPX) tsc --noEmit

lint: deps
	$(NPX) eslint .

format-check: deps
	$(NPX) prettier --check --log-level warn .

dead-code: deps
	$(NPX) knip

format: deps ## Format all files
	$(NPX) prettier --write --log-level warn .

test: deps judges ## All tests: fast, then with the network, then builds and boots
	@node scripts/run-tests.mjs fast net e2e

test-fast: deps ## Tests that need no network and no root
	@node scripts/run-tests.mjs fast

test-net: deps ## Tests against the real package repositories
	@node scripts/run-tests.mjs net

test-boot: deps judges ## Builds and boots for real
	@node scripts/run-tests.mjs e2e

bench: deps judges ## Measure against the peers; BENCH="--rounds 1 --scale"
	node bench/run.mjs $(BENCH)

golden: deps ## Write the golden files of the tests anew; read their diff before you commit it
	$(NPX) vitest run --project fast --update

demo: deps ## Build examples/cfd and boot it
	bin/vsec build examples/cfd/cfd.yaml -O build
	bin/vsec boot build/cfd_*_amd64 --backend qemu

# What `vsec boot BUNDLE --backend all --json` printed; several files are taken together.
RESULTS ?= $(wildcard build/boot-*.json)

matrix: deps ## Write README.md's table of hypervisors from RESULTS
	node scripts/matrix.mjs README.md $(RESULTS)
	@$(NPX) prettier --write --log-level warn README.md

clean: ## Remove what was built here; the cache stays (vsec cache clean)
	rm -rf dist build
