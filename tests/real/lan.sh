# SPDX-License-Identifier: MIT
# Sourced by the tests of lb_pair on a LAN (bash): two nodes, each in its own network
# namespace on one bridge, an etcd, and a client at the bridge. Needs what hammer.sh
# needs; and groups (the arguments of a node's groups), lease, gate.
# shellcheck source=hammer.sh
. "$(dirname "$0")/hammer.sh"
[ "$(id -u)" -eq 0 ] || skip "not root"
need_programs ip nginx etcd pgrep curl

lan=pair-lan-$$
declare -A ns=([lb1]=pair-lb1-$$ [lb2]=pair-lb2-$$) number=([lb1]=1 [lb2]=2) pid
make_lan $lan "${ns[lb1]}" "${ns[lb2]}" || skip "no namespaces"
ip -n $lan address add 10.98.0.9/24 dev bridge0
ip -n $lan address add 2001:db8::9/64 dev bridge0 nodad
ip -n $lan link set dev bridge0 up
# The interface of a node, with its own address.
plug_in() { connect "${ns[$1]}" "${number[$1]}" 10.98.0; }
for node in lb1 lb2; do
    plug_in $node
    say_name "${ns[$node]}" $node 8081
done
url=http://10.98.0.9:2379
ip netns exec $lan etcd --name m --data-dir "$dir/etcd" --log-level error \
    --listen-client-urls $url --advertise-client-urls $url \
    --listen-peer-urls http://127.0.0.1:2380 >"$dir/etcd.log" 2>&1 &
etcd_pid=$!
pids+=($etcd_pid)

start() { # NODE [OPTION]...
    local node=$1
    shift
    : >"$dir/$node.log"
    # shellcheck disable=SC2086 # There may be no gate.
    ip netns exec "${ns[$node]}" "$lb_pair" "${lease[@]}" --node $node --interface eth \
        "$@" -- "$tcp_proxy" $gate --listen '[::]:80' --inter 200ms 127.0.0.1:8081 \
        2>>"$dir/$node.log" &
    pid[$node]=$!
    pids+=($!)
}
# All that belongs to a node, the way a power switch does it.
kill_node() {
    kill -9 "${pid[$1]}"
    end_of "${pid[$1]}"
}
stop_nodes() {
    kill -TERM "${pid[lb1]}" "${pid[lb2]}"
    for node in lb1 lb2; do
        wait "${pid[$node]}" || fail "$node ended with status $?"
        has_none $node || fail "$node left an address behind"
    done
}
has() { [[ "$(ip -n "${ns[$1]}" address show dev eth)" = *" 10.98.0.$2/"* ]]; }
lacks() { ! has "$@"; }
has_none() { [[ "$(ip -n "${ns[$1]}" address show dev eth)" != *10[0-2]/* ]]; }
only_has() { # NODE OTHER NUMBER
    until_true lacks "$2" "$3"
    has "$1" "$3" || fail "$1 lacks the address"
}
client() { hammer_start ip netns exec $lan "$hammer" "10.98.0.$1" 80; }
