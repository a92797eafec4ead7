#!/bin/bash
# SPDX-License-Identifier: MIT
# vrrp_node and a real keepalived share a virtual address, each in its own network
# namespace on one bridge, with messages every 100 ms.  What is promised:
#  - they understand each other, multicast over IPv4 and IPv6, and unicast;
#  - when keepalived dies, vrrp_node has the address 0.30 to 0.40 s after its last
#    message (0.361 by the formula), and the neighbours know it;
#  - whoever has the higher priority preempts the other;
#  - a resignation is followed at once, both ways;
#  - after a split the better node has the address, and the neighbours know it;
#  - who cannot serve resigns, and comes back.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/vrrp.sh VRRP_NODE" >&2; exit 2; }
vrrp_node=$1
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
[ "$(id -u)" -eq 0 ] || skip "not root"
need_programs ip keepalived tcpdump ping

# --- A bridge and two nodes, whose link-local addresses are theirs alone.
lan=vrrp-lan-$$ ours=vrrp-ours-$$ theirs=vrrp-theirs-$$
make_lan $lan $ours $theirs || skip "no namespaces"
set_mac() { ip -n "$1" link set dev eth addrgenmode none address "02:00:00:00:00:0$2"; }
for node in "$ours 1" "$theirs 2"; do
    # shellcheck disable=SC2086 # Two words.
    connect $node 10.99.0 set_mac
    ip -n "${node% *}" address add "fe80::${node#* }/64" dev eth nodad
done
# With an address of its own it keeps its neighbours when a port comes or goes.
ip -n $lan link set dev bridge0 address 02:00:00:00:00:09 up
ip -n $lan address add 10.99.0.9/24 dev bridge0
ip -n $lan address add 2001:db8::9/64 dev bridge0 nodad

start_tcpdump 'ip proto 112 or ip6 proto 112'

multicast='virtual_ipaddress { 10.99.0.100/24 }'
unicast="unicast_src_ip 10.99.0.2
    unicast_peer { 10.99.0.1 }
    $multicast"
ipv6='virtual_ipaddress { fe80::100/64
    2001:db8::100/64 }'

start_theirs() { # PRIORITY LINES
    keepalived_conf "$dir/keepalived.conf" "$1" "$2"
    ip netns exec $theirs keepalived -n -l -D -P -f "$dir/keepalived.conf" \
        -p "$dir/keepalived.pid" -r "$dir/vrrp.pid" >"$dir/keepalived.log" 2>&1 &
    their_pid=$!
    pids+=($their_pid)
}
stop_theirs() {
    kill -TERM $their_pid
    wait $their_pid || true
}
# The machine dies: no message, and no address either.
kill_theirs() {
    kill -9 "$(cat "$dir/vrrp.pid")" $their_pid
    wait $their_pid 2>/dev/null || true
    ip -n $theirs link set dev eth down
}
revive_theirs() {
    rm -f "$dir/keepalived.pid" "$dir/vrrp.pid"
    ip -n $theirs address del 10.99.0.100/24 dev eth 2>/dev/null || true
    for a in fe80::100/64 2001:db8::100/64; do
        ip -n $theirs address del $a dev eth 2>/dev/null || true
    done
    ip -n $theirs link set dev eth up
    ip -n $theirs address add fe80::2/64 dev eth nodad 2>/dev/null || true
}
start_ours() { # PRIORITY OPTION...
    local priority=$1
    shift
    : >"$dir/ours.log"
    ip netns exec $ours "$vrrp_node" --interface eth --vrid 51 --interval 100 \
        --priority "$priority" "$@" >"$dir/ours.log" 2>&1 &
    our_pid=$!
    pids+=($our_pid)
    until_true grep -q 'backup: start' "$dir/ours.log"
}
stop_ours() {
    kill -TERM $our_pid
    wait $our_pid || fail "vrrp_node ended with status $?"
    grep -q 'initialize: stop' "$dir/ours.log" || fail "it did not resign"
}
# keepalived yields in silence: only repetition reaches who believed it.
over_ipv4=(--announce-every 2 --local 10.99.0.1 --address 10.99.0.100/24)
over_ipv6=(--local fe80::1 --address fe80::100/64 --address 2001:db8::100/64)

we_said() { [[ "$(tail -n 1 "$dir/ours.log")" = "$1"* ]]; }
they_said() { [[ "$(grep 'STATE' "$dir/keepalived.log" | tail -n 1)" = *"$1 STATE"* ]]; }
has() { [[ "$(ip -n "$1" address show dev eth)" = *" $2/"* ]]; }
we_have() { has $ours "$1"; }
they_have() { has $theirs "$1"; }
only_we_have() { we_have "$1" && ! they_have "$1"; }
only_they_have() { they_have "$1" && ! we_have "$1"; }
# The bridge's own neighbour table, with nobody asking.
is_at() { [[ "$(ip -n $lan neigh show "$1" dev bridge0)" = *"02:00:00:00:00:0$2"* ]]; }

