#!/usr/bin/env bash
# Install a hashed lock into .venv, or into another environment named second: quickly with uv, or with
# plain pip where uv cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1 env=${2:-.venv}
if [ -x .venv/bin/uv ]; then
  # The uv that does the work is not in the lock; sync would remove it.
  .venv/bin/uv pip install -q --python "$env/bin/python" --require-hashes -r "$lock"
else
  "$env/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
fi
