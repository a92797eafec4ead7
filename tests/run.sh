#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds libinfra with its examples, benchmarks and tests,
# and runs all tests.
#
#   tests/run.sh [--strict] [BUILD_DIR]
#
# --strict: a test that had to be skipped is a failure. BUILD_DIR: default build.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
strict=0
build=$top/build
for arg in "$@"; do
    case $arg in
    --help)
        sed -n '3,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    --strict) strict=1 ;;
    -*)
        echo "run.sh: unknown option \"$arg\"; see run.sh --help" >&2
        exit 2
        ;;
    *) build=$arg ;;
    esac
done

. "$top/examples/common/need.sh"
need gcc:gcc g++:g++ /usr/include/stdio.h:libc6-dev meson:meson ninja:ninja-build pkg-config:pkg-config
need +check:check nginx:nginx-light \
    /usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream \
    curl:curl wrk:wrk pahole:dwarves clang-format:clang-format +openssl:libssl-dev \
    python3:python3 redis-server:redis-server redis-cli:redis-tools mariadbd:mariadb-server \
    mariadb-backup:mariadb-backup \
    /usr/lib/postgresql/15/bin/postgres:postgresql-15 psql:postgresql-client-15 \
    ip:iproute2 ping:iputils-ping keepalived:keepalived tcpdump:tcpdump etcd:etcd-server \
    openssl:openssl pgrep:procps

# A build directory that is there may be older than what was just installed: have
# it look again.
again=
[ ! -f "$build/build.ninja" ] || again=--reconfigure
meson setup $again "$build" "$top" -Dwerror=true >"$top/.setup.log" 2>&1 || {
    cat "$top/.setup.log"
    exit 1
}
rm -f "$top/.setup.log"
ninja -C "$build" -v >"$build/build.log" 2>&1 || {
    tail -n 40 "$build/build.log"
    exit 1
}
[ -x "$build/tests/test_base" ] || {
    echo "run.sh: the unit tests were not built; remove $build and try again" >&2
    exit 1
}
# The tests that measure nothing may run side by side.
log=$build/test.out
if meson test -C "$build" --no-rebuild --print-errorlogs >"$log" 2>&1; then
    status=0
else
    status=$?
fi
grep -vE '^(ninja|Full log| *$)' "$log"
number() {
    sed -n "s/^$1: *\([0-9]*\) *$/\1/p" "$log" | tail -n 1
}
skipped=$(number Skipped)
failed=$(($(number Fail) + $(number Timeout)))
echo "$(number Ok) passed, $failed failed, $skipped skipped"
if [ $strict -eq 1 ] && [ "$skipped" -ne 0 ]; then
    echo "run.sh: skipped tests count as failures with --strict" >&2
    exit 1
fi
exit $status
