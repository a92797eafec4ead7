# SPDX-License-Identifier: MIT
# Sourced by db_failover_mysql.sh and db_agent_mysql.sh: three homes of MariaDB servers,
# semi-synchronous after sync and without a time-out. Needs: dir, nodes, base (the first
# port), agent, and the functions port_of, processes, until_true, fail.

# A password that has to be quoted.
replica_password="se'c\"r\\e#t 1"

end_mark="SELECT 'end_of_answer' AS before_end;"
writer_port=''
client_of() { # NODE, as the administrator; or writer
    client_env=(LC_ALL=C)
    if [ "$1" = writer ]; then
        client=(mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P "$writer_port" -u writer)
    else
        client=(mariadb --defaults-file="$DB_AGENT_DIR/$1/my.cnf" -u root)
    fi
    client+=(--connect-timeout=2 -B -n)
}
sql() { # NODE STATEMENT: sets answer, the rows of one result
    ask_again "$@" || return
    [[ $answer != *$'\n'* ]] || answer=${answer#*$'\n'}
}
# The session may end before it is answered.
shut_down() { sql "$1" SHUTDOWN 2>/dev/null || true; } # NODE
can_run() { sql "$1" 'SELECT 1'; }
declare -A row=()
look_at_replication() { # NODE. Sets: row, by the names of SHOW SLAVE STATUS
    row=()
    ask_again "$1" 'SHOW SLAVE STATUS' && split_row
}
# Sets answer: the port from which it receives now, or nothing.
source_of() {
    look_at_replication "$1" || return
    answer=''
    [ "${row[Slave_IO_Running]:-} ${row[Slave_SQL_Running]:-}" != 'Yes Yes' ] ||
        answer=${row[Master_Port]}
}
ids() { sql "$1" 'SELECT id FROM d.t'; }
is_stopped() { [ -z "$(processes "$DB_AGENT_DIR/$1/data")" ]; }

make_home() { # NODE
    local home=$DB_AGENT_DIR/$1
    mkdir -p "$home/tmp"
    echo "$replica_password" >"$home/password" && chmod 600 "$home/password"
    echo "127.0.0.1:$(port_of "$1")" >"$home/address"
    cat >"$home/my.cnf" <<END
[client]
socket = $home/socket
[mariadbd]
datadir = $home/data
socket = $home/socket
# A server that starts removes the temporary tables of others in a directory they share.
tmpdir = $home/tmp
pid_file = $home/pid
port = $(port_of "$1")
bind_address = 127.0.0.1
server_id = ${1#db}
read_only
skip_slave_start
log_bin = binlog
log_slave_updates
gtid_strict_mode
rpl_semi_sync_slave_enabled
rpl_semi_sync_master_timeout = 1000000000
rpl_semi_sync_master_wait_point = AFTER_SYNC
init_rpl_role = SLAVE
slave_net_timeout = 4
innodb_buffer_pool_size = 16M
innodb_log_file_size = 8M
innodb_flush_log_at_trx_commit = 2
sync_binlog = 0
skip_name_resolve
relay_log = relay
END
}
make_homes() {
    local n home=$DB_AGENT_DIR/db1
    for n in "${nodes[@]}"; do make_home "$n"; done
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$home/data" \
        --auth-root-authentication-method=normal --skip-test-db --tmpdir="$home/tmp" \
        >install.log 2>&1 ||
        fail "$(cat install.log)"
    # They have a history in common, and know it: else they could not tell how far they
    # are.
    "$agent" start db1
    sql db1 "CREATE DATABASE d;
        CREATE USER probe@'%' IDENTIFIED BY 'secret';
        GRANT REPLICA MONITOR, SELECT ON *.* TO probe@'%';
        CREATE USER replica@'%' IDENTIFIED BY 'se\\'c\"r\\\\e#t 1';
        GRANT ALL ON *.* TO replica@'%';
        CREATE USER writer@'%';
        GRANT ALL ON d.* TO writer@'%'"
    sql db1 'SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos'
    shut_down db1
    until_true 180 is_stopped db1
    for n in db2 db3; do cp -a "$home/data" "$DB_AGENT_DIR/$n/data"; done
}
