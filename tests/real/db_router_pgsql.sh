#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router_pgsql.sh DB_ROUTER: psql and pgbench through the proxy, in front of a primary
# and two standbys: what a session has stays its own although two clients share one
# connection; cancel, COPY, errors in pipelines, wrong passwords, hostile bytes; TLS with
# clients and nodes; the primary is killed and a standby promoted while a client writes.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: $0 DB_ROUTER" >&2; exit 2; }
db_router=$(realpath "$1")
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
for program in initdb postgres pg_basebackup psql pgbench; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
as_user=() # The server refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
here=$(dirname "$(realpath "$0")")
# shellcheck source=support.sh
. "$here/support.sh"
# shellcheck source=certificates.sh
. "$here/certificates.sh"
base=$((22000 + $$ % 1500 * 4)) # Below the ports that clients get.
proxy_port=$((base + 3))
export PGPASSWORD=apppw PGCONNECT_TIMEOUT=10

pg_ctl() { "${as_user[@]}" pg_ctl "$@" >>"$dir/pg_ctl.log" 2>&1 </dev/null; }
# start NODE
start() { pg_ctl -w -t 60 -D "$dir/$1" -o "-p $((base + $1))" -l "$dir/$1.log" start; }
stop_servers() {
    local n
    for n in 0 1 2; do pg_ctl -D "$dir/$n" -m immediate stop || true; done
}
trap 'stop_servers; cleanup' EXIT

