# SPDX-License-Identifier: MIT
# Sourced by db_failover_pgsql.sh and db_agent_pgsql.sh: three homes of PostgreSQL
# servers; one of two standbys confirms each write. Needs: dir, nodes, base (the first
# port), as_user (a command that makes a process the owner's), and the function port_of.

end_mark='\echo end_of_answer'
writer_port=''
client_of() { # NODE, as the administrator; or writer
    client_env=(PGCONNECT_TIMEOUT=2 'PGOPTIONS=-c client_min_messages=error')
    client=(psql -X -q -A -t -w -v ON_ERROR_STOP=1 -d postgres)
    if [ "$1" = writer ]; then
        client+=(-h 127.0.0.1 -p "$writer_port" -U load)
    else
        client+=(-h "$DB_AGENT_DIR/$1/socket" -p "$(port_of "$1")" -U postgres)
    fi
}
sql() { ask_again "$@"; } # NODE STATEMENT: sets answer
can_run() { sql "$1" 'SELECT 1'; }
# Sets answer: the port from which it receives now, or nothing.
source_of() {
    sql "$1" "SELECT sender_port FROM pg_stat_get_wal_receiver() WHERE status = 'streaming'"
}
ids() { sql "$1" 'SELECT id FROM load.t'; }

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
