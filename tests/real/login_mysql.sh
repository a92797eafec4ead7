#!/bin/bash
# SPDX-License-Identifier: MIT
# Logins between MariaDB's client and server, by a program in the middle that knows
# only hashes. What is promised:
#  - the client logs in there by mysql_native_password, and what it has proven logs
#    in at the server as the same user, without a password in between;
#  - it logs in by caching_sha2_password, on the fast path, and on the full path
#    where the connection is a socket in the file system;
#  - it is switched to the method that the stored hash is for;
#  - a wrong password and an unknown user look alike to it, and not in the log.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/login_mysql.sh LOGIN_RELAY" >&2; exit 2; }
login_relay=$(realpath "$1")
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs mariadb mariadbd mariadb-install-db
cd "$dir"
base=$((8000 + $$ % 240 * 4)) # Below the ports that clients get.
onward=$((base + 1)) sha2=$((base + 2)) native=$((base + 3))

mkdir tmp # A server that starts removes the temporary tables of others in a shared one.
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" --tmpdir="$dir/tmp" \
    --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || fail "no data"
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --tmpdir="$dir/tmp" \
    --port="$base" --bind-address=127.0.0.1 --pid-file="$dir/pid" \
    --innodb-buffer-pool-size=16M --innodb-log-file-size=8M >server.log 2>&1 &
pids+=($!)
sql() { mariadb --no-defaults -S "$dir/socket" -u root -N -B -e "$1"; }
until_true sql 'SELECT 1' >/dev/null
sql "CREATE USER alice@'%' IDENTIFIED BY 'secret'; CREATE USER bob@'%' IDENTIFIED BY 'old';
    CREATE DATABASE d; GRANT ALL ON d.* TO alice@'%'"
sql "SELECT CONCAT(User, ' ', Password) FROM mysql.user WHERE User IN ('alice', 'bob')" >users
[ "$(grep -c '\*' users)" = 2 ] || fail "$(cat users)"
sql "ALTER USER bob@'%' IDENTIFIED BY 'new'"
# carol: SHA256(SHA256('secret')); alice as in the server.
{
    echo 'carol *3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534AE7'
    grep alice users
} >hashes

"$login_relay" native "$onward" "$dir/users" "$base" >onward.log 2>&1 &
pids+=($!)
"$login_relay" sha2 "$sha2" "$dir/hashes" >sha2.log 2>&1 &
pids+=($!)
"$login_relay" native "$native" "$dir/hashes" >native.log 2>&1 &
pids+=($!)
"$login_relay" sha2 "$dir/local" "$dir/hashes" >local.log 2>&1 &
pids+=($!)
# log_in USER PASSWORD OPTION...: what the client prints.
log_in() {
    local user=$1 password=$2
    shift 2
    mariadb --no-defaults --skip-ssl -u "$user" -p"$password" -N -B "$@" 2>&1
}
tcp() { log_in "$2" "$3" -h 127.0.0.1 -P "$1" "${@:4}"; }
is_up() { [[ $(tcp "$1" nobody x) = *"Access denied"* ]]; }
for port in $onward $sha2 $native; do until_true is_up "$port"; done
until_true test -S local

who='SELECT CURRENT_USER()'
[ "$(tcp "$onward" alice secret -e "$who")" = 'alice@%' ] || fail "alice: $(tcp "$onward" alice secret -e "$who")"
[ "$(tcp "$onward" alice secret d -e 'SELECT DATABASE()')" = d ] || fail "alice in d"
[ "$(tcp "$onward" alice secret -e 'SELECT REPEAT("x", 100000)' | wc -c)" = 100001 ] || fail "rows"
[ "$(grep -c 'alice: logged in onward' onward.log)" = 3 ] || fail "$(cat onward.log)"
changed=$(tcp "$onward" bob old -e "$who") || true
[[ $changed = *1045*"refused by the server"* ]] || fail "$changed"
passed "the client logs in, and so does what it has proven"

[[ $(tcp "$sha2" carol secret) = *"logged in"* ]] || fail "carol"
[ "$(tail -n 1 sha2.log)" = 'carol: caching_sha2_password' ] || fail "$(cat sha2.log)"
[[ $(tcp "$sha2" alice secret) = *"logged in"* ]] || fail "alice, switched"
[ "$(tail -n 1 sha2.log)" = 'alice: mysql_native_password' ] || fail "$(cat sha2.log)"
[[ $(tcp "$native" carol secret) = *"logged in"* ]] || fail "carol, switched"
[ "$(tail -n 1 native.log)" = 'carol: caching_sha2_password' ] || fail "$(cat native.log)"
passed "caching_sha2_password on the fast path, and the switch from and to it"

[[ $(log_in carol secret -S "$dir/local") = *"logged in"* ]] || fail "carol, local"
[[ $(log_in alice secret -S "$dir/local") = *"logged in"* ]] || fail "alice, local"
[ "$(tail -n 1 local.log)" = 'alice: caching_sha2_password' ] || fail "$(cat local.log)"
[[ $(log_in alice secreT -S "$dir/local") = *"Access denied"* ]] || fail "alice, local, wrong"
[ "$(tail -n 1 local.log)" = 'alice: wrong password' ] || fail "$(cat local.log)"
passed "caching_sha2_password on the full path, where that is safe"

for port in $onward $sha2 $native; do
    wrong=$(tcp "$port" alice secret2) || true
    unknown=$(tcp "$port" eve secret2) || true
    [[ $wrong = *1045*"Access denied"* ]] || fail "$wrong"
    [ "$wrong" = "$unknown" ] || fail "$wrong is not $unknown"
done
for log in onward sha2 native; do
    grep -qx 'alice: wrong password' $log.log || fail "not in the log"
    grep -qx 'eve: unknown user' $log.log || fail "not in the log"
done
passed "a wrong password and an unknown user look alike"
