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
base=$((23000 + $$ % 900 * 4)) # Below the ports that clients get.
check="pgsql,user=probe"

# shellcheck source=db_homes_pgsql.sh
. "$here/db_homes_pgsql.sh"

prepare() { sql "$1" 'SET ROLE load; CREATE TABLE load.t (id bigint PRIMARY KEY); RESET ROLE'; }
statement="INSERT INTO load.t VALUES"
look="SELECT CASE WHEN pg_is_in_recovery() OR
        current_setting('default_transaction_read_only') = 'on' THEN 0 ELSE 1 END
        || ' ' || (SELECT max(token) FROM infra_failover.token)"
revive() {
    "${as_user[@]}" pg_ctl start -s -w -D "$DB_AGENT_DIR/$1/data" -l "$DB_AGENT_DIR/$1/log" \
        -o "-c config_file=$DB_AGENT_DIR/$1/postgresql.conf"
}
write_by_hand() {
    sql "$1" 'SELECT pg_promote(true, 30)'
    sql "$1" 'SET synchronous_commit = local;
        INSERT INTO load.t SELECT -n FROM generate_series(1, 50000) n' 2>by_hand || true
}

lease=file:$dir/lease
! command -v etcd >/dev/null || start_etcd
main
