#!/bin/sh
# SPDX-License-Identifier: MIT
# etcd.sh ELECTOR_NODE: two nodes over etcd, of one member and of three, on
# loopback. Nodes and members are killed, stopped and started again; never are
# two gates open at a time.
set -eu
node=$1
ttl=3000
command -v etcd >/dev/null 2>&1 || exit 77
# shellcheck source=diary.sh
. "$(dirname "$0")/diary.sh"
base=$((12000 + $$ % 4000)) # Not those of the tests that run beside it.

# member NUMBER COUNT: one of so many; its pid is in pid_NUMBER.
member() {
    cluster=
    for i in $(seq "$2"); do
        cluster="$cluster${cluster:+,}m$i=http://127.0.0.1:$((base + 100 * $2 + 50 + i))"
    done
    url=http://127.0.0.1:$((base + 100 * $2 + $1))
    etcd --name "m$1" --data-dir "$dir/$2-$1" --log-level error \
        --listen-client-urls "$url" --advertise-client-urls "$url" \
        --listen-peer-urls "http://127.0.0.1:$((base + 100 * $2 + 50 + $1))" \
        --initial-advertise-peer-urls "http://127.0.0.1:$((base + 100 * $2 + 50 + $1))" \
        --initial-cluster "$cluster" >>"$dir/etcd.log" 2>&1 &
    eval "pid_$1=$!"
    pids="$pids $!"
}

kill_node() {
    before=$(token)
    who=$(active)
    kill -9 "$(pid_of "$who")"
    await 10 "$before"
    echo "$1: killed -> active: $(gap "$before") ms"
    start "$who"
}

step_down() {
    before=$(token)
    kill -USR1 "$(pid_of "$(active)")"
    await 5 "$before"
    echo "$1: step-down -> active: $(gap "$before") ms"
    sleep 3.2 # Who stepped down lets others go first for a ttl.
}


echo "one member"
store="etcd one $((base + 101))"
member 1 1
start a
await 20 0
start b
sleep 1
for _ in 1 2 3; do step_down one; done
for _ in 1 2; do kill_node one; done

# A node that stands still: its gate has shut by itself when it goes on.
before=$(token)
who=$(active)
kill -STOP "$(pid_of "$who")"
await 10 "$before"
echo "one: stopped -> active: $(gap "$before") ms"
kill -CONT "$(pid_of "$who")"
sleep 1

# The store dies and comes back: whoever is active stops in time, and one is
# active again soon after.
before=$(token)
kill -9 "$pid_1"
sleep 4
member 1 1
await 15 "$before"
echo "one: the store was down for 4 s; without an active one for $(gap "$before") ms"
check_diary
check_records
for name in a b; do kill -9 "$(pid_of $name)"; done
kill -9 "$pid_1"
rm "$dir/diary"

echo "three members"
store="etcd three $((base + 301)) $((base + 302)) $((base + 303))"
for i in 1 2 3; do member $i 3; done
start a
await 20 0
start b
sleep 2
step_down three
kill_node three
for i in 1 2 3; do # One of them is the leader.
    before=$(token)
    kill -9 "$(pid_of $i)"
    sleep 3
    member $i 3
    sleep 2
    [ "$(token)" = "$before" ] || echo "three: the end of member $i ended an activity"
done
check_diary
# A leader that stood still revokes leases that the next leader has extended, and no
# client can know (etcd issue 15247, mended by its pull request 16822). Then the former
# holder is one by its own clock until its next renewal, a third of the ttl, as lease.h
# says; that one tells it that the lease is lost.
version=$(etcd --version | sed -n 's/^etcd Version: //p')
is_sound() { printf '3.5.12\n%s\n' "$version" | sort -V -C; }
for i in 1 2 3; do
    before=$(token)
    kill -STOP "$(pid_of $i)"
    sleep 3
    kill -CONT "$(pid_of $i)"
    sleep 2
    [ "$(token)" = "$before" ] || echo "three: the stop of member $i ended an activity"
done
kill_node three
if is_sound; then
    check_diary
else
    echo "etcd $version may revoke a lease that it has extended"
    check_diary $((ttl / 3))
fi
check_records
