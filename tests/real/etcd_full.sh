#!/bin/bash
# SPDX-License-Identifier: MIT
# etcd_full.sh LB_PAIR: two nodes over an etcd whose quota is used up (NOSPACE), on
# loopback. What is promised:
#  - the holder goes on to serve under the lease it has, and can hand it back;
#  - nobody can take the lease then; one line of the log says so, and not one for
#    each call that is refused, nor more of them with --preempt;
#  - when the alarm is cleared a node takes the lease, and says that etcd answers.
set -eu -o pipefail
[ $# -eq 1 ] || { echo "usage: tests/real/etcd_full.sh LB_PAIR" >&2; exit 2; }
lb_pair=$1
# shellcheck source=hammer.sh
. "$(dirname "$0")/hammer.sh"
need_programs etcd curl
port=$((21000 + $$ % 900 * 2))
url=http://127.0.0.1:$port peer=http://127.0.0.1:$((port + 1))

etcd --name m1 --data-dir "$dir/data" --log-level error --quota-backend-bytes 2000000 \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "m1=$peer" >"$dir/etcd.log" 2>&1 &
pids+=($!)
ask() { # PATH JSON: the answer.
    curl -s --max-time 5 -d "$2" "$url/v3/$1"
}
is_up() { ask kv/range '{"key":"YQ=="}' | grep -q revision; }
until_true is_up

declare -A pid
start() { # NODE OPTION...
    "$lb_pair" --node "$1" --group "web,preference=$2" --preempt --ttl 3s \
        --lease "etcd:127.0.0.1:$port" -- sleep 1000 2>>"$dir/$1.log" &
    pid[$1]=$!
    pids+=($!)
}
says() { grep -c "$2" "$dir/$1.log" || true; }
has_said() { [ "$(says "$1" "$2")" -ge 1 ]; }
fill() {
    printf '{"key":"%s","value":"%s"}' "$(printf %s "$1" | base64)" \
        "$(head -c 100000 /dev/zero | base64 -w 0)" >"$dir/body"
    curl -s -d "@$dir/body" "$url/v3/kv/put" | grep -q 'space exceeded'
}

start a 100
until_true has_said a ' web: active'
i=0
until fill "$i"; do i=$((i + 1)); done
fill more || fail "etcd is not full"
lines=$(wc -l <"$dir/a.log")
start b 200 # It would rather have the lease, and asks in vain.
until_true has_said b 'the store: error (429)'
sleep 9 # Three ttls, in each of which the holder has to prove three times.
[ "$(wc -l <"$dir/a.log")" = "$lines" ] || fail "the holder of a full etcd does not hold"
[ "$(says b 'the store')" = 1 ] || fail "who asks a full etcd says more than once"
passed "a full etcd: the holder keeps its lease"

kill -TERM "${pid[a]}"
end_of "${pid[a]}"
until_true has_said b 'acquiring'
sleep 6
[ "$(says b 'web: active')" = 0 ] || fail "a lease of a full etcd"
[ "$(says b 'the store')" = 1 ] || fail "who cannot acquire says more than once"
[ "$(wc -l <"$dir/b.log")" -le 5 ] || fail "b says too much"
passed "a full etcd: nobody takes the lease, in one line"

revision=$(ask kv/range '{"key":"YQ=="}' | grep -o '"revision":"[0-9]*"' | grep -o '[0-9]*')
ask kv/deleterange '{"key":"MA==","range_end":"fw=="}' >"$dir/clear"
ask kv/compaction "{\"revision\":\"$revision\",\"physical\":true}" >>"$dir/clear"
ask maintenance/defragment '{}' >>"$dir/clear"
alarm=$(ask maintenance/alarm '{"action":"GET"}' | grep -o '"memberID":"[0-9]*"')
ask maintenance/alarm "{\"action\":\"DEACTIVATE\",$alarm,\"alarm\":\"NOSPACE\"}" >>"$dir/clear"
until_true has_said b 'web: active'
until_true has_said b 'the store: answers'
sleep 1
[ "$(says b 'the store')" = 2 ] || fail "it says more than that etcd answers"
passed "when there is room again a node takes it, and says so once"
