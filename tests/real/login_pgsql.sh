#!/bin/bash
# SPDX-License-Identifier: MIT
# Logins between psql and PostgreSQL, by a program in the middle that knows only
# the verifiers of pg_authid. What is promised:
#  - psql logs in there, and what it has proven logs in at the server as the same
#    user, without a password in between, also one that is not ASCII;
#  - a wrong password and an unknown user look alike to psql, and not in the log;
#  - a password that has changed at the server since is told as another salt.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/login_pgsql.sh LOGIN_RELAY" >&2; exit 2; }
login_relay=$(realpath "$1")
for bin in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do PATH=$bin:$PATH; done
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs initdb pg_ctl psql
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || skip "no user postgres"
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
cd "$dir"
[ ${#as_user[@]} -eq 0 ] || chown postgres "$dir"
server() { "${as_user[@]}" env HOME="$dir" LC_ALL=C "$@"; }
cleanup() {
    { kill -9 "${pids[@]}"; wait; } 2>/dev/null || true
    server pg_ctl -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$dir"
}
base=$((9000 + $$ % 240 * 4)) # Below the ports that clients get.
relay=$((base + 1)) alone=$((base + 2))

server initdb -D "$dir/data" -A trust -U postgres -N -E UTF8 >initdb.log 2>&1 || fail "initdb"
printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >data/pg_hba.conf
server pg_ctl -D "$dir/data" -w -t 300 -l "$dir/server.log" \
    -o "-p $base -k $dir -c listen_addresses=127.0.0.1 -c fsync=off" start >/dev/null ||
    fail "the server does not start"
sql() { server psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$dir" -p "$base" -U postgres -c "$1"; }
sql "CREATE ROLE alice LOGIN PASSWORD 'pencil';
    CREATE ROLE bob LOGIN PASSWORD 'a, b = \"c\"';
    CREATE ROLE carol LOGIN PASSWORD U&'p\\00e4ssw\\00f6rd \\2168';
    CREATE ROLE dave LOGIN PASSWORD 'old'"
sql "SELECT rolname || ' ' || rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL" >users
[ "$(grep -c SCRAM-SHA-256 users)" = 4 ] || fail "$(cat users)"
sql "ALTER ROLE dave PASSWORD 'old'" # With another salt.

"$login_relay" pgsql "$relay" "$dir/users" "$base" >relay.log 2>&1 &
pids+=($!)
"$login_relay" pgsql "$alone" "$dir/users" >alone.log 2>&1 &
pids+=($!)
# log_in PORT USER PASSWORD [STATEMENT]: what psql prints.
log_in() {
    PGPASSWORD=$3 PGCONNECT_TIMEOUT=300 PGCLIENTENCODING=UTF8 psql -X -q -A -t -h 127.0.0.1 \
        -p "$1" -U "$2" -d postgres -c "${4:-SELECT current_user}" 2>&1
}
is_up() { [[ $(log_in "$1" nobody x) != *refused* ]]; }
until_true is_up "$relay"
until_true is_up "$alone"

[ "$(log_in "$relay" alice pencil)" = alice ] || fail "alice: $(log_in "$relay" alice pencil)"
[ "$(log_in "$relay" bob 'a, b = "c"')" = bob ] || fail bob
# psql normalises the last letter, a Roman numeral, to "IX" (RFC 4013).
[ "$(log_in "$relay" carol $'p\u00e4ssw\u00f6rd \u2168')" = carol ] || fail carol
[ "$(log_in "$relay" carol $'p\u00e4ssw\u00f6rd IX')" = carol ] || fail "carol, normalised"
[ "$(grep -c 'logged in onward' relay.log)" = 4 ] || fail "$(cat relay.log)"
[[ $(log_in "$alone" alice pencil) = *"logged in"* ]] || fail "alone"
[ "$(log_in "$relay" alice pencil 'SELECT count(*) FROM generate_series(1, 100000)')" = 100000 ] ||
    fail "rows"
passed "psql logs in, and so does what it has proven"

wrong=$(log_in "$relay" alice pencil2) || true
unknown=$(log_in "$relay" eve pencil2) || true
[[ $wrong = *"password authentication failed"* ]] || fail "$wrong"
[ "$wrong" = "$unknown" ] || fail "$wrong is not $unknown"
grep -qx 'alice: wrong password' relay.log || fail "not in the log"
grep -qx 'eve: unknown user' relay.log || fail "not in the log"
passed "a wrong password and an unknown user look alike"

changed=$(log_in "$relay" dave old) || true
[[ $changed = *"other salt"* ]] || fail "$changed"
bound=$(PGCHANNELBINDING=require log_in "$relay" alice pencil) || true
[[ $bound = *"channel binding"* ]] || fail "$bound"
passed "a changed salt, and a client that insists on channel binding, are refused"
