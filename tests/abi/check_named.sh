#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public function is named in a test.
#
#   check_named.sh SOURCE_ROOT
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Declarations may span lines: join them, then take the name before "(".
cat include/infra/*.h | sed 's/^ *\/\{0,1\}\*.*//' | tr '\n' ' ' | tr ';' '\n' |
    sed -n 's/.*INFRA_API[^(]*[ *]\(infra_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$work/functions"
[ -s "$work/functions" ]
find tests -name '*.[ch]' -exec cat {} + | grep -o 'infra_[a-z0-9_]*' | sort -u >"$work/named"
comm -23 "$work/functions" "$work/named" | sed 's/$/: in no test/' >"$work/missing"
cat "$work/missing"
[ ! -s "$work/missing" ]
