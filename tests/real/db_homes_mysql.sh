# SPDX-License-Identifier: MIT
# Sourced by db_failover_mysql.sh and db_agent_mysql.sh: three homes of MariaDB servers,
# semi-synchronous after sync and without a time-out. Needs: dir, nodes, base (the first
# port), agent, and the functions port_of, processes, until_true, fail.

# A password that has to be quoted.
replica_password="se'c\"r\\e#t 1"

sql() { # NODE STATEMENT: as the administrator
    timeout 10 mariadb --defaults-file="$DB_AGENT_DIR/$1/my.cnf" --connect-timeout=2 -u root -N -B -e "$2"
}
can_run() { sql "$1" 'SELECT 1' >/dev/null; }
is_stopped() { [ -z "$(processes "$DB_AGENT_DIR/$1/data")" ]; }

make_home() { # NODE
    local home=$DB_AGENT_DIR/$1
    mkdir -p "$home"
    echo "$replica_password" >"$home/password" && chmod 600 "$home/password"
    echo "127.0.0.1:$(port_of "$1")" >"$home/address"
    cat >"$home/my.cnf" <<END
[client]
socket = $home/socket
[mariadbd]
datadir = $home/data
socket = $home/socket
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
        --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 ||
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
    sql db1 'SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos; SHUTDOWN'
    until_true 20 is_stopped db1
    for n in db2 db3; do cp -a "$home/data" "$DB_AGENT_DIR/$n/data"; done
}
