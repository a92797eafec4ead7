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

# shellcheck source=db_homes_mysql.sh
. "$here/db_homes_mysql.sh"

prepare() { sql "$1" 'CREATE TABLE d.t (id BIGINT PRIMARY KEY) ENGINE=InnoDB'; }
statement="INSERT INTO d.t VALUES"
look="SELECT CONCAT(1 - @@read_only, ' ', (SELECT max(token) FROM infra_failover.token)) AS looked"
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

lease=file:$dir/lease
main
