#!/bin/sh
# SPDX-License-Identifier: MIT
# Print the C program of the README. With arguments, CC INCLUDE_DIR LIBINFRA_A: compile it
# without a warning and run it; the weighted two share twelve requests 10 to 2.
set -eu
readme=$(dirname "$0")/../../README.md
program() { sed -n '/^```c$/,/^```$/{/^```/!p}' "$readme"; }
[ $# -gt 0 ] || { program; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program >"$work/readme.c"
[ -s "$work/readme.c" ]
"$1" -std=c11 -Wall -Wextra -Wconversion -Werror -I"$2" "$work/readme.c" "$3" -pthread -o "$work/readme"
"$work/readme" >"$work/out"
[ "$(grep -c '10.0.0.1:80' "$work/out")" -eq 10 ]
[ "$(grep -c '10.0.0.2:80' "$work/out")" -eq 2 ]
