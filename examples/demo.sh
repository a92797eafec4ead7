#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds libinfra and shows it at work: three HTTP servers
# and a passive spare, two load balancers in front of which one serves, live traffic;
# one server is killed, then all, then they come back, then the load balancer is
# killed. Takes half a minute; exits non-zero if what it shows is not what should
# happen.
#
#   examples/demo.sh [BUILD_DIR]
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in
--help)
    sed -n '3,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
-*)
    echo "demo.sh: unknown option \"$1\"; see demo.sh --help" >&2
    exit 2
    ;;
esac
build=${1:-$top/build}

. "$top/examples/common/need.sh"
need gcc:gcc /usr/include/stdio.h:libc6-dev meson:meson ninja:ninja-build pkg-config:pkg-config

echo "Building in $build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ [ -f "$build/build.ninja" ] || meson setup "$build" "$top"; } >"$log" 2>&1 &&
    ninja -C "$build" examples/lb_pair/lb_pair examples/tcp_proxy/tcp_proxy examples/demo/demo >>"$log" 2>&1 || {
    tail -n 40 "$log"
    exit 1
}
"$build/examples/demo/demo" "$build/examples/lb_pair/lb_pair" "$build/examples/tcp_proxy/tcp_proxy"