# The seconds between the last message of the former node and the first of the
# next, as the bridge saw them: gap FROM TO, addresses.
gap() {
    awk -v from="$1" -v to="$2" '
        $3 == from          { last = $1 }
        $3 == to && last    { if (!first) { first = $1; gap = first - last } }
        $3 == from && first { first = 0 }
        END                 { printf "%.3f\n", gap }' "$dir/messages"
}
within() { awk -v x="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(x >= a && x <= b) }'; }
# From here on, with at least one message of the Active node.
clear_messages() {
    : >"$dir/messages"
    until_true test -s "$dir/messages"
}

# --- Take-over, and back.
start_theirs 200 "$multicast"
until_true they_said MASTER
start_ours 100 "${over_ipv4[@]}"
sleep 1.5
only_they_have 10.99.0.100 || fail "both are active"
! grep -E 'dropped|hint' "$dir/ours.log" || fail "not understood"
passed "keepalived's messages are understood"

# --- The bridge splits and heals, with keepalived as the better node.
split() { ip -n $lan link set dev port2 nomaster; }
heal() { ip -n $lan link set dev port2 master bridge0; }
ip netns exec $lan ping -c 1 -W 2 10.99.0.100 >/dev/null || fail "no answer"
split
until_true we_said 'active: silence'
until_true is_at 10.99.0.100 1
they_have 10.99.0.100 || fail "keepalived noticed the split"
heal
until_true we_said 'backup: priority'
until_true only_they_have 10.99.0.100
until_true is_at 10.99.0.100 2
passed "after a split keepalived announces the address again"

gaps=
for _ in 1 2 3; do
    ip netns exec $lan ping -c 1 -W 2 10.99.0.100 >/dev/null ||
        fail "no answer from keepalived's address"
    is_at 10.99.0.100 2 || fail "the neighbour is not keepalived"
    clear_messages
    kill_theirs
    until_true we_said 'active: silence'
    until_true is_at 10.99.0.100 1
    ip netns exec $lan ping -c 1 -W 2 10.99.0.100 >/dev/null ||
        fail "no answer from our address"
    seconds=$(gap 10.99.0.2 10.99.0.1)
    gaps="$gaps $seconds"
    within "$seconds" 0.300 9 || fail "took over after $seconds s, too early"
    revive_theirs
    start_theirs 200 "$multicast"
    until_true we_said 'backup: priority'
    until_true only_they_have 10.99.0.100
    until_true is_at 10.99.0.100 2
    # A loaded machine may be late once, not three times.
    ! within "$seconds" 0.300 0.400 || break
done
within "$seconds" 0.300 0.400 || fail "took over after$gaps s, too late"
passed "took over $seconds s after the last message; keepalived preempts"

# --- Resignations.
clear_messages
stop_theirs
until_true we_said 'active: resigned'
seconds=$(gap 10.99.0.2 10.99.0.1)
within "$seconds" 0.060 0.300 || fail "followed after $seconds s"
only_we_have 10.99.0.100 || fail "keepalived has it still"
passed "keepalived's resignation is followed after $seconds s"

start_theirs 50 "$multicast"
until_true they_said BACKUP
sleep 1
only_we_have 10.99.0.100 || fail "both are active"

# --- The same with us as the better node.
ip netns exec $lan ip neigh flush dev bridge0
ip -n $lan link set dev port1 nomaster
until_true they_said MASTER
ip netns exec $lan ping -c 1 -W 2 10.99.0.100 >/dev/null || fail "no answer"
is_at 10.99.0.100 2 || fail "the neighbour is not keepalived"
ip -n $lan link set dev port1 master bridge0
until_true they_said BACKUP
until_true is_at 10.99.0.100 1
until_true only_we_have 10.99.0.100
passed "after a split we announce the address again"

clear_messages
kill -USR1 $our_pid
until_true they_said MASTER
until_true only_they_have 10.99.0.100
we_said 'fault: unfit' || fail "no fault"
seconds=$(gap 10.99.0.1 10.99.0.2)
within "$seconds" 0.070 0.300 || fail "followed after $seconds s"
passed "our resignation is followed after $seconds s"

kill -USR1 $our_pid
until_true we_said 'active: preempt'
until_true they_said BACKUP
until_true only_we_have 10.99.0.100
until_true is_at 10.99.0.100 1
passed "keepalived yields to our higher priority"
stop_ours
until_true they_said MASTER
stop_theirs

# --- Unicast.
start_theirs 200 "$unicast"
until_true they_said MASTER
start_ours 100 "${over_ipv4[@]}" --peer 10.99.0.2
sleep 1
only_they_have 10.99.0.100 || fail "both are active"
stop_theirs
until_true we_said 'active: resigned'
start_theirs 200 "$unicast"
until_true we_said 'backup: priority'
until_true only_they_have 10.99.0.100
stop_ours
start_ours 250 "${over_ipv4[@]}" --peer 10.99.0.2
until_true we_said 'active: preempt'
until_true only_we_have 10.99.0.100
! grep -E 'dropped|hint' "$dir/ours.log" || fail "not understood"
passed "unicast, both ways"
stop_ours
stop_theirs

# --- IPv6.
start_theirs 200 "$ipv6"
until_true they_said MASTER
start_ours 100 "${over_ipv6[@]}"
sleep 1
only_they_have 2001:db8::100 || fail "both are active"
ip netns exec $lan ping -c 1 -W 2 2001:db8::100 >/dev/null || fail "no answer"
clear_messages
kill_theirs
until_true we_said 'active: silence'
until_true is_at 2001:db8::100 1
ip netns exec $lan ping -c 1 -W 2 2001:db8::100 >/dev/null || fail "no answer"
seconds=$(gap fe80::2 fe80::1)
within "$seconds" 0.300 0.600 || fail "took over after $seconds s"
revive_theirs
start_theirs 200 "$ipv6"
until_true we_said 'backup: priority'
stop_ours
start_ours 250 "${over_ipv6[@]}"
until_true we_said 'active: preempt'
until_true only_we_have 2001:db8::100
! grep -E 'dropped|hint' "$dir/ours.log" || fail "not understood"
passed "IPv6, both ways; took over after $seconds s"
stop_ours
stop_theirs
