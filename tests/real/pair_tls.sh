#!/bin/bash
# SPDX-License-Identifier: MIT
# pair_tls.sh LB_PAIR DB_FAILOVER: both over an etcd that speaks TLS, wants to see
# certificates, and has users, of whom one may use the keys of leases and nothing
# else; on loopback. What is promised:
#  - a node that was killed is replaced within the ttl and 1.5 s, and SIGTERM hands
#    over;
#  - etcd may be given by address or by name, and its certificate has to name what
#    was given;
#  - a node that trusts another authority, expects another name, shows no certificate,
#    speaks no TLS or has a wrong password says so in its log and never becomes
#    active, whether the lease is free or not;
#  - nor does one that has seen a greater token, until its --floor is removed.
set -eu -o pipefail
[ $# -eq 2 ] || { echo "usage: tests/real/pair_tls.sh LB_PAIR DB_FAILOVER" >&2; exit 2; }
lb_pair=$1 db_failover=$2
# shellcheck source=hammer.sh
. "$(dirname "$0")/hammer.sh"
need_programs etcd openssl curl
# shellcheck source=certificates.sh
. "$(dirname "$0")/certificates.sh"
port=$((19000 + $$ % 900 * 2))

# --- etcd, with the users root and pair.
issue ca etcd ,DNS:localhost,IP:127.0.0.1
issue ca node
issue other stranger
# Logins are to cost little.
start_etcd "$port" --bcrypt-cost 4
pids+=("$etcd_pid")
ask() { # PATH JSON
    curl -sf --max-time 5 --cacert "$dir/ca.pem" --cert "$dir/node.pem" --key "$dir/node.key" \
        -d "$2" "https://127.0.0.1:$port/v3/$1" >>"$dir/curl.log" 2>&1
}
base64_of() { printf %s "$1" | base64; }
until_true ask kv/range "{\"key\":\"$(base64_of a)\"}"
permission="{\"permType\":\"READWRITE\",\"key\":\"$(base64_of /infra/)\",\"range_end\":\"$(base64_of /infra0)\"}"
{
    ask auth/user/add '{"name":"root","password":"secret"}' &&
        ask auth/user/grant '{"user":"root","role":"root"}' &&
        ask auth/role/add '{"name":"leases"}' &&
        ask auth/role/grant "{\"name\":\"leases\",\"perm\":$permission}" &&
        ask auth/user/add '{"name":"pair","password":"word"}' &&
        ask auth/user/grant '{"user":"pair","role":"leases"}' &&
        ask auth/enable '{}'
} || fail "etcd takes no users: $(cat "$dir/curl.log")"

# --- Nodes. Their command only stays.
here=(--lease "etcd:127.0.0.1:$port")
user=(--user pair --password word)
tls=(--tls "$dir/ca.pem")
shown=(--tls-cert "$dir/node.pem" --tls-key "$dir/node.key")
declare -A pid
start() { # NODE OPTION...
    : >"$dir/$1.log"
    "$lb_pair" --node "$1" --group web "${@:2}" -- sleep 1000 2>>"$dir/$1.log" &
    pid[$1]=$!
    pids+=($!)
}
start_db() { # NODE OPTION...
    : >"$dir/$1.log"
    "$db_failover" --node "$1" --agent false --check pgsql,user=probe --ttl 3s \
        "${@:2}" a=127.0.0.1:1 b=127.0.0.1:2 >>"$dir/$1.log" 2>&1 &
    pid[$1]=$!
    pids+=($!)
}
says() { grep -q -- "$2" "$dir/$1.log"; }
is_active() { log_says "$1" web active; }
uptime() { awk '{ print $1 }' /proc/uptime; }
# Milliseconds from an uptime until the node became active.
until_active() { # NODE UPTIME
    awk -v since="$2" '/ web: active/ { at = $1 } END { printf "%.0f", (at - since) * 1000 }' \
        "$dir/$1.log"
}

strangers=(authority name certless stranger clear password nobody db_password)
start_strangers() {
    start authority "${here[@]}" "${user[@]}" --tls "$dir/other.pem" "${shown[@]}"
    start name "${here[@]}" "${user[@]}" "${tls[@]}" "${shown[@]}" --tls-name etcd2.example
    start certless "${here[@]}" "${user[@]}" "${tls[@]}"
    start stranger "${here[@]}" "${user[@]}" "${tls[@]}" \
        --tls-cert "$dir/stranger.pem" --tls-key "$dir/stranger.key"
    start clear "${here[@]}" "${user[@]}"
    start password "${here[@]}" "${tls[@]}" "${shown[@]}" --user pair --password wrong
    start nobody "${here[@]}" "${tls[@]}" "${shown[@]}"
    start_db db_password "${here[@]}" "${tls[@]}" "${shown[@]}" --group web --user pair --password wrong
}

start a "${here[@]}" "${user[@]}" "${tls[@]}" "${shown[@]}"
until_true is_active a
start b --lease "etcd:localhost:$port" "${user[@]}" "${tls[@]}" "${shown[@]}"
until_true stands_by b
start_strangers

# Killed: not one of them, but b.
before=$(sed -n 's/.*serves, token //p' "$dir/a.log")
since=$(uptime)
kill -9 "${pid[a]}"
end_of "${pid[a]}"
until_true is_active b
took=$(until_active b "$since")
echo "etcd over TLS, ttl 3s: killed -> active: $took ms"
[ "$took" -le 8000 ] || fail "it took $took ms"
after=$(sed -n 's/.*serves, token //p' "$dir/b.log")
[ "$after" -gt "$before" ] || fail "token $after after $before"

# By another name of the certificate. A command that does not know the gate is given
# the guard of 500 ms to end what it does.
start a "${here[@]}" "${user[@]}" "${tls[@]}" "${shown[@]}" --tls-name etcd.example
until_true stands_by a
sleep 1 # It watches the lease by then.
since=$(uptime)
kill -TERM "${pid[b]}"
wait "${pid[b]}" || fail "lb_pair ended with status $?"
until_true is_active a
took=$(until_active a "$since")
echo "etcd over TLS: SIGTERM -> active: $took ms"
[ "$took" -le 2500 ] || fail "no hand-over: $took ms, as after a ttl"

# db_failover by the same options.
start_db watcher "${here[@]}" "${user[@]}" "${tls[@]}" "${shown[@]}"
until_true says watcher 'lease active'

# The lease is free, and nobody is told so.
kill -TERM "${pid[a]}" "${pid[watcher]}"
wait "${pid[a]}" || fail "lb_pair ended with status $?"
wait "${pid[watcher]}" || fail "db_failover ended with status $?"
until_true says authority 'the store: tls'
until_true says name 'the store: tls'
# In TLS 1.3 a server that refuses a client does it after the handshake; and etcd
# hangs up on who does not speak TLS.
until_true says certless 'the store: unreachable'
until_true says stranger 'the store: unreachable'
until_true says clear 'the store: unreachable'
until_true says password 'the store: login refused (400)'
until_true says nobody 'the store: login refused (403)'
until_true says db_password 'store login refused (400)'
sleep 2 # In which one would take it.
for stranger in "${strangers[@]}"; do
    ! grep -E 'active|serves|grace|answers' "$dir/$stranger.log" || fail "$stranger knew too much"
    kill -0 "${pid[$stranger]}" || fail "$stranger has ended"
    echo "$stranger: $(grep -o 'store:* .*' "$dir/$stranger.log" | sort -u | tr '\n' ';')"
done
passed "strangers say why, and are never active"

# As if etcd had been restored from an old backup.
good=("${here[@]}" "${user[@]}" "${tls[@]}" "${shown[@]}")
echo "web 1000000" >"$dir/floor"
start c "${good[@]}" --floor "$dir/floor"
until_true says c 'fault: regressed'
start_db d "${good[@]}" --group web --floor "$dir/floor"
until_true says d 'lease fault regressed'
for node in c d; do
    ! grep -E 'active|serves' "$dir/$node.log" || fail "$node goes by an old token"
    kill -TERM "${pid[$node]}"
    wait "${pid[$node]}" || fail "$node ended with status $?"
done
[ "$(cat "$dir/floor")" = "web 1000000" ] || fail "the floor: $(cat "$dir/floor")"
rm "$dir/floor"
start c "${good[@]}" --floor "$dir/floor"
until_true is_active c
floor_is() { [ "$(cat "$dir/floor")" = "web $(sed -n 's/.*serves, token //p' "$dir/c.log")" ]; }
until_true floor_is
kill -TERM "${pid[c]}"
wait "${pid[c]}" || fail "lb_pair ended with status $?"
start_db d "${good[@]}" --group web --floor "$dir/floor"
until_true says d 'lease active'
floor_of_d() { grep -q "lease active .* token $(sed 's/web //' "$dir/floor")\$" "$dir/d.log"; }
until_true floor_of_d
passed "a token floor is kept, and believed"
