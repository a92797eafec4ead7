#!/bin/sh
# SPDX-License-Identifier: MIT
# check_lb_pair.sh LB_PAIR TLS: its arguments; TLS is yes or no: can it. Whatever is wrong is said in one line that
# names it, with status 2, and nothing is opened or started.
set -eu
lb_pair=$1 tls=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# wrong WHAT ARGUMENT...: it says WHAT, in one line.
wrong() {
    what=$1
    shift
    status=0
    "$lb_pair" "$@" >"$dir/out" 2>"$dir/said" || status=$?
    if [ $status -ne 2 ] || [ -s "$dir/out" ] || ! grep -qF -- "$what" "$dir/said" ||
        [ "$(wc -l <"$dir/said")" -ne 1 ]; then
        echo "lb_pair $*: status $status: $(cat "$dir/said"), and not: $what"
        failures=$((failures + 1))
    fi
}

# with WHAT ARGUMENT...: among those that are right; COMMAND leaves a mark.
file="--lease file:$dir/lease --node a --group web"
mark="touch $dir/mark"
with() {
    what=$1
    shift
    # shellcheck disable=SC2086
    wrong "$what" $file "$@" -- $mark
}
vrrp() {
    what=$1
    shift
    # shellcheck disable=SC2086
    wrong "$what" --lease vrrp:51 --node a --interface lo "$@" -- $mark
}

wrong '--lease is missing'
wrong '--node is missing' --lease "file:$dir/lease"
wrong '--group is missing' --lease "file:$dir/lease" --node a
# shellcheck disable=SC2086
wrong 'COMMAND is missing' $file
with 'lease "fil:x": must be file:PATH or etcd:HOST:PORT,... or vrrp:VRID' --lease fil:x
with 'lease "file:": must be' --lease file:
with 'etcd "127.0.0.1": must be ADDR:PORT' --lease etcd:127.0.0.1:2379,127.0.0.1
with 'etcd "": must be ADDR:PORT' --lease etcd:
with 'etcd "10.0.1:1": not an IPv4 address' --lease etcd:10.0.1:1
with 'etcd "::1:2379": not an IPv4 address' --lease etcd:::1:2379
with 'etcd "[::1:2379": must be' --lease 'etcd:[::1:2379'
with 'etcd "fe80::1:2379": must be HOST:PORT, with an IPv6' --lease etcd:fe80::1:2379
with 'etcd "localhost": must be HOST:PORT' --lease etcd:localhost
with 'etcd "a b:1": must be HOST:PORT' --lease 'etcd:a b:1'
with 'etcd "localhost:0": port must be 1 to 65535' --lease etcd:localhost:0
with 'etcd "localhost:65536": port must be' --lease etcd:localhost:65536
with 'etcd "localhost:http": port must be' --lease etcd:localhost:http
with 'at most 16 members' --lease "etcd:$(seq -s, -f 'm%g:1' 17)"
with 'vrrp "256": must be 1 to 255' --lease vrrp:256
with '--node "a/b": must be 1 to 63 letters' --node a/b
with '--node "": must be 1 to 63 letters' --node ''
with '--node "-a": must be 1 to 63 letters' --node -a
with '--group "..": must be 1 to 63 letters' --group ..
with '--group "web": given twice' --group web
with '"adress=10.0.0.1/24" is neither' --group b,adress=10.0.0.1/24
with 'address "10.0.0.1" must be ADDR/PREFIX' --group b,address=10.0.0.1
with 'address "10.0.0.1/33" must be ADDR/PREFIX' --group b,address=10.0.0.1/33
with 'address "10.0.0/8" must be ADDR/PREFIX' --group b,address=10.0.0/8
with 'address "::1/129" must be ADDR/PREFIX' --group b,address=::1/129
with 'address "10.0.0.1/8": given twice' \
    --group b,address=10.0.0.1/24 --group c,address=10.0.0.1/8
with 'preference must be 0 to 255' --group b,preference=256
with 'preference must be 0 to 255' --group b,preference=
with '--down is missing' --up true
with '--up is missing' --down true
with '--fence: must not be empty' --fence ''
with 'address= needs --interface, or --up and --down' --group b,address=10.0.0.1/24
with '--interface needs an address=' --interface lo
with '--interface does not go with --lease file' --interface lo \
    --group b,address=10.0.0.1/24
with '--ttl "3": must be a time' --ttl 3
with '--ttl of 50 ms: must be 100ms to 60m' --ttl 50ms
with '--ttl of 3000 ms with --drain' --drain 2s
with '--attest: must be 100ms at least' --attest 50ms
with '--limit "0s": must be a time' --limit 0s
with '--user is for --lease etcd' --user a --password b
with '--tls is for --lease etcd' --tls "$dir/ca"
etcd='--lease etcd:127.0.0.1:2379'
long=$(printf '%0128d' 0)
# shellcheck disable=SC2086
{
    with '--password is missing: --user needs it' $etcd --user a
    with '--password-file /nowhere: No such file' $etcd --password-file /nowhere
    with '--password-env NONE_HAS_IT: the environment has to have it' $etcd --password-env NONE_HAS_IT
    with '--user is missing: --password needs it' $etcd --password b
    with '--user: must be 1 to 127 bytes' $etcd --user "$long"
    with '--password: must be 1 to 127 bytes' $etcd --password "$long"
    with '--tls: must not be empty' $etcd --tls ''
    with '--tls is missing: --tls-name needs it' $etcd --tls-name a
    with '--tls is missing: --tls-cert needs it' $etcd --tls-cert a --tls-key b
    with '--tls-key is missing: --tls-cert needs it' $etcd --tls-cert a
    with '--tls-cert is missing: --tls-key needs it' $etcd --tls-key b
}
with '--ttl: with etcd it must be whole seconds, 2s at least' \
    --lease etcd:127.0.0.1:2379 --ttl 2500ms
