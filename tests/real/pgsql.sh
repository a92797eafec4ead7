#!/bin/bash
# SPDX-License-Identifier: MIT
# The PostgreSQL check against real servers: a primary, a streaming replica, and
# what befalls them.  What is promised:
#  - each method of login works or is told to be unknown, and a wrong password is
#    told from a server that is ill;
#  - role, writability, position and lag are what the servers themselves say;
#  - a replica of an idle primary has no lag, one that replays no more has, and one
#    whose primary is out of reach is told from it;
#  - a replica names whom it receives from, for as long as it does;
#  - a question of the host's own is answered by a table, and one that is not there
#    does not matter, unless its answer is to decide; one that writes fails where
#    writes do, or hang, while reading passes;
#  - a server that starts, stops, is full, hangs or is gone is told as such;
#  - the checks leave no complaint in the servers' logs.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/pgsql.sh PROBE_ONCE" >&2; exit 2; }
probe_once=$(realpath "$1")
for bin in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do PATH=$bin:$PATH; done
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs initdb postgres pg_basebackup psql
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || skip "no user postgres"
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

cd "$dir"
cleanup() {
    local p
    for p in "${pids[@]}"; do
        # Immediate shutdown: a postmaster that is killed leaves its children. One
        # that has only just begun does not hear it.
        for _ in {1..50}; do
            kill -CONT "$p" 2>/dev/null || break
            kill -QUIT "$p" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$p" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    cd /
    rm -rf "$dir"
}
as_server=("${as_user[@]}" env HOME="$dir" LC_ALL=C)
server() { "${as_server[@]}" "$@"; }

