#!/bin/bash
# SPDX-License-Identifier: MIT
# health_watch and nginx: each way to fail, its transition and its reason.
#
#   tests/real/watch.sh HEALTH_WATCH
#
# Skipped (77) where nginx is not installed.
#  - up at first, then stopped: down, refused; started: up
#  - frozen: down, no reply; going on: up
#  - an answer that is not wanted: down, status
#  - the watcher itself stopped for longer than it takes to condemn anybody: nobody
#    is down
set -eu
health_watch=$1
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || exit 77
dir=$(mktemp -d)
port=$((31800 + $$ % 900))
nginx=
watch=
cleanup() {
    [ -z "$watch" ] || kill -CONT "$watch" 2>/dev/null || true
    [ -z "$watch" ] || kill "$watch" 2>/dev/null || true
    [ -z "$nginx" ] || kill -CONT $nginx 2>/dev/null || true
    [ -z "$nginx" ] || kill -KILL $nginx 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    cat "$dir/watch.log" >&2
    exit 1
}

# One process, so that stopping it stops the server.
cat >"$dir/nginx.conf" <<EOF
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events {}
http {
    access_log off;
    server { listen 127.0.0.1:$port; location = /ok { return 200; } location = /no { return 500; } }
}
EOF
start_nginx() {
    nginx -p "$dir" -c "$dir/nginx.conf" 2>"$dir/nginx.log" &
    nginx=$!
    for _ in {1..100}; do
        ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
        sleep 0.05
    done
    fail "nginx does not start: $(cat "$dir/nginx.log")"
}
# start_watch CHECK
start_watch() {
    [ -z "$watch" ] || kill "$watch"
    : >"$dir/watch.log"
    "$health_watch" --lines --inter 200ms --fastinter 100ms --rise 2 --fall 3 \
        --check "$1,response_timeout=300ms" "127.0.0.1:$port" >"$dir/watch.log" &
    watch=$!
}
# expect STATE REASON DETAIL: the next line, within ten seconds.
seen=0
expect() {
    for _ in {1..200}; do
        [ "$(wc -l <"$dir/watch.log")" -le $seen ] || break
        sleep 0.05
    done
    seen=$((seen + 1))
    line=$(sed -n "${seen}p" "$dir/watch.log" | cut -f3-5 | tr '\t' ' ')
    [ "$line" = "$*" ] || fail "\"$line\", not \"$*\""
    echo "ok: $*"
}

start_nginx
start_watch http,path=/ok
kill -KILL $nginx
wait $nginx 2>/dev/null || true
expect down fall refused
start_nginx
expect up rise passed

kill -STOP $nginx
expect down fall "no reply"
kill -CONT $nginx
expect up rise passed

# It stands still for longer than fall checks take, and has one under way.
kill -STOP "$watch"
sleep 3
kill -CONT "$watch"
sleep 1
[ "$(grep -c down "$dir/watch.log")" -eq 2 ] || fail "the watcher condemned somebody"
echo "ok: a watcher that was stopped condemns nobody"

seen=0
start_watch http,path=/no
expect down fall status
