#!/bin/sh
# SPDX-License-Identifier: MIT
# check_classify.sh INFRA_BENCH CASES_TSV: infra-bench classify has a row for each
# class of statement in both dialects, and refuses what makes no sense.
set -eu
bench=$1
cases=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "check_classify.sh: $*" >&2
    exit 1
}

refuses() {
    status=0
    "$bench" classify --quick "$@" >"$dir/out" 2>&1 || status=$?
    [ $status -eq 2 ] || fail "status $status, not 2: $*"
    grep -q '^infra-bench: ' "$dir/out" || fail "no complaint: $*"
}

"$bench" classify --quick --format tsv --cases "$cases" >"$dir/tsv"
for dialect in postgresql mysql; do
    for class in transaction short-select short-write long-select in-list insert-rows \
        definition cases; do
        awk -F '\t' -v class=$class -v dialect=$dialect \
            '$1 == class && $2 == dialect && $3 > 0 && $4 > 0 && $5 > 0 && $6 > 0 && $7 > 0 { n++ }
            END { exit n != 1 }' "$dir/tsv" || fail "no row for $class in $dialect"
    done
done
# Each statement of the file is one of a dialect.
want=$(grep -c -v '^#' "$cases")
awk -F '\t' -v want="$want" '$1 == "cases" { n += $3 } END { exit n != want }' "$dir/tsv" ||
    fail "not all $want statements were read"
"$bench" classify --quick --format json >"$dir/json"
[ "$(grep -o '"class"' "$dir/json" | wc -l)" -eq 14 ] || fail "not 14 rows without a file"

printf '# nothing\n' >"$dir/empty"
refuses --cases "$dir/none"
refuses --cases "$dir/empty"
refuses --cases
refuses --none 1
refuses --format svg
