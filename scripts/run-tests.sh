#!/usr/bin/env bash
# Runs the tests of the named folders of test/ on the built JavaScript, in one runner, and ends with its totals.
# Fails when a test fails and when one is skipped: what is not run is not shown. TEST_MATCH=PATTERN picks by name.
set -euo pipefail
cd "$(dirname "$0")/.."

# Two cores' worth: every file starts its own daemon, and more at once would measure the scheduler.
concurrency=${TEST_CONCURRENCY:-2}
# One file, at most: several times what the slowest takes on an idle machine, and well below the budget of a CI run.
limit_ms=300000

files=() needs_root=
for folder in "$@"; do
  [ -d "test/$folder" ] || continue
  case "$folder" in unit | architecture) ;; *) needs_root=yes ;; esac
  while read -r file; do files+=("dist/${file%.ts}.js"); done < <(find "test/$folder" -name '*.test.ts' | sort)
done
[ ${#files[@]} -gt 0 ] || { echo "no tests in $*"; exit 0; }
if [ -n "$needs_root" ] && [ "$(id -u)" -ne 0 ]; then
  echo "These tests start containers, which needs root: sudo env \"PATH=\$PATH\" make test" >&2
  exit 1
fi

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
node --test --test-concurrency="$concurrency" --test-timeout="$limit_ms" \
  ${TEST_MATCH:+--test-name-pattern="$TEST_MATCH"} \
  --test-reporter="${TEST_REPORTER:-spec}" --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$report" \
  "${files[@]}" || status=$?
grep -qE '^# (skipped|todo) [1-9]' "$report" && [ -z "${TEST_MATCH:-}" ] && { echo 'some tests were skipped'; status=1; }
grep -E '^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ' "$report"
exit "$status"
