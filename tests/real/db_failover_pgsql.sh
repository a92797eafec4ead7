#!/bin/bash
# SPDX-License-Identifier: MIT
# db_failover_pgsql.sh DB_FAILOVER AGENT: three PostgreSQL servers, each write
# acknowledged by one of two replicas; the lease is in etcd, if that is there. See
# db_failover.sh.
set -eu -o pipefail

[ $# -eq 2 ] || { echo "usage: $0 DB_FAILOVER AGENT" >&2; exit 2; }
db_failover=$(realpath "$1") agent=$(realpath "$2")
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
for program in initdb postgres pg_basebackup pg_rewind psql flock; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
# The server refuses to run as root.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_failover.sh
. "$here/db_failover.sh"
base=$((21000 + $$ % 1500 * 4)) # Below the ports that clients get.
check="pgsql,user=probe"

sql() { # NODE STATEMENT: as the administrator
    PGCONNECT_TIMEOUT=2 psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$DB_AGENT_DIR/$1/socket" \
        -p "$(port_of "$1")" -U postgres -d postgres -c "$2"
}
can_run() { sql "$1" 'SELECT 1' >/dev/null; }

make_home() { # NODE
    local home=$DB_AGENT_DIR/$1
    mkdir -p "$home/socket"
    echo "127.0.0.1:$(port_of "$1")" >"$home/address"
    cat >"$home/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $(port_of "$1")
unix_socket_directories = '$home/socket'
hba_file = '$home/pg_hba.conf'
cluster_name = '$1'
synchronous_standby_names = 'ANY 1 (db1, db2, db3)'
wal_log_hints = on
wal_keep_size = 256MB
wal_retrieve_retry_interval = 100ms
wal_receiver_timeout = 5s
fsync = off
shared_buffers = 16MB
max_connections = 40
include_if_exists 'agent.conf'
END
    cat >"$home/hba.conf" <<END
local all all trust
host replication replica 127.0.0.1/32 trust
host all all 127.0.0.1/32 trust
END
    cat >"$home/hba.stopped.conf" <<END
local all postgres trust
host replication replica 127.0.0.1/32 trust
host postgres replica,probe 127.0.0.1/32 trust
END
    cp "$home/hba.conf" "$home/pg_hba.conf"
}
make_homes() {
    local n home=$DB_AGENT_DIR/db1
    chmod 755 "$dir" "$DB_AGENT_DIR"
    for n in "${nodes[@]}"; do make_home "$n"; done
    [ ${#as_user[@]} -eq 0 ] || chown -R postgres "$DB_AGENT_DIR"
    "${as_user[@]}" initdb -D "$home/data" -U postgres --auth=trust --no-sync -E UTF8 \
        --locale=C >/dev/null
    "${as_user[@]}" postgres --single -D "$home/data" -c config_file="$home/postgresql.conf" \
        -c synchronous_standby_names= postgres >/dev/null <<END
CREATE ROLE replica LOGIN SUPERUSER REPLICATION
CREATE ROLE probe LOGIN IN ROLE pg_monitor
CREATE ROLE load LOGIN
CREATE SCHEMA load AUTHORIZATION load
END
    for n in db2 db3; do cp -a "$home/data" "$DB_AGENT_DIR/$n/data"; done
}

prepare() { sql "$1" 'SET ROLE load; CREATE TABLE load.t (id bigint PRIMARY KEY)'; }
insert() {
    PGCONNECT_TIMEOUT=2 timeout 5 psql -X -q -h 127.0.0.1 -p "$1" -U load -d postgres \
        -v ON_ERROR_STOP=1 -c "INSERT INTO load.t VALUES ($2)"
}
ids() { sql "$1" 'SELECT id FROM load.t'; }
look() {
    sql "$1" "SELECT CASE WHEN pg_is_in_recovery() OR
            current_setting('default_transaction_read_only') = 'on' THEN 0 ELSE 1 END
        || ' ' || (SELECT max(token) FROM infra_failover.token)"
}
revive() {
    "${as_user[@]}" pg_ctl start -s -w -D "$DB_AGENT_DIR/$1/data" -l "$DB_AGENT_DIR/$1/log" \
        -o "-c config_file=$DB_AGENT_DIR/$1/postgresql.conf"
}
write_by_hand() {
    sql "$1" 'SELECT pg_promote(true, 30)' >by_hand
    sql "$1" 'SET synchronous_commit = local;
        INSERT INTO load.t SELECT -n FROM generate_series(1, 50000) n' 2>by_hand || true
}
source_of() {
    sql "$1" "SELECT sender_port FROM pg_stat_get_wal_receiver() WHERE status = 'streaming'"
}

lease=file:$dir/lease
! command -v etcd >/dev/null || start_etcd
main
