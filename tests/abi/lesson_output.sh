#!/bin/sh
# SPDX-License-Identifier: MIT
# lesson_output.sh PROGRAM SOURCE: a lesson prints what its first comment says, which is
# the last indented lines of that.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" >"$work/printed"
awk '
    /^ \*\// { exit }
    /^ \*   / { if (!indented) sample = ""; indented = 1; sample = sample substr($0, 6) "\n"; next }
    { indented = 0 }
    END { printf "%s", sample }
' "$2" >"$work/said"
diff -u "$work/said" "$work/printed"
