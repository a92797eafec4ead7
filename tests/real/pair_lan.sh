#!/bin/bash
# SPDX-License-Identifier: MIT
# pair_lan.sh LB_PAIR TCP_PROXY HAMMER: two of lb_pair, each in its own network
# namespace on one bridge, an etcd, and a client that hammers one virtual address
# all the time. What is promised:
#  - the address is served again within the ttl and 1.5 s when a node is killed, stands
#    still, or is cut off; at once when it hands over;
#  - a node that was killed or stands still does not keep the address: the kernel
#    takes it back;
#  - without etcd nobody serves, and nobody has the address;
#  - with two groups both serve, either serves both, and each gets its own back;
#  - with VRRP it takes 0.4 s.
set -eu -o pipefail
[ $# -eq 3 ] || { echo "usage: tests/real/pair_lan.sh LB_PAIR TCP_PROXY HAMMER" >&2; exit 2; }
lb_pair=$1 tcp_proxy=$2 hammer=$3
# shellcheck source=lan.sh
. "$(dirname "$0")/lan.sh"

groups=(--group web,address=10.98.0.100/24,address=2001:db8::100/64)
lease=(--lease etcd:10.98.0.9:2379 --attest 1s)
gate=--gate
# Also over IPv6, which the neighbours know to be here.
only_web() { # NODE OTHER
    only_has "$1" "$2" 100
    until_true has_none "$2"
    [ "$(ip netns exec $lan curl -s --max-time 5 'http://[2001:db8::100]/')" = "$1" ] ||
        fail "$1 does not serve over IPv6"
}

# --- One group by etcd.
start lb1 "${groups[@]}"
until_true log_says lb1 web active
start lb2 "${groups[@]}"
until_true stands_by lb2
client 100
[ "$(serving)" = lb1 ] || fail "not lb1: $(serving)"

t=$(now)
kill_node lb1
recovered "etcd, ttl 3s: killed" lb1 "$t" 8
only_web lb2 lb1
passed "the kernel took the address back from the dead"
start lb1 "${groups[@]}"
until_true stands_by lb1

t=$(now)
frozen="${pid[lb2]} $(child_of "${pid[lb2]}")"
# shellcheck disable=SC2086 # Two.
kill -STOP $frozen
recovered "etcd, ttl 3s: stopped" lb2 "$t" 8
only_web lb1 lb2
passed "the kernel took the address back from who stands still"
# shellcheck disable=SC2086
kill -CONT $frozen
until_true stands_by lb2
only_web lb1 lb2

t=$(now)
ip -n $lan link set dev port1 down
recovered "etcd, ttl 3s: cut off" lb1 "$t" 8
until_true lacks lb1 100
ip -n $lan link set dev port1 up
until_true stands_by lb1
only_web lb2 lb1
passed "who is cut off drops the address"

t=$(now)
kill -TERM "${pid[lb2]}"
recovered "etcd, ttl 3s: SIGTERM" lb2 "$t" 4
handed_over lb2 lb1
wait "${pid[lb2]}" || fail "lb2 ended with status $?"
only_web lb1 lb2
start lb2 "${groups[@]}"
until_true stands_by lb2

t=$(now)
kill -STOP $etcd_pid
until_true has_none lb1
has_none lb2 || fail "lb2 has the address"
grep -q 'web: ceased' "$dir/lb1.log" || fail "lb1 has not ceased"
t2=$(now)
kill -CONT $etcd_pid
recovered "etcd stood still" nobody "$t2" 20
moves=$((moves - 1))
[ "$(serving)" = lb1 ] || moves=$((moves + 1))
passed "without etcd nobody had the address, after $(awk -v a="$t" -v b="$t2" 'BEGIN { printf "%.1f", b - a }') s"
hammer_stop
check_diary
stop_nodes

# --- Two groups, each with a node of its own.
moves=0
one=(--group one,address=10.98.0.101/24,preference=200
    --group two,address=10.98.0.102/24,preference=100)
two=(--group one,address=10.98.0.101/24,preference=100
    --group two,address=10.98.0.102/24,preference=200)
both_have_theirs() { has lb1 101 && has lb2 102 && lacks lb1 102 && lacks lb2 101; }
start lb1 "${one[@]}" --preempt
start lb2 "${two[@]}" --preempt
until_true both_have_theirs
client 101
t=$(now)
kill_node lb1
recovered "etcd, two groups: one node killed" lb1 "$t" 8
has lb2 102 || fail "lb2 lost its own"
start lb1 "${one[@]}" --preempt
t=$(now)
until_true both_have_theirs
recovered "etcd, two groups: the node is back" lb2 "$t" 20
hammer_stop
check_diary
passed "each has its own again"
stop_nodes

# --- VRRP.
moves=0
lease=(--lease vrrp:51)
gate=
start lb1 --group web,address=10.98.0.100/24,preference=200 --preempt
until_true log_says lb1 web active
start lb2 --group web,address=10.98.0.100/24
until_true log_says lb2 web backup
client 100
t=$(now)
kill_node lb1
recovered "vrrp: killed" lb1 "$t" 3
only_has lb2 lb1 100
start lb1 --group web,address=10.98.0.100/24,preference=200 --preempt
t=$(now)
recovered "vrrp: the better one is back" lb2 "$t" 10
only_has lb1 lb2 100
hammer_stop
check_diary
stop_nodes

# Two virtual routers, crossed.
start lb1 "${one[@]}" --preempt
start lb2 "${two[@]}" --preempt
until_true both_have_theirs
kill_node lb1
both_at_lb2() { has lb2 101 && has lb2 102 && has_none lb1; }
until_true both_at_lb2
start lb1 "${one[@]}" --preempt
until_true both_have_theirs
passed "vrrp: each has its own again"
stop_nodes