make_servers() {
    chmod 755 "$dir"
    mkdir "$dir/socket"
    echo pw >"$dir/pw"
    if [ ${#as_user[@]} -gt 0 ]; then chown postgres "$dir" "$dir/socket"; fi
    "${as_user[@]}" initdb -D "$dir/0" -A scram-sha-256 --pwfile="$dir/pw" -U postgres >/dev/null
    cat >>"$dir/0/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir/socket'
fsync = off
shared_buffers = 32MB
max_connections = 60
wal_keep_size = 256MB
wal_retrieve_retry_interval = 100ms
END
    cat >"$dir/0/pg_hba.conf" <<END
local all all trust
host replication all 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
END
    if command -v openssl >/dev/null; then serve_tls; fi
    start 0
    direct 0 postgres "CREATE ROLE probe LOGIN PASSWORD 'probepw' IN ROLE pg_monitor" >/dev/null
    direct 0 postgres "CREATE ROLE app LOGIN PASSWORD 'apppw'" >/dev/null
    direct 0 postgres "CREATE ROLE proven LOGIN PASSWORD 'provenpw'" >/dev/null
    direct 0 postgres "CREATE DATABASE app OWNER app" >/dev/null
    for n in 1 2; do
        "${as_user[@]}" pg_basebackup -h 127.0.0.1 -p "$base" -U postgres -D "$dir/$n" -R -c fast
        start $n
    done
}
# The servers and the proxy have certificates of "ca".
serve_tls() {
    issue ca node ,IP:127.0.0.1
    issue ca proxy
    issue other wrong
    install -m 600 ${as_user[0]:+-o postgres} "$dir/node.key" "$dir/server.key"
    chmod 644 "$dir"/*.pem
    printf "%s\n" 'ssl = on' "ssl_cert_file = '$dir/node.pem'" "ssl_key_file = '$dir/server.key'" \
        >>"$dir/0/postgresql.conf"
}
# direct NODE DATABASE STATEMENT, as the administrator.
direct() { psql -X -q -A -t -h "$dir/socket" -p $((base + $1)) -U postgres -d "$2" -c "$3"; }
start_proxy() {
    "$db_router" --dialect pg --listen 127.0.0.1:$proxy_port --users "$dir/users" \
        --primary 127.0.0.1:$base --replica 127.0.0.1:$((base + 1)) \
        --replica 127.0.0.1:$((base + 2)) --probe-user probe \
        --probe-password-file "$dir/probe" --hold-max 60s "$@" 2>>"$dir/proxy.log" &
    proxy=$!
    pids+=("$proxy")
    for _ in $(seq 600); do
        [ "$(grep -c 'is serving\|is primary' "$dir/proxy.log")" -lt 3 ] || return 0
        sleep 0.1
    done
    fail "the proxy does not see its nodes"
}
stop_proxy() {
    kill "$proxy"
    wait "$proxy" || fail "the proxy ended with status $?"
    mv "$dir/proxy.log" "$dir/proxy.before.log"
}
through=(psql -X -q -A -t -h 127.0.0.1 -p $proxy_port -U app -d app)
# same TEXT COMMAND...
same() {
    local wanted=$1 got
    shift
    got=$("$@" 2>&1) || true
    [ "$got" = "$wanted" ] || fail "$*: \"$got\" and not \"$wanted\""
}
# What one client has written, another one sees at the standbys only later.
settle() {
    local at n
    at=$(direct 0 postgres 'SELECT pg_current_wal_flush_lsn()')
    for n in 1 2; do until_true has_replayed $n "$at"; done
}
has_replayed() { [ "$(direct "$1" postgres "SELECT pg_last_wal_replay_lsn() >= '$2'")" = t ]; }
# A client that lives: tell NAME TEXT, then its answer in $answer.
open_client() {
    mkfifo "$dir/$1.in" "$dir/$1.out"
    "${through[@]}" <"$dir/$1.in" >"$dir/$1.out" 2>&1 &
    pids+=($!)
    eval "exec {in_$1}>'$dir/$1.in' {out_$1}<'$dir/$1.out'"
}
tell() {
    local in=in_$1 out=out_$1 line
    printf '%s\n\\echo end_of_answer\n' "$2" >&"${!in}"
    answer=
    while read -r -t 60 line <&"${!out}" && [ "$line" != end_of_answer ]; do
        answer=$answer${answer:+ }$line
    done
}
says() { # NAME TEXT ANSWER
    tell "$1" "$2"
    [ "$answer" = "$3" ] || fail "$1: $2: \"$answer\" and not \"$3\""
}

test_reads_spread() {
    local ports
    "${through[@]}" -c 'CREATE TABLE t (v text)' -c "INSERT INTO t VALUES ('a')"
    ports=$(for _ in $(seq 30); do "${through[@]}" -c "SHOW port"; done | sort | uniq -c)
    [[ $ports = *$((base + 1))* && $ports = *$((base + 2))* ]] || fail "reads: $ports"
    [[ $ports != *" $base"* ]] || fail "reads at the primary: $ports"
    passed "reads go to both standbys"
}
test_own_writes() {
    open_client writer
    for n in $(seq 50); do
        says writer "INSERT INTO t VALUES ('$n'); SELECT count(*) FROM t WHERE v = '$n';" 1
    done
    passed "a client sees its own writes, fifty times"
}
test_sessions() {
    open_client a
    open_client b
    says a "SET work_mem = '7MB'; SHOW work_mem;" 7MB
    says b 'SHOW work_mem;' 4MB
    says a 'SHOW work_mem;' 7MB
    says a "BEGIN; SET work_mem = '9MB'; ROLLBACK; SHOW work_mem;" 7MB
    says a "SET search_path TO pg_catalog, public; SHOW search_path;" 'pg_catalog, public'
    says b 'SHOW search_path;' '"$user", public'
    says a 'CREATE TEMP TABLE mine (v int); INSERT INTO mine VALUES (1);' ''
    tell b 'SELECT * FROM mine;'
    [[ $answer = *'does not exist'* ]] || fail "b sees the temporary table of a: $answer"
    says a 'SELECT * FROM mine;' 1
    says a 'DROP TABLE mine;' ''
    says a 'PREPARE p AS SELECT 40 + $1; EXECUTE p(2);' 42
    tell b 'EXECUTE p(2);'
    [[ $answer = *'does not exist'* ]] || fail "b sees the prepared statement of a: $answer"
    says a 'EXECUTE p(3);' 43
    says a 'SELECT pg_advisory_lock(7);' ''
    says b 'SELECT pg_try_advisory_lock(7);' f
    says a 'SELECT pg_advisory_unlock_all();' ''
    says a 'DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 4); FETCH 2 FROM c;' '1 2'
    says b 'SELECT 5;' 5
    says a 'FETCH 2 FROM c; CLOSE c;' '3 4'
    says a 'LISTEN news;' ''
    says b 'NOTIFY news;' ''
    tell a 'SELECT 6;'
    [[ $answer = *'"news"'* ]] || { tell a 'SELECT pg_sleep(0.2);'; }
    [[ $answer = *'"news"'* ]] || fail "a hears nothing: $answer"
    says a 'DISCARD ALL; SHOW work_mem;' 4MB
    says a 'BEGIN; INSERT INTO t VALUES (1000); SELECT count(*) FROM t WHERE v = $$1000$$;' 1
    says b 'SELECT count(*) FROM t WHERE v = $$1000$$;' 0
    says a 'ROLLBACK; SELECT count(*) FROM t WHERE v = $$1000$$;' 0
    tell a 'SELECT 1/0;'
    [[ $answer = *'division by zero'* ]] || fail "an error: $answer"
    says a 'SELECT 8;' 8
    passed "what a session has stays its own"
}
# A driver that begins transactions itself, and a BEGIN that is answered by the proxy.
test_begin() {
    says a 'BEGIN; ROLLBACK; BEGIN; COMMIT; SELECT 9;' 9
    says a 'BEGIN; INSERT INTO t VALUES ($$begun$$); COMMIT; SELECT count(*) FROM t
        WHERE v = $$begun$$;' 1
    /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || return 0
    /usr/bin/python3 - $proxy_port "$base" >"$dir/begin.log" 2>&1 <<'END' || fail "psycopg2"
import sys, psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE as IDLE, TRANSACTION_STATUS_INTRANS as IN
port, primary = sys.argv[1], sys.argv[2]
def connect():
    return psycopg2.connect(host="127.0.0.1", port=port, user="app", password="apppw", dbname="app")
c = connect()
def value(statement):
    with c.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]
assert value("SHOW port") == primary, "a transaction that may write"
assert c.get_transaction_status() == IN
c.rollback()
c.set_session(readonly=True)
assert value("SHOW port") != primary, "a transaction that is READ ONLY"
try:
    value("INSERT INTO t VALUES ('no') RETURNING v")
    assert False, "a READ ONLY transaction writes"
except psycopg2.errors.ReadOnlySqlTransaction:
    c.rollback()
c = connect() # This one has tried to write nothing.
c.autocommit = True
def run(statement, status):
    with c.cursor() as cursor:
        cursor.execute(statement)
    assert c.get_transaction_status() == status, statement
run("BEGIN", IN)
run("COMMIT", IDLE)
run("BEGIN ISOLATION LEVEL REPEATABLE READ", IN)
run("SET TRANSACTION READ ONLY", IN)
assert value("SHOW port") != primary, "SET TRANSACTION READ ONLY"
assert value("SHOW transaction_isolation") == "repeatable read"
run("ROLLBACK", IDLE)
run("BEGIN", IN)
run("INSERT INTO t VALUES ('rolled back')", IN)
run("ROLLBACK", IDLE)
run("BEGIN", IN)
assert value("SELECT count(*) FROM t WHERE v = 'rolled back'") == 0
run("COMMIT", IDLE)
END
    passed "transactions of psycopg2, with and without writes"
}
test_copy() {
    same 3 "${through[@]}" -c 'CREATE TABLE c (n int)' -c "\\copy c FROM PROGRAM 'seq 3'" \
        -c 'SELECT count(*) FROM c'
    settle
    same '1
2
3' "${through[@]}" -c '\copy c TO stdout'
    "${through[@]}" -c "\\copy c FROM PROGRAM 'seq 200000'"
    settle
    same 200003 "${through[@]}" -c 'SELECT count(*) FROM c'
    same 200003 bash -c "$(printf '%q ' "${through[@]}") -c '\copy c TO stdout' | wc -l"
    local said
    said=$("${through[@]}" -c "\\copy c FROM PROGRAM 'echo 1; echo x; seq 100000'" 2>&1) || true
    [[ $said = *'invalid input syntax'* ]] || fail "COPY of a bad row: $said"
    same 1 "${through[@]}" -c 'SELECT 1'
    passed "COPY in and out, also with a bad row"
}
test_cancel() {
    local begun=$SECONDS said
    said=$(timeout -s INT 2 "${through[@]}" -c 'SELECT pg_sleep(60)' 2>&1) || true
    [ $((SECONDS - begun)) -lt 50 ] || fail "cancel has no effect: $said"
    passed "a statement is canceled"
}
test_pgbench() {
    local mode args
    pgbench -q -i -s 1 -h 127.0.0.1 -p $proxy_port -U app app >"$dir/pgbench.log" 2>&1 ||
        fail "pgbench -i"
    for mode in simple extended prepared; do
        for args in "" -S -N; do
            # shellcheck disable=SC2086
            pgbench -n -M $mode $args -c 8 -j 2 -t 100 -h 127.0.0.1 -p $proxy_port -U app app \
                >>"$dir/pgbench.log" 2>&1 || fail "pgbench -M $mode $args"
        done
    done
    ! grep -E 'failed transactions: [1-9]|aborted' "$dir/pgbench.log" || fail "pgbench has failures"
    settle
    same t "${through[@]}" -c "SELECT (SELECT sum(abalance) FROM pgbench_accounts) =
        (SELECT sum(delta) FROM pgbench_history)"
    passed "pgbench: simple, extended and prepared"
}
test_pipeline() {
    cat >"$dir/pipeline.sql" <<'END'
\startpipeline
INSERT INTO t VALUES ('pipe');
SELECT count(*) FROM t;
SELECT 1;
\endpipeline
END
    pgbench -n -M prepared -f "$dir/pipeline.sql" -c 4 -t 50 -h 127.0.0.1 -p $proxy_port -U app app \
        >>"$dir/pgbench.log" 2>&1 || fail "a pipeline"
    settle
    same 200 "${through[@]}" -c "SELECT count(*) FROM t WHERE v = 'pipe'"
    printf '\\startpipeline\nSELECT 1;\nSELECT 1/:zero;\nSELECT 2;\n\\endpipeline\n' \
        >"$dir/error.sql"
    pgbench -n -M extended -D zero=0 -f "$dir/error.sql" -c 2 -t 3 -h 127.0.0.1 -p $proxy_port \
        -U app app >>"$dir/error.log" 2>&1 || true
    grep -q 'division by zero' "$dir/error.log" || fail "no error in a pipeline"
    same 1 "${through[@]}" -c 'SELECT 1'
    passed "pipelines, also with an error in the middle"
}
test_logins() {
    local said
    said=$(PGPASSWORD=wrong "${through[@]}" -c 'SELECT 1' 2>&1) || true
    [[ $said = *'password authentication failed'* ]] || fail "a wrong password: $said"
    said=$(PGPASSWORD=wrong "${through[@]}" -U nobody -c 'SELECT 1' 2>&1) || true
    [[ $said = *'password authentication failed'* ]] || fail "an unknown user: $said"
    said=$(PGPASSWORD=provenpw "${through[@]}" -U proven -d nowhere -c 'SELECT 1' 2>&1) || true
    [[ $said = *'"nowhere" does not exist'* ]] || fail "an unknown database: $said"
    same 9 env PGPASSWORD=provenpw "${through[@]}" -U proven -c 'SELECT 9'
    same 7MB env PGOPTIONS='-c work_mem=7MB' "${through[@]}" -c 'SHOW work_mem'
    passed "logins, by password and by verifier alone"
}
# A standby that does not replay knows neither the role nor the password yet.
test_new_user() {
    local n
    for n in 1 2; do direct $n postgres 'SELECT pg_wal_replay_pause()' >/dev/null; done
    direct 0 postgres "CREATE ROLE late LOGIN PASSWORD 'latepw'" >/dev/null
    for n in 1 2 3 4; do same 4 env PGPASSWORD=latepw "${through[@]}" -U late -c 'SELECT 4'; done
    for n in 1 2; do direct $n postgres 'SELECT pg_wal_replay_resume()' >/dev/null; done
    settle
    same 5 env PGPASSWORD=latepw "${through[@]}" -U late -c 'SELECT 5'
    passed "a new user, before the standbys have heard of it"
}
test_hostile() {
    local bytes
    for bytes in '\xff\xff\xff\xff\x00\x03\x00\x00' '\x00\x00\x00\x08\x04\xd2\x16\x2fmore' \
        'GET / HTTP/1.0\r\n\r\n' '\x00\x00\x00\x09\x00\x03\x00\x00x' '\x00\x00\x00\x07'; do
        # shellcheck disable=SC2059
        (printf "$bytes"; sleep 0.2) >"/dev/tcp/127.0.0.1/$proxy_port" || true
    done 2>/dev/null
    same 1 "${through[@]}" -c 'SELECT 1'
    passed "hostile bytes end their own connection"
}
secure() { # AUTHORITY PSQL-ARGUMENT...
    local authority=$1
    shift
    psql -X -q -A -t "host=proxy.example hostaddr=127.0.0.1 port=$proxy_port user=app dbname=app
        sslmode=verify-full sslrootcert=$dir/$authority.pem" "$@"
}
test_tls() {
    local said
    [[ $(secure ca -c '\conninfo') = *TLSv1* ]] || fail "no TLS: $(secure ca -c '\conninfo')"
    same 2 secure ca -c 'SELECT 2'
    said=$(secure other -c 'SELECT 1' 2>&1) && fail "a certificate of another authority passes"
    [[ $said = *'certificate verify failed'* ]] || fail "another authority: $said"
    said=$(PGSSLMODE=disable "${through[@]}" -c 'SELECT 1' 2>&1) && fail "no TLS, and it passes"
    [[ $said = *'the proxy wants TLS'* ]] || fail "without TLS: $said"
    same t secure ca -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
    passed "TLS with clients and nodes, by the name in the certificate"
}
# hup TEXT: the proxy reads its files again, and says it.
hup() {
    local lines
    lines=$(wc -l <"$dir/proxy.log")
    kill -HUP "$proxy"
    until_true has_said "$lines" "$1"
}
has_said() { tail -n "+$(($1 + 1))" "$dir/proxy.log" | grep -qF "$2"; }
test_reload() {
    local fresh=(env PGPASSWORD=freshpw "${through[@]}" -U fresh) said
    direct 0 postgres "CREATE ROLE fresh LOGIN PASSWORD 'freshpw'" >/dev/null
    settle
    open_client stays
    says stays 'SELECT 1;' 1
    cp "$dir/users" "$dir/users.before"
    echo 'fresh freshpw' >"$dir/users"
    hup 'was read again'
    same 2 "${fresh[@]}" -c 'SELECT 2'
    said=$("${through[@]}" -c 'SELECT 1' 2>&1) && fail "a user that was removed may log in"
    says stays "SELECT 3;" 3
    echo bad >>"$dir/users"
    hup 'line 2: a line is NAME SECRET'
    same 4 "${fresh[@]}" -c 'SELECT 4'
    mv "$dir/users.before" "$dir/users"
    hup 'was read again'
    same 5 "${through[@]}" -c 'SELECT 5'
    passed "SIGHUP: users come and go, and a bad file changes nothing"
    issue other again ,DNS:proxy.example
    mv "$dir/again.key" "$dir/proxy.key"
    hup 'certificates are as before'
    same 6 secure ca -c 'SELECT 6'
    mv "$dir/again.pem" "$dir/proxy.pem"
    same 7 secure other -c 'SELECT 7'
    passed "a certificate that was replaced is the next connection's"
}
test_wrong_authority() {
    "$db_router" --dialect pg --listen 127.0.0.1:0 --users "$dir/users" \
        --primary 127.0.0.1:$base --probe-user probe --probe-password-file "$dir/probe" \
        --node-tls verify --node-tls-ca "$dir/other.pem" 2>"$dir/wrong.log" &
    local pid=$!
    pids+=("$pid")
    until_true grep -q 'is down: tls' "$dir/wrong.log"
    kill "$pid"
    wait "$pid" || fail "the proxy without nodes ended with status $?"
    passed "a node with a certificate of another authority is not used"
}
is_confirmed() {
    [ "$(direct 0 postgres "SELECT count(*) FROM pg_stat_replication
        WHERE sync_state = 'quorum'")" = 2 ]
}
test_failover() {
    # Both standbys confirm each write, so that whichever is promoted has it.
    direct 0 postgres "ALTER SYSTEM SET synchronous_standby_names = 'ANY 2 (*)'" >/dev/null
    direct 0 postgres 'SELECT pg_reload_conf()' >/dev/null
    until_true is_confirmed
    (for n in $(seq 80); do
        echo "INSERT INTO t VALUES ('f$n');"
        echo '\! sleep 0.1'
    done) | "${through[@]}" >"$dir/failover.log" 2>&1 &
    local writer=$!
    sleep 2
    pg_ctl -D "$dir/0" -m immediate stop
    sleep 2
    pg_ctl -w -D "$dir/1" promote
    wait $writer || fail "the writer ended with status $?"
    # One write may have been under way.
    [ "$(grep -c ERROR "$dir/failover.log")" -le 1 ] || fail "$(cat "$dir/failover.log")"
    local count
    count=$(direct 1 app "SELECT count(*) FROM t WHERE v LIKE 'f%'")
    [ "$count" -ge 79 ] || fail "only $count writes are there"
    grep -q "node 127.0.0.1:$((base + 1)) is primary" "$dir/proxy.log" || fail "not followed"
    # The former primary comes back as it was.
    start 0
    for _ in $(seq 300); do
        ! grep -q "node 127.0.0.1:$base is stale" "$dir/proxy.log" || break
        sleep 0.1
    done
    grep -q "node 127.0.0.1:$base is stale" "$dir/proxy.log" || fail "the old primary is not stale"
    same $((base + 1)) "${through[@]}" -c "INSERT INTO t VALUES ('x')" -c 'BEGIN' -c 'SHOW port' \
        -c COMMIT
    passed "the primary is killed, and writes go on at the next: $count of 80"
}

make_servers
verifier=$(direct 0 postgres "SELECT rolpassword FROM pg_authid WHERE rolname = 'proven'")
printf 'app apppw\nlate latepw\nproven %s\n' "$verifier" >"$dir/users"
printf probepw >"$dir/probe"
direct 0 postgres 'GRANT CONNECT ON DATABASE app TO proven' >/dev/null

start_proxy --share session
test_reads_spread
test_sessions
test_pgbench
stop_proxy
"${through[@]}" -c 'SELECT 1' 2>/dev/null && fail "the proxy still serves"
for name in a b; do rm -f "$dir/$name.in" "$dir/$name.out"; done
direct 0 app 'DROP TABLE t' >/dev/null
if grep -q '^ssl = on' "$dir/0/postgresql.conf"; then
    start_proxy --servers-max 8 --client-tls require --client-tls-cert "$dir/proxy.pem" \
        --client-tls-key "$dir/proxy.key" --node-tls verify --node-tls-ca "$dir/ca.pem"
    test_tls
    test_reload
    test_copy
    test_cancel
    pgbench -n -M prepared -N -c 4 -j 2 -t 100 -h 127.0.0.1 -p $proxy_port -U app app \
        >>"$dir/pgbench.log" 2>&1 || fail "pgbench over TLS"
    test_hostile
    stop_proxy
    direct 0 app 'DROP TABLE c' >/dev/null
    test_wrong_authority
fi
# pgbench prepares without a look at its other clients, which then keep their
# connections: there has to be one for each transaction that may be open.
start_proxy --servers-max 32 --workers 2 --defer-begin
test_reads_spread
test_own_writes
test_sessions
test_begin
test_copy
test_cancel
test_pgbench
test_pipeline
test_logins
test_new_user
test_hostile
test_failover
stop_proxy
