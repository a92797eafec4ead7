#!/bin/sh
# SPDX-License-Identifier: MIT
# etcd_tls.sh ELECTOR_NODE: nodes over an etcd that speaks TLS and wants to see
# certificates, with examples/common/tls_openssl.c, on loopback. Over it one
# is elected, hands over, and is replaced when it is killed. A node that trusts
# another authority, expects another name or none, shows no certificate, or does not
# speak TLS is told nothing (UNKNOWN, with the reason) and never becomes active,
# whether the lease is free or not.
set -eu
# shellcheck disable=SC2034 # diary.sh uses them.
node=$1 ttl=3000
for program in etcd openssl; do
    command -v $program >/dev/null 2>&1 || exit 77
done
# shellcheck source=diary.sh
. "$(dirname "$0")/diary.sh"
# shellcheck source=certificates.sh
. "$(dirname "$0")/certificates.sh"
port=$((17000 + $$ % 900 * 2))
unreachable=3 tls=12 # enum infra_lease_reason

issue ca etcd
issue ca node
issue other stranger
start_etcd "$port"
pids="$pids $etcd_pid"
# shellcheck disable=SC2034 # diary.sh uses it.
store="etcd tls $port"

# over CA NAME CERTIFICATE: how the nodes that are started next see etcd; "" is none.
over() {
    ELECTOR_TLS_CA=${1:+$dir/$1.pem} ELECTOR_TLS_NAME=$2
    ELECTOR_TLS_CERT=${3:+$dir/$3.pem} ELECTOR_TLS_KEY=${3:+$dir/$3.key}
    export ELECTOR_TLS_CA ELECTOR_TLS_NAME ELECTOR_TLS_CERT ELECTOR_TLS_KEY
}

# is_unknown NODE REASON: it is told nothing, for this reason, and is never active.
is_unknown() {
    i=0
    while [ "$(grep -c " $1 unknown $2\$" "$dir/diary")" -lt 5 ]; do
        i=$((i + 1))
        [ $i -lt 400 ] || fail "$1 was not told $2 often enough in 20 s"
        sleep 0.05
    done
    ! grep -E " $1 (activate|open|unknown ($3)\$)" "$dir/diary" || fail "$1 knew too much"
    kill -9 "$(pid_of "$1")"
    echo "$1: unknown for reason $2, and not active"
}

strangers() {
    over other etcd.example node; start authority
    over ca etcd2.example node; start name
    over ca '' node; start nameless
    over ca etcd.example ''; start nobody
    over ca etcd.example stranger; start stranger
    over '' '' ''; start clear
    for stranger in authority name nameless; do
        is_unknown $stranger $tls $unreachable
    done
    # In TLS 1.3 a server that refuses a client does it after the handshake; and etcd
    # hangs up on who does not speak TLS.
    for stranger in nobody stranger clear; do
        is_unknown $stranger $unreachable $tls
    done
}

# A node does not begin with a key that is another's.
over ca etcd.example node
if ELECTOR_TLS_KEY=$dir/stranger.key "$node" "$dir/diary" x 3000 etcd tls $port \
    2>"$dir/node.log"; then
    fail "a key of somebody else"
fi
grep -q 'bad certificates' "$dir/node.log" || fail "$(cat "$dir/node.log")"

# etcd is up when one was active; its lease runs out while the strangers try.
start a
await 20 0
before=$(token)
kill -9 "$(pid_of a)"
strangers
over ca etcd.example node
start a
await 20 "$before"
start b
sleep 1
for _ in 1 2; do
    before=$(token)
    kill -USR1 "$(pid_of "$(active)")"
    await 5 "$before"
    echo "step-down -> active: $(gap "$before") ms"
    sleep 3.2 # Who stepped down lets others go first for a ttl.
done
before=$(token)
who=$(active)
kill -9 "$(pid_of "$who")"
await 10 "$before"
echo "killed -> active: $(gap "$before") ms"
start "$who"
before=$(token)
strangers
[ "$(token)" = "$before" ] || fail "strangers ended an activity"
check_diary

# Certificates of another authority in place of all files, and an etcd that shows
# them: nodes that run read them again.
kill -9 "$etcd_pid"
rm "$dir/ca.pem" "$dir/ca.key"
issue ca etcd
issue ca node
start_etcd "$port"
pids="$pids $etcd_pid"
before=$(token)
sleep 5 # Until whoever was active is so again, or another is.
kill -USR1 "$(pid_of "$(active)")"
await 20 "$before"
echo "other certificates: a hand-over"
check_diary
