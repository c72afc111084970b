#!/usr/bin/env bash
# `make check`: what can be known without running Plumbline. Runs everything, then fails if one did.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=0
step() {
  echo "== $1"
  shift
  "$@" || { echo "   failed: $*"; failed=1; }
}
step "lint" $bin/ruff check .
step "format" $bin/ruff format --check --quiet .
step "types" $bin/mypy --no-error-summary config.py wsgi.py webapp box_sandbox scripts tests benchmarks
step "layers" $bin/lint-imports --no-cache
step "templates, scripts and styles" $bin/python scripts/check_templates.py
step "known weaknesses" .venv-tools/bin/bandit -q -c pyproject.toml -r config.py wsgi.py webapp
step "rules of our own" .venv-tools/bin/semgrep scan --config scripts/scanning/rules.yml --error --quiet \
  --metrics=off --disable-version-check --no-git-ignore config.py wsgi.py webapp templates
step "vendored files" $bin/python scripts/vendor.py check
step "sentences and their translations" $bin/python -m scripts.texts check
exit $failed