with '--ttl: with etcd it must be' --lease etcd:127.0.0.1:2379 --ttl 1s
with "unrecognized option '--what'" --what
v=web,address=10.0.0.1/24
vrrp '--fence does not go with --lease vrrp' --group $v --fence true
vrrp '--attest does not go with --lease vrrp' --group $v --attest 1s
vrrp '--drain does not go with --lease vrrp' --group $v --drain 1s
vrrp '--ttl does not go with --lease vrrp' --group $v --ttl 3s
vrrp '--floor does not go with --lease vrrp' --group $v --floor "$dir/floor"
for option in limit drain attest ttl; do
    with "--$option \"922337204m\": must be a time" --$option 922337204m
    with "--$option \"525601m\": must be a time" --$option 525601m
done
vrrp '--user is for --lease etcd' --group $v --user a --password b
vrrp '--tls is for --lease etcd' --group $v --tls "$dir/ca"
vrrp 'no VRIDs are left for 2 groups' --group $v \
    --group b,address=10.0.0.2/24 --lease vrrp:255
vrrp 'with VRRP preference must be 1 to 254' --group $v,preference=255
vrrp 'VRRP needs one group for IPv4 and one for IPv6' --group $v,address=fe80::1/64
vrrp 'with VRRP the first IPv6 address must be link-local' \
    --group web,address=2001:db8::1/64
wrong '--lease vrrp needs --interface' --lease vrrp:51 --node a --group $v \
    --up true --down true -- true
wrong 'VRRP needs an address=' --lease vrrp:51 --node a --interface lo --group $v \
    --group b -- true
many=
for i in $(seq 17); do many="$many --group g$i"; done
# shellcheck disable=SC2086
wrong '--group: at most 16' --lease "file:$dir/lease" --node a $many -- true

if [ -e "$dir/mark" ] || [ -e "$dir/lease" ]; then
    echo "something was done"
    failures=$((failures + 1))
fi

# What the system refuses has status 1, and starts nothing either.
refused() {
    what=$1
    shift
    status=0
    timeout 10 "$lb_pair" --node a --group web "$@" -- touch "$dir/mark" >"$dir/out" 2>&1 || status=$?
    if [ $status -ne 1 ] || ! grep -qF -- "$what" "$dir/out" || [ -e "$dir/mark" ]; then
        echo "lb_pair $*: status $status: $(cat "$dir/out"), and not: $what"
        failures=$((failures + 1))
    fi
}
refused "file:$dir/none/lease: No such file or directory" --lease "file:$dir/none/lease"
refused 'something else than a lease' --lease "file:$dir"
refused '--floor' --lease "file:$dir/lease" --floor "$dir"
refused ': Is a directory' --lease "file:$dir/lease" --floor "$dir"
refused 'etcd "no..such.host":' --lease etcd:no..such.host:2379
for line in nonsense 'web' 'web ' 'web x' 'web -1' 'web 1 2' 'web 99999999999999999999' ' 1' ''; do
    printf '%s' "${line:+$line
}" >"$dir/floor"
    cp "$dir/floor" "$dir/before"
    refused 'a line is not GROUP TOKEN, or there is none' --lease "file:$dir/lease" --floor "$dir/floor"
    cmp -s "$dir/floor" "$dir/before" || { echo "the floor was changed"; failures=1; }
done
printf 'web 7' >"$dir/floor"
refused 'a line is not GROUP TOKEN' --lease "file:$dir/lease" --floor "$dir/floor"
if [ "$tls" = yes ]; then
    echo nonsense >"$dir/ca"
    # shellcheck disable=SC2086
    {
        refused "--tls $dir/none: No such file or directory" $etcd --tls "$dir/none"
        refused "--tls $dir/ca: there is no certificate in it" $etcd --tls "$dir/ca"
    }
else
    # shellcheck disable=SC2086
    with '--tls: this program was built without OpenSSL' $etcd --tls "$dir/ca"
fi

"$lb_pair" --help >"$dir/out" 2>"$dir/said"
for option in $("$lb_pair" --help | grep -o -- '--[a-z]*' | sort -u) --lease --node \
    --group --interface --up --down --fence --limit --ttl --drain --attest --preempt \
    --floor --user --password --password-file --password-env --tls --tls-name --tls-cert --tls-key; do
    grep -qF -- "$option" "$dir/out" || { echo "--help has no $option"; failures=1; }
done
[ ! -s "$dir/said" ] || { echo "--help says $(cat "$dir/said")"; failures=1; }
exit $((failures > 0))
