#!/bin/sh
# SPDX-License-Identifier: MIT
# The map in lib/README.md names each file of lib, in its folder, and no other; and
# each relative link of a page leads to something.
#
#   check_map.sh SOURCE_ROOT
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

awk '/^### / { folder = $2 } /^- `/ && folder { split($0, part, "`"); print folder "/" part[2] }
    /^## / { folder = "" }' lib/README.md | sort >"$work/map"
find lib -name '*.[ch]' | sed 's/\.[ch]$//' | sort -u >"$work/tree"
diff "$work/tree" "$work/map" >"$work/diff" || {
    sed -n 's/^< \(.*\)/\1: not in lib\/README.md/p; s/^> \(.*\)/\1: in lib\/README.md, but not there/p' "$work/diff"
    status=1
}

for page in $(find README.md .github include lib examples tests bench -name '*.md'); do
    for link in $(grep -o '](\([^):# ]*\)' "$page" | sed 's/^](//'); do
        [ -e "$(dirname "$page")/$link" ] || {
            echo "$page: no $link"
            status=1
        }
    done
done
exit $status