base=$((20000 + $$ % 3000 * 4)) # Below the ports that clients get.
primary=$base replica=$((base + 1)) third=$((base + 2))
mkdir socket
[ ${#as_user[@]} -eq 0 ] || chown -R postgres "$dir"
sql() { # PORT STATEMENT
    server psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$dir/socket" -U postgres -p "$1" -c "$2"
}

declare -A pid
start() { # NAME PORT [OPTION...]
    local name=$1 port=$2
    shift 2
    "${as_server[@]}" postgres -D "$dir/$name" -p "$port" -k "$dir/socket" "$@" \
        >>"$dir/$name.log" 2>&1 &
    pid[$name]=$!
    pids+=($!)
}

# probe PORT [NAME=VALUE...]: the fields into $reason and so on.
probe() {
    local port=$1 line
    shift
    line=$("$probe_once" pgsql 127.0.0.1 "$port" "$@") || fail "$probe_once: status $?"
    line=${line//$'\t'/$'\x1f'} # read would take two tabs as one.
    IFS=$'\x1f' read -r reason _ role writable position lag version lsn message \
        _ _ _ _ _ source answer <<<"$line"
}
# expect REASON PORT [NAME=VALUE...]
expect() {
    local want=$1
    shift
    probe "$@"
    [ "$reason" = "$want" ] || fail "$*: $reason ($message), not $want"
}
# until_is REASON PORT [NAME=VALUE...]: within ten seconds.
until_is() {
    local want=$1
    shift
    for _ in {1..100}; do
        probe "$@"
        [ "$reason" != "$want" ] || return 0
        sleep 0.1
    done
    fail "$*: still $reason ($message), not $want"
}

# --- The primary, and who may log in how.
server initdb -D "$dir/primary" -U postgres --auth=trust --no-sync -E UTF8 \
    --locale=C >/dev/null
cat >>primary/postgresql.conf <<EOF
listen_addresses = '127.0.0.1'
fsync = off
max_connections = 12
superuser_reserved_connections = 3
wal_retrieve_retry_interval = 200ms
shared_buffers = 16MB
EOF
cat >primary/pg_hba.conf <<EOF
local all,replication all trust
host replication all 127.0.0.1/32 trust
host all trusted 127.0.0.1/32 trust
host all md5 127.0.0.1/32 md5
host all clear 127.0.0.1/32 password
host all rejected 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
EOF
start primary $primary
until_is passed $primary user=monitor
sql $primary "
create role trusted login;
create role clear login password 'secret';
create role rejected login;
set password_encryption = 'md5';
create role md5 login password 'secret';
set password_encryption = 'scram-sha-256';
create role monitor login password 'secret' in role pg_monitor;
create role nobody login password 'secret';
create role reader login password 'secret';
alter role reader set default_transaction_read_only = on;
create table t (i int);
grant select on t to public"
monitor=(user=monitor password=secret)

expect passed $primary user=nowhere
[ "$version" = "" ] || fail "without a password it logged in"
expect passed $primary user=trusted
[ "$version" = "$(sql $primary 'show server_version')" ] || fail "version $version"
expect passed $primary "${monitor[@]}"
expect passed $primary user=md5 password=secret
expect 'login method unknown' $primary user=clear password=secret
expect passed $primary user=clear password=secret allow_cleartext_password=1
for user in monitor md5 clear; do
    expect 'login refused' $primary user=$user password=wrong allow_cleartext_password=1
    [[ $message = "FATAL 28P01 password authentication failed for user "* ]] ||
        fail "message $message"
done
expect 'login refused' $primary user=rejected
expect 'login refused' $primary user=monitor ask=1
expect 'server error' $primary "${monitor[@]}" database=nowhere
[ "$message" = 'FATAL 3D000 database "nowhere" does not exist' ] || fail "message $message"
expect tls $primary tls=1
passed "logins: trust, MD5, SCRAM, clear text, and what is refused"

# --- What it is.
expect passed $primary "${monitor[@]}" expect=primary
[ "$role $writable $lag" = "primary 1 -" ] || fail "primary: $role $writable $lag"
before=$position
sql $primary 'insert into t select generate_series(1, 1000)'
expect passed $primary "${monitor[@]}" ask=1
[ "$position" -gt "$before" ] || fail "position $before, then $position"
[ "$lsn" = "$(sql $primary 'select pg_current_wal_lsn()')" ] || fail "position $lsn"
expect read-only $primary user=reader password=secret expect=primary
[ "$role $writable" = "primary 0" ] || fail "reader: $role $writable"
expect 'not a replica' $primary "${monitor[@]}" expect=replica
expect passed $primary "${monitor[@]}" lag_max=1
[ "$source$answer" = - ] || fail "a primary receives from $source; answer $answer"
passed "a primary: role, writable, position"

# --- A question of the host's own.
question='question=select max(i) from t'
expect passed $primary "${monitor[@]}" "$question"
[ "$role $answer" = "unknown 1000" ] || fail "answer $answer"
expect passed $primary "${monitor[@]}" "$question" expect=primary
[ "$role $answer" = "primary 1000" ] || fail "$role, answer $answer"
expect read-only $primary user=reader password=secret expect=primary \
    'question=select 9223372036854775808'
[ "$answer" = 9223372036854775808 ] || fail "with a failure: answer $answer"
for none in 'select i from nowhere' 'select null' 'select -1' 'select i from t' \
    "select ''" 'set search_path = public' ';' 'select 1/(i-3) from t' 'select 1;select 2'; do
    expect passed $primary "${monitor[@]}" "question=$none" expect=primary
    [ "$role $answer" = "primary -" ] || fail "$none: $role, answer $answer"
done
expect passed $primary "${monitor[@]}" 'question=select i from nowhere'
[[ $message = 'ERROR 42P01 relation "nowhere" does not exist' ]] || fail "message $message"
passed "a question of the host's own"

# --- One whose answer decides, and one that writes.
sql $primary 'create table canary (n int); insert into canary values (1);
    grant select, update on canary to public'
expect passed $primary "${monitor[@]}" "$question" answer_min=1000 answer_max=1000
expect answer $primary "${monitor[@]}" "$question" answer_min=1001
[ "$answer" = 1000 ] || fail "answer $answer"
expect answer $primary "${monitor[@]}" 'question=select null' answer_max=1
expect 'server error' $primary "${monitor[@]}" 'question=select i from nowhere' answer_min=1
[[ $message = 'ERROR 42P01 relation "nowhere" does not exist' ]] || fail "message $message"
write=('question=update canary set n = n + 1 returning 1' answer_min=1)
expect passed $primary "${monitor[@]}" "${write[@]}" expect=primary
[ "$(sql $primary 'select n from canary')" = 2 ] || fail "nothing was written"
expect 'server error' $primary user=reader password=secret "${write[@]}"
[[ $message = "ERROR 25006 "* ]] || fail "message $message"
passed "a question that decides, and one that writes"

# --- The replica.
server pg_basebackup -D "$dir/replica" -R -h 127.0.0.1 -p $primary -U postgres \
    -c fast --no-sync
cp -a replica third
start replica $replica
until_is passed $replica "${monitor[@]}" expect=replica lag_max=200
[ "$role $writable $lag" = "replica 0 0" ] || fail "replica: $role $writable $lag"
sql $primary 'insert into t values (1)'
caught_up() {
    probe $primary "${monitor[@]}" ask=1
    local wanted=$position
    probe $replica "${monitor[@]}" ask=1
    [ "$position" = "$wanted" ]
}
until_true caught_up
[ "$lsn" = "$(sql $replica 'select pg_last_wal_replay_lsn()')" ] || fail "position $lsn"
[ "$source" = "127.0.0.1:$primary" ] || fail "receives from $source"
expect passed $replica "${monitor[@]}" ask=1 "$question"
[ "$answer" = 1000 ] || fail "answer $answer"
sleep 1.5
expect passed $replica "${monitor[@]}" lag_max=200
[ "$lag" = 0 ] || fail "a replica of an idle primary: lag $lag"
expect passed $replica user=nobody password=secret expect=replica lag_max=200
[ "$source" = "" ] || fail "nobody sees a source: $source"
expect read-only $replica "${monitor[@]}" expect=primary
passed "a replica: role, position, and no lag while the primary is idle"

sql $replica 'select pg_wal_replay_pause()' >/dev/null
sql $primary 'insert into t values (2)'
until_is lagging $replica "${monitor[@]}" lag_max=1500
[ "$lag" -ge 1 ] || fail "lag $lag"
expect passed $replica "${monitor[@]}" lag_max=60000
expect passed $replica "${monitor[@]}" expect=replica
sql $replica 'select pg_wal_replay_resume()' >/dev/null
until_is passed $replica "${monitor[@]}" lag_max=200
passed "replay paused: lagging"

conninfo=$(sql $replica 'show primary_conninfo')
connect_to() { # CONNINFO
    sql $replica "alter system set primary_conninfo = '${1//\'/\'\'}'"
    sql $replica 'select pg_reload_conf()' >/dev/null
}
connect_to "host=127.0.0.1 port=1"
sql $primary 'select pg_terminate_backend(pid) from pg_stat_replication' >/dev/null
until_is 'not replicating' $replica "${monitor[@]}" lag_max=1000
expect passed $replica "${monitor[@]}" expect=replica
[ "$source" = "" ] || fail "receives from $source"
connect_to "host=$dir/socket port=$primary user=postgres"
receives_from() {
    probe $replica "${monitor[@]}" ask=1
    [ "$source" = "$1" ]
}
until_true receives_from "$dir/socket:$primary"
connect_to "$conninfo"
until_is passed $replica "${monitor[@]}" lag_max=1000
until_true receives_from "127.0.0.1:$primary"
passed "the primary out of reach: not replicating"

# --- Starting, full, stopping, stopped, promoted, hanging.
start third $third -c hot_standby=off
until_is starting $third user=monitor
until_true grep -q 'started streaming' third.log
expect starting $third user=monitor
[[ $message = "FATAL 57P03 "* ]] || fail "message $message"
kill -INT "${pid[third]}"
wait "${pid[third]}" || true
expect refused $third user=monitor
passed "57P03: starting"

# One after the other: where all come at once, each sees the others and leaves.
held=()
for _ in {1..50}; do
    "${as_server[@]}" psql -X -q -h "$dir/socket" -U trusted -p $primary -d postgres \
        -c 'select pg_sleep(60)' >/dev/null 2>&1 &
    held+=($!)
    sleep 0.1
    probe $primary "${monitor[@]}" ask=1
    [ "$reason" = passed ] || break
done
[ "$reason" = 'too many connections' ] || fail "crowded: $reason ($message)"
[[ $message = "FATAL 53300 "* ]] || fail "message $message"
passed "53300: too many connections"

# Smart shutdown waits for the sessions.
kill -TERM "${pid[primary]}"
until_is stopping $primary "${monitor[@]}"
[ "$message" = "FATAL 57P03 the database system is shutting down" ] || fail "message $message"
kill -INT "${pid[primary]}"
wait "${pid[primary]}" || true
kill "${held[@]}" 2>/dev/null || true
expect refused $primary "${monitor[@]}"
until_true receives_from ""
passed "shutting down: stopping, then refused"

server pg_ctl -D "$dir/replica" promote >/dev/null
until_is passed $replica "${monitor[@]}" expect=primary
[ "$role $writable $lag" = "primary 1 -" ] || fail "promoted: $role $writable $lag"
passed "a replica is promoted"

! grep -E 'could not (receive|send) data|unexpected EOF|invalid length|message type' ./*.log ||
    fail "a check left that in a log"
passed "no complaint in the logs"

# A check that gives up leaves in anger, hence after that.
kill -STOP "${pid[replica]}"
expect 'no reply' $replica "${monitor[@]}" response_timeout=300
kill -CONT "${pid[replica]}"
until_is passed $replica "${monitor[@]}"
passed "a server that hangs: no reply"

# While writes hang, what only reads passes.
sql $replica 'begin; lock table canary; select pg_sleep(1000)' >/dev/null 2>&1 &
locked() { [ "$(sql $replica "select count(*) from pg_locks
    where mode = 'AccessExclusiveLock' and granted")" -gt 0 ]; }
until_true locked
expect 'slow reply' $replica "${monitor[@]}" "${write[@]}" response_timeout=500
expect passed $replica "${monitor[@]}" expect=primary
sql $replica "select pg_terminate_backend(pid) from pg_stat_activity
    where query like '%pg_sleep%' and pid <> pg_backend_pid()" >/dev/null
until_is passed $replica "${monitor[@]}" "${write[@]}"
passed "a question that writes, while writes hang"
