#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that names every function of one header links that module and base,
# nothing else. usage: check_independence.sh CC INCLUDE_DIR LIBINFRA_A
set -eu
cc=$1 include=$2 archive=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# The module of a header, and what it may link beside base.
allowed() {
    case $1 in
    base) echo none ;;
    driver) echo 'driver|failover|health|lease|probe' ;; # Not balancer: that is apply's.
    collect) echo 'collect|metrics|balancer|health|outlier|failover|router' ;;
    apply) echo 'balancer|driver|failover|health|lease|probe' ;;
    policy) echo balancer ;;
    position) echo router_position ;;
    session) echo router ;;
    probe_database) echo probe ;;
    gate) echo 'failover_gate|failover_fence' ;;
    proxy_protocol) echo 'wire_proxy|wire_crc32c' ;;
    client_hello) echo wire_client_hello ;;
    promotion) echo 'promotion|failover_gate' ;;
    *) echo "$1" ;;
    esac
}

for path in "$include"/infra/*.h; do
    header=$(basename "$path" .h)
    [ "$header" != infra ] || continue
    # Declarations may span lines: join them, then take the name before "(".
    functions=$(sed 's/^ *\/\?\*.*//' "$path" | tr '\n' ' ' | tr ';' '\n' |
        sed -n 's/.*INFRA_API[^(]*[ *]\(infra_[a-z0-9_]*\)(.*/\1/p')
    [ -n "$functions" ] || { echo "$header.h: no functions found" >&2; exit 1; }
    {
        echo "#include <infra/$header.h>"
        echo "typedef void any(void);"
        echo "any *const named[] = {"
        for f in $functions; do echo "    (any *)$f,"; done
        echo "};"
        echo "int main(void) { return named[0] == 0; }"
    } >"$work/$header.c"
    $cc -I"$include" "$work/$header.c" "$archive" -pthread \
        -Wl,-Map="$work/map" -o "$work/$header"
    members=$(sed -n 's/.*libinfra[a-z_]*\.a(\([a-z0-9_]*\)\.c\.o).*/\1/p' "$work/map" | sort -u)
    case $members in
    *"$header"*_* | *_"$header"* | *base_*) ;;
    *)
        echo "$header.h: the linker's map names no member of its module" >&2
        status=1
        ;;
    esac
    strangers=$(echo "$members" | grep -vE "^base_|^($(allowed "$header"))(_|$)" || true)
    if [ -n "$strangers" ]; then
        echo "$header.h links:" $strangers >&2
        status=1
    fi
    "$work/$header"
done
exit $status
