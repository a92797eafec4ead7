#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router_options.sh DB_ROUTER: each wrong argument, and each wrong line of the user
# file, ends with status 2 and one line that names it; help is complete.
set -u
db_router=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
fail() {
    echo "FAILED: $*" >&2
    failed=1
}
# wrong TEXT ARGUMENT...
wrong() {
    local text=$1 said
    shift
    said=$(timeout 60 "$db_router" "$@" 2>&1 >/dev/null)
    [ $? -eq 2 ] || fail "$*: not status 2: $said"
    [[ $said = *"$text"* ]] || fail "$*: not \"$text\": $said"
    [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$*: more than a line: $said"
}
# wrong_users TEXT LINE...
wrong_users() {
    local text=$1
    shift
    printf '%s\n' "$@" >"$dir/bad"
    wrong "--users $dir/bad: $text" "${good[@]}" --users "$dir/bad"
}

echo "app secret" >"$dir/users"
listen=(--listen 127.0.0.1:0)
good=(--dialect pg "${listen[@]}" --users "$dir/users" --primary 127.0.0.1:1 --probe-user p)
wrong '--dialect DIALECT is missing' "${listen[@]}"
wrong '--listen ADDR:PORT is missing' --dialect pg
wrong '--users FILE is missing' --dialect pg "${listen[@]}"
wrong '--primary ADDR:PORT is missing' --dialect pg "${listen[@]}" --users "$dir/users"
wrong '--probe-user NAME is missing' --dialect pg "${listen[@]}" --users "$dir/users" \
    --primary 127.0.0.1:1
wrong '--dialect "oracle": must be pg or mysql or mariadb' --dialect oracle
wrong 'must be ADDR:PORT' --listen 5432
wrong 'not an IPv4 address' --primary db1:5432
wrong 'node "127.0.0.1:1": given twice' --primary 127.0.0.1:1 --replica 127.0.0.1:1
wrong 'the key of a node' --primary =127.0.0.1:1
wrong 'key "db1": given twice' --primary db1=127.0.0.1:1 --replica db1=127.0.0.1:2
wrong '--failover: node "127.0.0.1:1" must be KEY=ADDR:PORT' "${good[@]}" --failover "file:$dir/lease"
wrong '--failover: --lease "zk:1": must be file:PATH or etcd:HOST:PORT' --failover zk:1
wrong '--failover: --user is for --lease etcd' "${good[@]}" --failover "file:$dir/lease" \
    --failover-user router
wrong '--failover: --password is missing: --user needs it' "${good[@]}" \
    --failover etcd:127.0.0.1:1 --failover-user router
said=$("$db_router" --dialect pg "${listen[@]}" --users "$dir/users" --primary db1=127.0.0.1:1 \
    --probe-user p --failover "file:$dir" 2>&1) && fail "it runs without a lease"
[[ $said = *"--failover: --lease file:$dir: is something else than a lease"* ]] ||
    fail "a directory as lease: $said"
wrong '"more": not an option' "${good[@]}" more
wrong '--workers "0": must be 1 to 255' --workers 0
wrong '--servers-max 1: at least one for each of --workers 2' "${good[@]}" --servers-max 1 \
    --workers 2
wrong '--share "statement": must be transaction or session' --share statement
wrong '--consistency "strong": must be own-writes or monotonic or eventual' --consistency strong
wrong '--fallback "none": must be primary or least-lagged or fail' --fallback none
wrong '--balance "best": there is no such policy' --balance best
wrong '--lag-max "3": must be a time' --lag-max 3
wrong '--lag-preferred: at most --lag-max' "${good[@]}" --lag-max 1s --lag-preferred 2s
wrong '--message-max "1": must be a size' --message-max 1
wrong '--probe-user: must not be empty' --probe-user ''
wrong "--probe-password-file $dir/none: No such file" --probe-password-file "$dir/none"
wrong "--users $dir/none: No such file" "${good[@]}" --users "$dir/none"
wrong_users 'it has no user' '# nobody'
wrong_users 'line 2: a line is NAME SECRET [DATABASE]' 'a b' 'c'
wrong_users 'line 1: a line is NAME SECRET [DATABASE]' 'a b c d'
wrong_users 'user a is there twice' 'a b' 'b c' 'a d'
wrong_users 'line 1: a SCRAM-SHA-256 verifier is' "a SCRAM-SHA-256\$4096:x"
wrong_users 'line 1: a password is 1 to 1023 printable ASCII' $'a \xc3\xa4'
wrong_users 'line 1: the line is too long' "a $(printf '%03000d' 1)"
wrong '--client-tls "on": must be off, allow or require' --client-tls on
wrong '--node-tls "prefer": must be off, require or verify' --node-tls prefer
said=$("$db_router" "${good[@]}" --node-tls verify --node-tls-ca "$dir/none" 2>&1)
if [[ $said != *'without OpenSSL'* ]]; then
    wrong "--node-tls-ca $dir/none: No such file" "${good[@]}" --node-tls verify \
        --node-tls-ca "$dir/none"
    wrong '--node-tls-ca: there is no certificate in it' "${good[@]}" --node-tls verify \
        --node-tls-ca "$dir/users"
    wrong '--client-tls-cert, --client-tls-key: not a certificate' "${good[@]}" \
        --client-tls-cert "$dir/users" --client-tls-key "$dir/users"
    wrong '--client-tls-cert is missing: --client-tls needs it' "${good[@]}" --client-tls require
    wrong '--client-tls-key is missing: --client-tls-cert needs it' "${good[@]}" \
        --client-tls-cert "$dir/users"
    wrong '--node-tls verify is missing: --node-tls-ca needs it' "${good[@]}" \
        --node-tls require --node-tls-ca "$dir/users"
    wrong '--node-tls verify is missing: --node-tls-name needs it' "${good[@]}" \
        --node-tls-name db.example
fi
said=$("$db_router" "${good[@]}" --users "$dir/bad" 2>&1)
[[ $said != *0000* ]] || fail "a secret is shown: $said"

help=$("$db_router" --help) || fail "--help: status $?"
for option in dialect listen users primary replica workers probe-user probe-password-file \
    probe-password-env probe-database sample-interval probe-timeout fall share consistency \
    balance lag-max lag-preferred replicas-min fallback fallback-rate hold-max held-max wait-max \
    clients-max servers-max message-max login-timeout connect-timeout queue-timeout \
    idle-timeout server-idle-timeout drain-timeout server-version defer-begin failover failover-group \
    failover-user failover-password-file failover-password-env failover-tls failover-tls-name \
    failover-tls-cert failover-tls-key \
    client-tls client-tls-cert client-tls-key node-tls node-tls-ca node-tls-name \
    node-tls-cert node-tls-key; do
    [[ $help = *"--$option "* ]] || fail "--help does not have --$option"
done
exit $failed
