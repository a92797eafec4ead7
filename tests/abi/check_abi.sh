#!/bin/sh
# SPDX-License-Identifier: MIT
# The ABI, as symbols and as sizes and offsets of every public struct (pahole), is
# what tests/abi/abi.txt says. After a change that is meant:
#
#   tests/abi/check_abi.sh CC INCLUDE_DIR LIBINFRA_A > tests/abi/abi.txt
set -eu
cc=$1 include=$2 archive=$3 snapshot=${4:-}
case $(uname -m) in x86_64) ;; *) exit 77 ;; esac
command -v pahole >/dev/null 2>&1 || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '#include <infra/infra.h>\n' >"$work/all.c"
$cc -g -fno-eliminate-unused-debug-types -I"$include" -c "$work/all.c" -o "$work/all.o"
{
    nm -g --defined-only "$archive" | awk 'NF == 3 && $3 ~ /^infra_[^_]/ {print "symbol", $3}' | LC_ALL=C sort
    # "type name; /* offset size */" of each struct, without the comments on holes.
    pahole "$work/all.o" | awk '
        /^struct infra_/       { name = $2; next }
        /^}/                   { name = ""; next }
        name && /size:/        { sub(/.*size: /, ""); sub(/,.*/, ""); print "struct", name, $0; next }
        name && /\/\* +[0-9]+ +[0-9]+ \*\/$/ { gsub(/[ \t]+/, " "); print "struct", name $0 }' | LC_ALL=C sort
} >"$work/now.txt"
if [ -z "$snapshot" ]; then
    cat "$work/now.txt"
elif ! diff -u "$snapshot" "$work/now.txt"; then
    echo "The ABI changed. If that is meant: tests/abi/check_abi.sh $cc $include $archive > tests/abi/abi.txt" >&2
    exit 1
fi
