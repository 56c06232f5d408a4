#!/usr/bin/env bash
# Runs all tests in two processes side by side: most wait for servers, brokers and browsers rather
# than compute. What the second says is printed once the first is done. With arguments: pytest with
# these, in one process.
set -uo pipefail
cd "$(dirname "$0")/.."

pytest=.venv/bin/pytest
[ $# -eq 0 ] || exec "$pytest" "$@"

# About half of the time. All else, new folders too, is the second's.
first=(tests/faults tests/log tests/benchmarks)
second=("${first[@]/#/--ignore=}" -o cache_dir=.pytest_cache/second)

said=$(mktemp)
# Bash has what it starts in the background ignore Ctrl-C, and its children would, too.
env --default-signal=INT "$pytest" "${second[@]}" > "$said" 2>&1 &
process=$!
trap 'rm -f "$said"; kill "$process" 2> /dev/null' EXIT
"$pytest" "${first[@]}"
failed=$?
wait "$process"
failed_second=$?
trap 'rm -f "$said"' EXIT
cat "$said"

# Servers, brokers and browsers side by side on a busy machine: what fails is run once more by
# itself. A mistake fails again; what passes then is named here, and is a test to be mended.
again() {
    local code=$1
    shift
    [ "$code" -eq 1 ] || return "$code"
    echo "tests/run.sh: what failed is run again, by itself"
    "$pytest" --last-failed --last-failed-no-failures none -v "$@"
}
again "$failed" "${first[@]}"
failed=$?
again "$failed_second" "${second[@]}"
[ $? -eq 0 ] && [ "$failed" -eq 0 ]
