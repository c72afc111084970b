#!/usr/bin/env bash
# `make test`: the whole suite twice, by addresses alone: SQLite with the embedded queue and a local
# directory, then PostgreSQL with Redis and S3. Installs the Debian packages it needs where it may.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

missing=()
[ -x /usr/bin/chromium ] || missing+=(chromium)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
fc-list 2>/dev/null | grep -qi roboto || missing+=(fonts-roboto-unhinted)
fc-list 2>/dev/null | grep -qi liberation || missing+=(fonts-liberation)
# Not into grep -q: it would close the pipe early, and pipefail takes that for a failure.
libraries=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)
[[ $libraries == *libpango-1.0.so.0* ]] || missing+=(libpango-1.0-0)
[[ $libraries == *libpangoft2-1.0.so.0* ]] || missing+=(libpangoft2-1.0-0)
[[ $libraries == *libharfbuzz-subset.so.0* ]] || missing+=(libharfbuzz-subset0)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "These are needed and cannot be installed from here; as root run:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi

echo "== SQLite, embedded queue, local directory"
TEST_DEPLOYMENT=sqlite $bin/pytest -q -n auto --dist loadgroup "$@"
echo "== PostgreSQL, Redis, S3"
# What looks at pages, words and scripts alone, at Box's side or at how `make run` starts has been looked
# at; no database changes it. The main job, every tool, every rule of sight, every fault and how copies
# arrive are walked through once more.
seen=(accessibility complaints computer contrast copies document_source file_rules finding folders keyboard
  lists moments order_and_search places plain reading rows spanish viewing ways weight without_loss)
ignored=()
for name in "${seen[@]}"; do ignored+=("--ignore=tests/browser/test_$name.py"); done
TEST_DEPLOYMENT=postgres $bin/pytest -q -n auto --dist loadgroup \
  --ignore tests/sandbox --ignore tests/box --ignore tests/languages --ignore tests/complaints \
  --ignore tests/operations/test_run.py --ignore tests/tools/test_printing.py \
  --ignore tests/tools/test_sheet_names.py --ignore tests/picker/test_seals.py \
  --ignore tests/structure/test_templates.py --ignore tests/structure/test_texts.py \
  --ignore tests/structure/test_scanning.py --ignore tests/structure/test_statics.py \
  "${ignored[@]}" "$@"
