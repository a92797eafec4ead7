#!/bin/bash
# SPDX-License-Identifier: MIT
# node_agent says what this machine can bear, as an agent and as metrics, and tcp_proxy
# takes the weight that it asks for; wrong arguments end with status 2.
#   node_agent.sh NODE_AGENT TCP_PROXY
set -eu
agent=$1 proxy=$2
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

refuses() { # TEXT ARGUMENT...
    local says=$1 status=0
    shift
    "$agent" "$@" >"$dir/out" 2>&1 || status=$?
    [ $status -eq 2 ] && grep -q -- "$says" "$dir/out" || fail "$*: status $status"
}
refuses '--agent ADDR:PORT is missing'
refuses '--agent "x"' --agent x
refuses '--metrics "127.0.0.1:x"' --agent 127.0.0.1:0 --metrics x
refuses '--agent ADDR:PORT is missing' --agent 127.0.0.1:1 more
"$agent" --help | grep -q '^usage: node_agent' || fail "help"

port=$((20000 + $$ % 6000 * 2)) # Below the ports that clients get.
"$agent" --agent "127.0.0.1:$port" --metrics $((port + 1)) 2>"$dir/agent.log" &
pids+=($!)
line=
for _ in {1..3000}; do
    if { exec {fd}<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
        read -r line <&$fd || true
        exec {fd}>&-
        break
    fi
    sleep 0.02
done
[[ $line =~ ^([1-9][0-9]?|100)%$ ]] || fail "the agent says \"$line\""

exec {fd}<>"/dev/tcp/127.0.0.1/$((port + 1))"
printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' >&$fd
cat <&$fd >"$dir/metrics"
for name in node_memory_used_ratio node_memory_used_bytes node_tcp_connections node_weight_ratio; do
    grep -q "^$name [0-9.]*$" "$dir/metrics" || fail "no $name"
done

"$proxy" --listen 127.0.0.1:0 --check agent --check-port "$port" 127.0.0.1:1 2>"$dir/proxy.log" &
pids+=($!)
for _ in {1..3000}; do
    ! grep -q 'backend 127.0.0.1:1 wishes: ready, weight' "$dir/proxy.log" || break
    sleep 0.02
done
grep -q 'backend 127.0.0.1:1 wishes: ready, weight' "$dir/proxy.log" || fail "the proxy heard nothing"
