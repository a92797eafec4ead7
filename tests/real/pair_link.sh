#!/bin/bash
# SPDX-License-Identifier: MIT
# pair_link.sh LB_PAIR TCP_PROXY HAMMER: two of lb_pair on a LAN, and what can happen to
# the interface, the addresses and the commands of one of them. What is promised:
#  - a link that is down, or an interface that is gone, is a fault: the other serves;
#  - its return takes the service from nobody, and the node can serve again, also over
#    an interface that was deleted and made again;
#  - without its interface a node does not take a lease;
#  - a node whose --up fails, or whose address cannot be set, stays away, longer and
#    longer, also with --preempt;
#  - its own address stays, whatever becomes of the virtual one;
#  - two nodes with one address of their own say so.
set -eu -o pipefail
[ $# -eq 3 ] || { echo "usage: tests/real/pair_link.sh LB_PAIR TCP_PROXY HAMMER" >&2; exit 2; }
lb_pair=$1 tcp_proxy=$2 hammer=$3
# shellcheck source=lan.sh
. "$(dirname "$0")/lan.sh"

unplug() { ip -n "${ns[$1]}" link delete eth; }
count() { grep -c -- "$2" "$dir/$1.log" || true; }
has_said() { [ "$(count "$1" "$2")" -ge "${3:-1}" ]; }
# The client meets this node, and it is the only one.
serves() { # NODE OTHER
    until_true has "$1" 100
    until_true answers "$1"
    until_true lacks "$2" 100 2>/dev/null
}
answers() { [ "$(ip netns exec $lan curl -s --max-time 1 http://10.98.0.100/)" = "$1" ]; }
web=(--group web,address=10.98.0.100/24)

# both KIND STATE: what happens to a link, over a lease or by VRRP; STATE is what a node
# is called that stands by.
both() {
    local kind=$1 state=$2
    start lb1 "${web[@]}"
    until_true log_says lb1 web active
    start lb2 "${web[@]}"
    until_true log_says lb2 web "$state"
    serves lb1 lb2

    ip -n $lan link set dev port1 down
    until_true has_said lb1 'eth is down'
    until_true log_says lb1 web fault
    serves lb2 lb1
    ip -n $lan link set dev port1 up
    until_true log_says lb1 web "$state"
    serves lb2 lb1
    [ "$(count lb2 'web: active: ')" = 1 ] || fail "$kind: the return of a link moved the service"
    passed "$kind: a link that was down"

    unplug lb2
    until_true has_said lb2 'eth is gone'
    until_true log_says lb2 web fault
    serves lb1 lb1.none
    plug_in lb2
    until_true log_says lb2 web "$state"
    [ "$(count lb2 'web: active: ')" = 1 ] || fail "$kind: without an interface it served"
    [ "$(wc -l <"$dir/lb2.log")" -lt 60 ] || fail "$kind: it told too much"
    kill_node lb1
    until_true lacks lb1 100
    serves lb2 lb1
    passed "$kind: an interface that was deleted and made again serves"
    start lb1 "${web[@]}"
    until_true log_says lb1 web "$state"
    stop_nodes
}
has() { # NODE NUMBER: of a node that may have no interface.
    [[ "$(ip -n "${ns[${1%.none}]}" address show dev eth 2>/dev/null)" = *" 10.98.0.$2/"* ]] &&
        [[ $1 != *.none ]]
}

lease=(--lease etcd:10.98.0.9:2379)
gate=--gate
both etcd standby
lease=(--lease vrrp:51)
gate=
both vrrp backup

# damped KIND STATE: of two nodes the better one fails to serve.
damped() {
    local kind=$1 state=$2
    start lb2 "${web[@]}"
    until_true log_says lb2 web active
    start lb1 --group web,address=10.98.0.100/24,preference=200 --preempt --up false --down true
    until_true has_said lb1 'stays away for 5 s'
    until_true has_said lb1 'stays away for 10 s'
    serves lb2 lb1
    [ "$(count lb1 'web: active: ')" = 2 ] || fail "$kind: it served more often than it failed"
    passed "$kind: a node whose --up fails stays away"
    stop_nodes
}
damped vrrp backup
lease=(--lease etcd:10.98.0.9:2379)
gate=--gate
damped etcd standby

# The own address is given anew while the virtual one is there: now it comes after it.
start lb1 "${web[@]}"
until_true log_says lb1 web active
until_true has lb1 100
start lb2 "${web[@]}"
until_true stands_by lb2
ip -n "${ns[lb1]}" address delete 10.98.0.1/24 dev eth
ip -n "${ns[lb1]}" address add 10.98.0.1/24 dev eth
[[ "$(ip -n "${ns[lb1]}" address show dev eth)" = *secondary* ]] || fail "no address is secondary"
kill -USR1 "${pid[lb1]}"
serves lb2 lb1
has lb1 1 || fail "its own address went with the virtual one"
passed "the node's own address stays"
stop_nodes

# One address twice: both are Active, since the kernel drops what comes from there.
lease=(--lease vrrp:51)
gate=
ip -n "${ns[lb2]}" address delete 10.98.0.2/24 dev eth
ip -n "${ns[lb2]}" address add 10.98.0.1/24 dev eth
start lb1 "${web[@]}"
start lb2 "${web[@]}"
until_true has_said lb1 'another node has this node.s own address'
until_true has_said lb2 'another node has this node.s own address'
passed "two nodes with one address say so"
stop_nodes
