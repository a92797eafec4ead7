#!/bin/bash
# SPDX-License-Identifier: MIT
# lb_pair's listener for the operator: the role of each group with its reason, and the
# same as metrics.
#   pair_admin.sh LB_PAIR
set -eu
lb_pair=$1
dir=$(mktemp -d)
pids=()
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap cleanup EXIT
fail() {
    echo "FAILED: $*" >&2
    cat "$dir"/* >&2
    exit 1
}

port=$((20001 + $$ % 6000 * 2)) # Below the ports that clients get.
get() { # PATH [METHOD]: the whole reply, in $dir/reply
    { exec {fd}<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return
    printf '%s /%s HTTP/1.1\r\nHost: localhost\r\nX-Admin: 1\r\n\r\n' "${2:-GET}" "$1" >&$fd
    cat <&$fd >"$dir/reply"
    exec {fd}>&-
}
serves() { get status.json && grep -q '"state":"active","level":"good"' "$dir/reply"; }
until_true() {
    for _ in {1..6000}; do
        ! "$@" || return 0
        sleep 0.02
    done
    fail "never: $*"
}

"$lb_pair" --lease "file:$dir/lease" --node n1 --group web --admin "$port" -- sleep 1000 \
    2>"$dir/log" &
pids+=($!)
until_true serves
grep -q '"name":"web".*"why":"[a-z]' "$dir/reply" || fail "no reason"
get metrics
grep -q '^infra_pair_serves{group="web",node="n1"} 1$' "$dir/reply" || fail "serves"
grep -q '^infra_failover_role{group="web",infra_failover_role="active"} 1$' "$dir/reply" ||
    fail "role"
get healthz && grep -q '^ok' "$dir/reply" || fail "healthz"
get status && grep -q '<title>' "$dir/reply" || fail "page"
get mark POST && grep -q '405' "$dir/reply" || fail "POST"
kill -TERM "${pids[0]}"
wait "${pids[0]}" || fail "exit status"
pids=()
status=0
"$lb_pair" --admin x >"$dir/out" 2>&1 || status=$?
[ $status -eq 2 ] && grep -q -- '--admin "127.0.0.1:x"' "$dir/out" || fail "status $status"
