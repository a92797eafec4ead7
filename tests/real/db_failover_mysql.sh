#!/bin/bash
# SPDX-License-Identifier: MIT
# db_failover_mysql.sh DB_FAILOVER AGENT: three MariaDB servers, semi-synchronous
# after sync and without a time-out; the lease is in a file. See db_failover.sh.
set -eu -o pipefail

[ $# -eq 2 ] || { echo "usage: $0 DB_FAILOVER AGENT" >&2; exit 2; }
db_failover=$(realpath "$1") agent=$(realpath "$2")
PATH=$PATH:/usr/sbin
for program in mariadbd mariadb-install-db mariadb mariadb-dump flock; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_failover.sh
. "$here/db_failover.sh"
base=$((27000 + $$ % 1200 * 4)) # Below the ports that clients get.
check="mysql,user=probe,password=secret"
export DB_AGENT_PASSWORD=secret

sql() { # NODE STATEMENT: as the administrator
    timeout 10 mariadb --defaults-file="$DB_AGENT_DIR/$1/my.cnf" --connect-timeout=2 -u root -N -B -e "$2"
}
can_run() { sql "$1" 'SELECT 1' >/dev/null; }
is_stopped() { [ -z "$(processes "$DB_AGENT_DIR/$1/data")" ]; }

make_home() { # NODE
    local home=$DB_AGENT_DIR/$1
    mkdir -p "$home"
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
        CREATE USER replica@'%' IDENTIFIED BY 'secret';
        GRANT ALL ON *.* TO replica@'%';
        CREATE USER writer@'%';
        GRANT ALL ON d.* TO writer@'%'"
    sql db1 'SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos; SHUTDOWN'
    until_true 20 is_stopped db1
    for n in db2 db3; do cp -a "$home/data" "$DB_AGENT_DIR/$n/data"; done
}

prepare() { sql "$1" 'CREATE TABLE d.t (id BIGINT PRIMARY KEY) ENGINE=InnoDB'; }
insert() {
    timeout 5 mariadb --no-defaults -h 127.0.0.1 -P "$1" -u writer --connect-timeout=2 \
        -e "INSERT INTO d.t VALUES ($2)"
}
ids() { sql "$1" 'SELECT id FROM d.t'; }
look() {
    sql "$1" "SELECT CONCAT(1 - @@read_only, ' ', (SELECT max(token) FROM infra_failover.token))"
}
revive() {
    "$agent" start "$1"
    sql "$1" 'SET GLOBAL rpl_semi_sync_master_enabled = 1; SET GLOBAL read_only = 0'
}
write_by_hand() {
    sql "$1" 'STOP SLAVE; SET GLOBAL rpl_semi_sync_master_enabled = 0; SET GLOBAL read_only = 0'
    for i in {1..3000}; do echo "INSERT INTO d.t VALUES (-$i);"; done |
        timeout 20 mariadb --defaults-file="$DB_AGENT_DIR/$1/my.cnf" -u root >by_hand 2>&1 ||
        true # It is shut out meanwhile.
}
source_of() {
    mariadb --defaults-file="$DB_AGENT_DIR/$1/my.cnf" -u root -e 'SHOW SLAVE STATUS\G' | awk '$1 == "Master_Port:" { port = $2 }
        $1 == "Slave_IO_Running:" { io = $2 } $1 == "Slave_SQL_Running:" { sql = $2 }
        END { if (io == "Yes" && sql == "Yes") print port }'
}

lease=file:$dir/lease
main
