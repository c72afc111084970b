.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCANNERS := .venv-tools

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.runtime ## start Plumbline, its copies and the Box sandbox; one Ctrl-C ends all
	@$(BIN)/python -m scripts.run

check: $(VENV)/.dev $(SCANNERS)/.done ## format, lint, types, layers, weaknesses, templates, translations
	@scripts/check.sh

test: $(VENV)/.dev $(SCANNERS)/.done ## everything CI runs, on SQLite and on PostgreSQL with Redis and S3
	@scripts/test.sh

test-fast: $(VENV)/.dev ## the core's tests, on SQLite, in under a minute
	@$(BIN)/pytest -q -n auto -m "not browser and not processes and not slow and not wide"

fuzz: $(VENV)/.dev ## the main job with RUNS more chances to go wrong (default 3000), on SQLite
	@MACHINE_RUNS=$(or $(RUNS),3000) MACHINE_SEED=$${SEED:-$$RANDOM} $(BIN)/pytest -q -n auto tests/machine

soak: $(VENV)/.dev ## 20 people for MINUTES (default 60) while Box stumbles and processes are killed; writes docs/soak.md
	@$(BIN)/python -m benchmarks.soak $(or $(MINUTES),60) --write

gallery: $(VENV)/.dev ## photograph every page of the demo into docs/gallery
	@$(BIN)/python -m scripts.gallery

sure: ## check and test on a clean clone of what is committed
	@scripts/sure.sh

texts: $(VENV)/.dev ## take new sentences into the translations, and say which are missing
	@$(BIN)/python -m scripts.texts

lock: $(VENV)/bin/uv ## make the hashed locks anew from the .in files
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" -c requirements.txt \
		requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements-tools.in -o requirements-tools.txt

vendor: ## fetch the vendored files again as vendor.json says
	@$(PYTHON) scripts/vendor.py fetch

clean: ## remove what was installed and what the demo keeps
	rm -rf $(VENV) $(SCANNERS) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Plumbline needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/bin/uv: | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv || true

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/uv
	@scripts/install.sh requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/uv
	@scripts/install.sh requirements-dev.txt
	@touch $@ $(VENV)/.runtime

$(SCANNERS)/.done: requirements-tools.txt | $(VENV)/bin/uv
	@$(PYTHON) -m venv $(SCANNERS)
	@scripts/install.sh requirements-tools.txt $(SCANNERS)
	@touch $@

.PHONY: help run check test test-fast fuzz soak gallery sure texts lock vendor clean
