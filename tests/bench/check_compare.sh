#!/bin/sh
# SPDX-License-Identifier: MIT
# check_compare.sh INFRA_BENCH: its comparison as a user meets it. Every scenario
# runs, the same seed prints the same bytes in every format, and what makes no
# sense is refused with status 2.
set -eu
bench=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "check_compare.sh: $*" >&2
    exit 1
}

refuses() {
    status=0
    "$bench" "$@" >"$dir/out" 2>&1 || status=$?
    [ $status -eq 2 ] || fail "status $status, not 2: $*"
    [ -s "$dir/out" ] || fail "no complaint: $*"
}

"$bench" compare --scenario list >"$dir/list"
[ "$(wc -l <"$dir/list")" -ge 9 ] || fail "few scenarios"
while read -r name _; do
    "$bench" compare --quick --policy two-choices --scenario "$name" >"$dir/out"
    grep -q '^two-choices .*[0-9]' "$dir/out" || fail "no row for $name"
done <"$dir/list"

for format in table tsv json svg; do
    "$bench" compare --quick --seed 7 --format $format >"$dir/first"
    "$bench" compare --quick --seed 7 --format $format >"$dir/second"
    "$bench" compare --quick --seed 8 --format $format >"$dir/other"
    cmp -s "$dir/first" "$dir/second" || fail "$format differs with one seed"
    ! cmp -s "$dir/first" "$dir/other" || fail "$format ignores the seed"
done
grep -q '</svg>' "$dir/first" || fail "the chart has no end"

printf '0 a\n0.5 b\n1 a\n' >"$dir/trace"
"$bench" compare --policy round-robin --arrivals "$dir/trace" >"$dir/out"
grep -q ' requests 3,' "$dir/out" || fail "the trace was not replayed"

refuses compare --scenario none
refuses compare --service none
refuses compare --arrivals "$dir/none"
refuses compare --arrivals "$dir/trace" --load 50
refuses compare --scenario linkerd --load 50
refuses compare --servers 0
refuses compare --servers 1.5
refuses compare --load x
refuses compare --seed
refuses compare --none 1
refuses compare --format none
refuses compare --policy none
refuses memory --servers 1
refuses memory --format svg
