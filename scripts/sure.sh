#!/usr/bin/env bash
# `make sure`: check and test on a clean clone of what is committed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone -q "$root" "$clone/plumbline"
cd "$clone/plumbline"
make check
make test
