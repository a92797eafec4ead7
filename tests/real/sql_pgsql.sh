#!/bin/bash
# SPDX-License-Identifier: MIT
# A hot standby runs every statement that is labelled replica-ok: it may not know a
# table or a function, but it never refuses one because it is a standby. Labels that
# a server contradicts would be learned by the classifier, which follows them.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/sql_pgsql.sh CASES_TSV" >&2; exit 2; }
cases=$(realpath "$1")
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
    server pg_ctl -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$dir"
}
start() {
    server pg_ctl -D "$dir/data" -w -t 300 -l "$dir/server.log" \
        -o "-p 5432 -k $dir -c listen_addresses= -c fsync=off" start >/dev/null ||
        fail "the server does not start"
}
# say STATEMENT: what the server answers, errors by their code only.
say() {
    server psql -X -q -A -t -v VERBOSITY=sqlstate -h "$dir" -U postgres -c "$1" 2>&1
}

server initdb -D "$dir/data" -A trust -U postgres -N >initdb.log 2>&1 || fail "initdb"
start
say 'CREATE TABLE t (a int, b int, c int, id int, n int, note text);
    CREATE TABLE u (a int, b int); CREATE TABLE a (id int); CREATE TABLE b (id int);
    CREATE TABLE c (id int); CREATE SEQUENCE s' >/dev/null
server pg_ctl -D "$dir/data" -w -m fast stop >/dev/null
# Without a primary it stays a standby that has nothing to replay.
server touch "$dir/data/standby.signal"
start
[ "$(say 'SELECT pg_is_in_recovery()')" = t ] || fail "it is no standby"
answer=$(say 'DELETE FROM t') || true
[[ $answer == *25006* ]] || fail "a standby lets a write pass: $answer"

asked=0 ran=0
while IFS=$'\t' read -r dialect text expected _; do
    [ "$dialect" = pg ] && [ "$expected" = replica-ok ] || continue
    asked=$((asked + 1))
    statement=$(printf '%b' "$text")
    answer=$(say "$statement") || true
    case $answer in
    *ERROR:*25006* | *ERROR:*0A000* | *ERROR:*55000*)
        fail "the standby refuses: $statement: $answer" ;;
    *ERROR:*) ;;
    *) ran=$((ran + 1)) ;;
    esac
done <"$cases"
[ "$asked" -gt 100 ] && [ "$ran" -gt 70 ] || fail "only $ran of $asked statements ran"
passed "$asked statements, $ran of them ran, and none was refused"
