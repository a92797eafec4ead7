#!/bin/sh
# SPDX-License-Identifier: MIT
# readme_diagram.sh FAILOVER_DIAGRAM: the diagram in the README is the table in
# lib/failover/transitions.c. After a change of the table, put the output of
# FAILOVER_DIAGRAM there.
set -eu
readme=$(dirname "$0")/../../README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" >"$work/table"
sed -n '/^```mermaid$/,/^```$/{/^```/!p}' "$readme" >"$work/readme"
diff -u "$work/readme" "$work/table"
