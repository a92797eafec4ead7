#!/bin/sh
# SPDX-License-Identifier: MIT
# readme_command.sh CC SOURCE_ROOT: the README's one command makes the whole library, and
# the README's program links it. Without the optimiser, to be quick.
set -eu
compiler=$(command -v "$1") # By its path: what is made below is called cc, too.
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/include" "$source/lib" "$work"
printf '#!/bin/sh\nexec %s "$@" -O0\n' "$compiler" >"$work/cc"
chmod +x "$work/cc"
export PATH="$work:$PATH"
command=$(sed -n '/^cc -std=c11 .* -r /,/[^\\]$/p' "$source/README.md")
cd "$work"
eval "$command"
"$source/tests/abi/readme_example.sh" >server.c
cc -std=c11 -I include server.c libinfra.o -pthread
[ "$(./a.out | grep -c '10.0.0.1:80')" -eq 10 ]
