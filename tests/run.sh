#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds libinfra with its examples, benchmarks and tests,
# and runs all tests. On a terminal it shows which tests run; else it prints a line for
# each test that has ended.
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
        sed -n '3,9s/^# \{0,1\}//p' "$0"
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
need +check:check 'nginx:nginx-light|nginx' \
    /usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream \
    curl:curl wrk:wrk 'pahole:dwarves|pahole' clang-format:clang-format +openssl:libssl-dev \
    python3:python3 redis-server:redis-server redis-cli:redis-tools mariadbd:mariadb-server \
    mariadb-backup:mariadb-backup '/usr/lib/postgresql/*/bin/postgres:postgresql' \
    '/usr/lib/postgresql/*/bin/psql:postgresql-client' \
    /usr/lib/python3/dist-packages/pymysql/:python3-pymysql sysbench:sysbench \
    /usr/lib/python3/dist-packages/psycopg2/:python3-psycopg2 \
    nft:nftables ip:iproute2 ping:iputils-ping keepalived:keepalived tcpdump:tcpdump \
    'etcd:etcd-server|etcd' openssl:openssl pgrep:procps \
    /usr/lib/python3/dist-packages/prometheus_client/:python3-prometheus-client promtool:prometheus chromium:chromium

# elapsed: since the start, in words.
began=$(date +%s)
elapsed() {
    seconds=$(($(date +%s) - began))
    echo "$((seconds / 60)) min $((seconds % 60)) s"
}
# version_of NAME COMMAND...: the first number with a dot that it says.
version_of() {
    name=$1
    shift
    version=$("$@" 2>&1 | grep -o '[0-9][0-9]*\.[0-9][0-9.]*' | head -n 1)
    [ -z "$version" ] || printf ', %s %s' "$name" "$version"
}
say_versions() {
    PATH=$PATH:/usr/sbin
    sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release | tr -d '\n'
    version_of gcc gcc --version
    for postgres in /usr/lib/postgresql/*/bin/postgres; do
        version_of PostgreSQL "$postgres" --version
    done
    version_of MariaDB mariadbd --version
    version_of Redis redis-server --version
    version_of etcd etcd --version
    version_of nginx nginx -v
    version_of keepalived keepalived --version
    echo
}

# A build directory that is there may be older than what was just installed: have
# it look again.
again=
[ ! -f "$build/build.ninja" ] || again=--reconfigure
meson setup $again "$build" "$top" -Dwerror=true >"$top/.setup.log" 2>&1 || {
    cat "$top/.setup.log"
    exit 1
}
rm -f "$top/.setup.log"
# ninja and meson rewrite one line on a terminal, and keep quiet elsewhere.
if [ -t 1 ]; then
    NINJA_STATUS='Building %f of %t, %e s: ' ninja -C "$build" || exit 1
else
    echo "Building in $build"
    ninja -C "$build" -v >"$build/build.log" 2>&1 || {
        tail -n 40 "$build/build.log"
        exit 1
    }
fi
[ -x "$build/tests/test_base" ] || {
    echo "run.sh: the unit tests were not built; remove $build and try again" >&2
    exit 1
}
echo "Built in $(elapsed); testing against $(say_versions)"
# The tests that measure nothing may run side by side, more than there are cores, since
# many of them wait.
export MESON_TESTTHREADS="${MESON_TESTTHREADS:-$(($(nproc) * 2))}"
log=$build/meson-logs/testlog.txt
status=0
if [ -t 1 ]; then
    meson test -C "$build" --no-rebuild --print-errorlogs || status=$?
else
    # With the status of meson, not that of what reads its lines.
    { PYTHONUNBUFFERED=1 meson test -C "$build" --no-rebuild --print-errorlogs 2>&1 ||
        echo "status $?"; } | {
        while IFS= read -r line; do
            case $line in
            status\ *) status=${line#status } ;;
            ninja* | 'Full log'* | '') ;;
            *) printf '%s\n' "$line" ;;
            esac
        done
        exit $status
    } || status=$?
fi
number() {
    sed -n "s/^$1: *\([0-9]*\) *$/\1/p" "$log" | tail -n 1
}
skipped=$(number Skipped)
failed=$(($(number Fail) + $(number Timeout)))
echo "$(number Ok) passed, $failed failed, $skipped skipped, in $(elapsed)"
if [ $strict -eq 1 ] && [ "$skipped" -ne 0 ]; then
    echo "run.sh: skipped tests count as failures with --strict" >&2
    exit 1
fi
exit $status
