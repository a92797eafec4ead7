#!/bin/bash
# SPDX-License-Identifier: MIT
# db_failover_options.sh DB_FAILOVER TLS: each wrong argument ends with status 2 and one
# line that names it; what the system refuses ends with status 1; help is complete.
set -u
db_failover=$1 tls=$2 # yes or no: can it.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
fail() {
    echo "FAILED: $*" >&2
    failed=1
}
# wrong STATUS TEXT ARGUMENT...
wrong() {
    local status=$1 text=$2 said
    shift 2
    said=$(timeout 10 "$db_failover" "$@" 2>&1 >/dev/null)
    [ $? -eq "$status" ] || fail "$*: not status $status: $said"
    [[ $said = *"$text"* ]] || fail "$*: not \"$text\": $said"
    [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$*: more than a line: $said"
}

a=a=127.0.0.1:1 b=b=127.0.0.1:2 c=c=[::1]:1
good=(--lease "file:$dir/lease" --node w --agent true --check pgsql,user=probe)
wrong 2 '--lease is missing' --node w --agent true --check pgsql,user=x $a $b
wrong 2 '--node is missing' --lease "file:$dir/lease" --agent true --check pgsql,user=x $a $b
wrong 2 '--agent is missing' --lease "file:$dir/lease" --node w --check pgsql,user=x $a $b
wrong 2 '--check is missing' --lease "file:$dir/lease" --node w --agent true $a $b
wrong 2 '--lease "zookeeper": must be file:PATH or etcd:HOST:PORT,...' --lease zookeeper
wrong 2 '--lease "vrrp:1": must be file:PATH or etcd:HOST:PORT' --lease vrrp:1
wrong 2 '--lease etcd "127.0.0.1": must be ADDR:PORT' --lease etcd:127.0.0.1:1,127.0.0.1
wrong 2 'port must be 1 to' --lease etcd:127.0.0.1:0
wrong 2 '--node "a b": must be 1 to 63 letters' --node 'a b'
wrong 2 '--group "": must be' --group ''
wrong 2 '--agent: must not be empty' --agent ''
wrong 2 '--check: must be mysql or pgsql' --check redis
wrong 2 'sorrow' --check mysql,sorrow=1
wrong 2 'invalid argument' --check "pgsql,user=x,question="
wrong 2 '--ttl "3": must be a time' --ttl 3
wrong 2 '--ttl of 1 ms: must be 100ms to 60m' "${good[@]}" --ttl 1ms $a $b
etcd=("${good[@]}" --lease etcd:127.0.0.1:2379)
wrong 2 '--ttl: with etcd it must be whole seconds' "${etcd[@]}" --ttl 2500ms $a $b
wrong 2 '--user is for --lease etcd' "${good[@]}" --user a --password b $a $b
wrong 2 '--password is missing: --user needs it' "${etcd[@]}" --user a $a $b
wrong 2 '--tls is missing: --tls-name needs it' "${etcd[@]}" --tls-name a $a $b
wrong 2 '--tls-key is missing: --tls-cert needs it' "${etcd[@]}" --tls-cert a $a $b
if [ "$tls" = yes ]; then
    wrong 1 "--tls $dir/none: No such file or directory" "${etcd[@]}" --tls "$dir/none" $a $b
else
    wrong 2 '--tls: this program was built without OpenSSL' "${etcd[@]}" --tls "$dir/none" $a $b
fi
wrong 1 '--lease etcd "no..such.host":' "${good[@]}" --lease etcd:no..such.host:1 $a $b
wrong 2 '--fall "0": must be 1 to 1000' --fall 0
wrong 2 '--dead-votes-min "17": must be 1 to 16' --dead-votes-min 17
wrong 2 '--dead-votes-min 3: only this process and 1 replicas vote' "${good[@]}" --dead-votes-min 3 $a $b
wrong 2 '--sync-acks "some": must be 0 to 15' --sync-acks some
wrong 2 '--sync-acks 2: must be less than the 2 databases that are not async' \
    "${good[@]}" --sync-acks 2 $a $b $c,async
wrong 2 '--unfenced "maybe": must be retry or proceed' --unfenced maybe
wrong 2 '--unfenced proceed: needs --sync-acks' "${good[@]}" --unfenced proceed $a $b
wrong 2 '--loss "some": must be refuse or accept' --loss some
wrong 2 '--inter "922337204m": must be a time' "${good[@]}" --inter 922337204m $a $b
wrong 2 '--sync-acks "4294967295": must be 0 to' "${good[@]}" --sync-acks 4294967295 $a $b
wrong 2 '--sample-age-max: must be at least twice --inter' "${good[@]}" --sample-age-max 1s --inter 1s $a $b
wrong 2 '--sample-age-max of 2000 ms: must be at least the time-outs of --check together, 3000 ms' \
    "${good[@]}" --sample-age-max 2s $a $b
slow=("${good[@]:0:6}" --check)
wrong 2 'together, 5001 ms' "${slow[@]}" pgsql,user=x,connect_timeout=1ms,response_timeout=5s $a $b
wrong 2 'together, 6000 ms' "${slow[@]}" mysql,user=x,tls=1,connect_timeout=2s $a $b
wrong 2 'together, 7000 ms' "${slow[@]}" \
    'mysql,user=x,connect_timeout=5s,question=SELECT 1\,connect_timeout=1ms' $a $b
wrong 2 'no database may be promoted: all are never' "${good[@]}" $a,never $b,never
wrong 2 'no database may be promoted: all that are not async are never' \
    "${good[@]}" --sync-acks 1 $a,never $b,never $c,async
wrong 2 'at least two databases are needed' "${good[@]}" $a
wrong 2 'database "127.0.0.1/8:1": not an IPv4 address' "${good[@]}" a=127.0.0.1/8:1 $b
wrong 2 'database "[::1/99]:1": not an IPv6 address' "${good[@]}" "a=[::1/99]:1" $b
wrong 2 'database "[::1]/99:1":' "${good[@]}" "a=[::1]/99:1" $b
wrong 2 'database "127.0.0.1:1/99":' "${good[@]}" a=127.0.0.1:1/99 $b
wrong 2 'database "127.0.0.1:1": must be KEY=ADDR:PORT' "${good[@]}" 127.0.0.1:1
wrong 2 'database "localhost:1": not an IPv4 address' "${good[@]}" a=localhost:1
wrong 2 'database "-": must be 1 to 63 letters' "${good[@]}" -- -=127.0.0.1:1
wrong 2 'given twice' "${good[@]}" $a a=127.0.0.1:2
wrong 2 'given twice' "${good[@]}" $a b=127.0.0.1:1
wrong 2 '"first" is not priority=N, never or async' "${good[@]}" $a,first $b
wrong 2 'priority must be a number' "${good[@]}" $a,priority=high $b
wrong 2 "unrecognized option '--what'" --what
wrong 2 '--tell: a command is missing' --tell "$dir/control"
wrong 1 'control: No such file or directory' --tell "$dir/control" status
wrong 1 'invalid argument' "${good[@]}" --half-life 1ms $a $b
echo x >"$dir/floor"
wrong 1 'floor: a line is not GROUP TOKEN' "${good[@]}" --floor "$dir/floor" $a $b
wrong 1 'File name too long' "${good[@]}" --control "$dir/$(printf '%0120d' 0)" $a $b
mkdir "$dir/taken"
echo "no lease" >"$dir/other"
wrong 1 'other: is something else than a lease' --lease "file:$dir/other" "${good[@]:2}" $a $b
wrong 1 'taken: Address already in use' "${good[@]}" --control "$dir/taken" $a $b

help=$("$db_failover" --help) || fail "--help: status $?"
for option in lease node ttl floor user password password-file password-env tls tls-name tls-cert tls-key group agent on-primary check control inter fall sample-age-max \
    dead-votes-min sync-acks unfenced fence-timeout collect-timeout loss order-timeout agent-timeout recovery-interval half-life \
    tell help; do
    [[ $help = *"--$option"* ]] || fail "--help does not know --$option"
done

# A process at work, and its commands.
"$db_failover" "${good[@]}" --control "$dir/control" $a $b >"$dir/log" 2>&1 &
pid=$!
trap 'kill -9 $pid 2>/dev/null; rm -rf "$dir"' EXIT
for _ in {1..100}; do [ ! -S "$dir/control" ] || break; sleep 0.05; done
tell() { "$db_failover" --tell "$dir/control" "$@"; }
[[ $(tell status) = "ok node w lease "* ]] || fail "status: $(tell status)"
[ "$(stat -c %a "$dir/control")" = 700 ] || fail "others may command: $(stat -c %a "$dir/control")"
! said=$(tell switchover a) && [[ $said = "no node w "* ]] || fail "switchover: $said"
! said=$(tell switchover z) && [ "$said" = 'no: there is no database "z"' ] || fail "switchover z: $said"
! said=$(tell admit a) && [[ $said = "no node w "* ]] || fail "admit: $said"
! said=$(tell dance) && [[ $said = "no: must be status, switchover KEY"* ]] || fail "dance: $said"
tell pause >"$dir/said" && tell resume >"$dir/said" || fail "pause, resume: $(cat "$dir/said")"
wrong 1 'control: Address already in use' "${good[@]}" --control "$dir/control" $a $b
kill -TERM $pid
wait $pid || fail "SIGTERM: status $?"
[ ! -e "$dir/control" ] || fail "the socket is left behind"
exit $failed
