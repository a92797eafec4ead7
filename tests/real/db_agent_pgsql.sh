#!/bin/bash
# SPDX-License-Identifier: MIT
# db_agent_pgsql.sh AGENT: three PostgreSQL servers and their agent. See db_agent.sh.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: $0 AGENT" >&2; exit 2; }
agent=$(realpath "$1")
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
for program in initdb postgres pg_basebackup pg_rewind psql flock; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_homes.sh
. "$here/db_homes.sh"
base=$((10000 + $$ % 500 * 4)) # Below the ports that clients get.
# shellcheck source=db_homes_pgsql.sh
. "$here/db_homes_pgsql.sh"
# shellcheck source=db_agent.sh
. "$here/db_agent.sh"

write() {
    sql "$1" "SET synchronous_commit = local; SET client_min_messages = warning;
        CREATE TABLE IF NOT EXISTS load.t (id bigint PRIMARY KEY);
        GRANT ALL ON load.t TO load; INSERT INTO load.t VALUES ($2)"
}
statement="SET synchronous_commit = local; INSERT INTO load.t VALUES"
some_id=1000
insert_somewhere() { # NODE
    some_id=$((some_id + 1))
    insert "$(port_of "$1")" $some_id || fail "$1 takes no writes: the test is wrong"
}
make_writable() { sql "$1" 'SELECT pg_promote(true, 30)' && [ "$answer" = t ]; }
by_hand() { # NODE start|stop
    "${as_user[@]}" pg_ctl "$2" -s -w -m fast -D "$DB_AGENT_DIR/$1/data" -l "$DB_AGENT_DIR/$1/log" \
        -o "-c config_file=$DB_AGENT_DIR/$1/postgresql.conf"
}
restart() {
    by_hand "$1" stop
    "${as_user[@]}" touch "$DB_AGENT_DIR/$1/data/standby.signal"
    start_node "$1"
}
revive() {
    # It was killed, and nobody may have asked for its status yet.
    rm -f "$DB_AGENT_DIR/$1/data/"{standby.signal,postmaster.pid} \
        "$DB_AGENT_DIR/$1/socket/".s.PGSQL.*.lock
    by_hand "$1" start
}
has_received() { # NODE SOURCE
    sql "$2" 'SELECT pg_current_wal_flush_lsn()' &&
        sql "$1" "SELECT pg_last_wal_receive_lsn() >= '$answer'" && [ "$answer" = t ]
}
stands_still() {
    sql db1 'SELECT pg_wal_replay_pause()'
    write db3 601
    until_true 180 has_received db1 db3
    has_not db1 601
    expect 0 10 detach db1
    has db1 601 || fail "detached, and 601 is not there"
    follow 10 db1 db3
    passed "a replay that is paused goes on before it is detached"
}
# A copy begins with a checkpoint of its source.
block_clones() {
    sql db3 "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    checkpointer=$answer
    kill -STOP "$checkpointer"
}
release_clones() { kill -CONT "$checkpointer"; }
is_blocked() {
    sql db3 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_basebackup'" &&
        [ "$answer" != 0 ]
}
# Its stream is ended in the middle.
copy_is_cut() {
    block_clones
    (
        close_sessions
        until is_blocked 2>/dev/null; do nap 0.05; done
        sql db3 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'pg_basebackup'"
        release_clones
    ) &
    jobs_started+=($!)
}
copy_is_whole() { :; }
after_copies() { :; }

main
