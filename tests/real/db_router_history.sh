#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router_history.sh DIALECT DB_ROUTER AGENT: clients write and read through the proxy,
# and keep a diary (db_router_history.py), while replicas stand still, stop and start
# again, and at last the primary is killed and the replica that has most is promoted.
# DIALECT: pg or mariadb. What is promised:
#  - a client sees what it has written, at once, in the same session;
#  - with --consistency monotonic it never sees less of others than before;
#  - writes that were acknowledged are there at the end, since a replica confirms each.
set -eu -o pipefail

[ $# -eq 3 ] || { echo "usage: $0 DIALECT DB_ROUTER AGENT" >&2; exit 2; }
dialect=$1 db_router=$(realpath "$2") agent=$(realpath "$3")
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
PATH=$PATH:/usr/sbin
if [ "$dialect" = pg ]; then
    programs='initdb postgres psql pg_basebackup pg_rewind' module=psycopg2
else
    programs='mariadbd mariadb-install-db mariadb' module=pymysql
fi
for program in $programs flock; do
    command -v "$program" >/dev/null || { echo "skipped: no $program"; exit 77; }
done
python=/usr/bin/python3 # Debian's, which has Debian's packages.
$python -c "import $module" 2>/dev/null || { echo "skipped: no python3-$module"; exit 77; }
as_user=() # PostgreSQL refuses to run as root.
if [ "$dialect" = pg ] && [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_homes.sh
. "$here/db_homes.sh"
base=$((23000 + $$ % 900 * 4)) # Below the ports that clients get.
port=$((base + 3))
clients=6 kind=pg
[ "$dialect" = pg ] || kind=mysql
if [ "$dialect" = pg ]; then
    # shellcheck source=db_homes_pgsql.sh
    . "$here/db_homes_pgsql.sh"
    rows="SELECT n, 0 FROM generate_series(0, $((clients - 1))) n"
    create="CREATE ROLE app LOGIN PASSWORD 'apppw'; CREATE DATABASE app OWNER app"
    stand_still='SELECT pg_wal_replay_pause()' go_on='SELECT pg_wal_replay_resume()'
    has='SELECT pg_last_wal_receive_lsn() - $$0/0$$::pg_lsn'
else
    # shellcheck source=db_homes_mysql.sh
    . "$here/db_homes_mysql.sh"
    rows="SELECT seq, 0 FROM seq_0_to_$((clients - 1))"
    create="CREATE DATABASE app; CREATE USER app@'%' IDENTIFIED BY 'apppw';
        GRANT ALL ON *.* TO app@'%'"
    stand_still='STOP SLAVE SQL_THREAD' go_on='START SLAVE SQL_THREAD'
    has="SELECT SUBSTRING_INDEX(@@gtid_slave_pos, '-', -1)"
fi
# order TOKEN ORDER NODE [SOURCE]: as db_failover gives it.
order() {
    for _ in {1..300}; do
        ! INFRA_TOKEN=$1 INFRA_SOURCE=${4:-} INFRA_SOURCE_ADDRESS=127.0.0.1:$(port_of "${4:-db1}") \
            "$agent" "$2" "$3" ${4:+"$4"} >>orders.log 2>&1 || return 0
        nap 0.2
    done
    fail "$2 $3: $(tail -n 5 orders.log)"
}
follows() { source_of "$1" && [ "$answer" = "$(port_of "$2")" ]; }

make_homes
for n in "${nodes[@]}"; do "$agent" start "$n" >>orders.log 2>&1 || fail "$(cat orders.log)"; done
order 1 promote db1
for n in db2 db3; do order 1 repoint $n db1; done
for n in db2 db3; do until_true 120 follows $n db1; done
IFS=';' read -r -d '' -a statements <<<"$create" || true
for each in "${statements[@]}"; do sql db1 "$each"; done

echo 'app apppw' >users
probe=probe
export ROUTER_PROBE=secret
"$db_router" --dialect "$dialect" --listen "127.0.0.1:$port" --users users \
    --primary "127.0.0.1:$base" --replica "127.0.0.1:$((base + 1))" \
    --replica "127.0.0.1:$((base + 2))" --probe-user $probe --probe-password-env ROUTER_PROBE \
    --consistency monotonic --wait-max 60s --hold-max 300s --servers-max 20 2>router.log &
router=$!
jobs_started+=("$router")
is_said() { grep -q "$1" router.log; }
until_true 120 is_said "node 127.0.0.1:$base is primary"
for n in 1 2; do until_true 120 is_said "node 127.0.0.1:$((base + n)) is serving"; done
through() {
    if [ "$dialect" = pg ]; then
        PGPASSWORD=apppw psql -X -q -A -t -h 127.0.0.1 -p "$port" -U app -d app -c "$1"
    else
        mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P "$port" -u app -papppw -B -N app -e "$1"
    fi
}
through 'CREATE TABLE history (id int PRIMARY KEY, v bigint)'
through "INSERT INTO history $rows"

$python "$here/db_router_history.py" "$kind" "$port" "$dir" $clients \
    >diary.out 2>diary.log &
diary=$!
jobs_started+=($diary)
is_at() { kill -0 $diary && [ "$(cat progress)" -ge "$1" ]; }
# more NUMBER: until that many more writes are acknowledged.
more() {
    local at
    at=$(cat progress 2>/dev/null || echo 0)
    until_true 300 is_at $((at + $1))
}
more 60
passed 'clients write and read'
sql db2 "$stand_still"
more 120
sql db2 "$go_on"
passed 'while a replica stands still'
servers=$(processes "$DB_AGENT_DIR/db3/data")
kill -STOP $servers
more 60
kill -CONT $servers
passed 'while another one is stopped'
kill -9 $(processes "$DB_AGENT_DIR/db3/data") 2>/dev/null || true
more 30
"$agent" start db3 >>orders.log 2>&1 || fail "$(tail -n 5 orders.log)"
order 1 repoint db3 db1
until_true 120 follows db3 db1
more 60
passed 'while it is killed and starts again'

kill -9 $(processes "$DB_AGENT_DIR/db1/data") 2>/dev/null || true
until_true 120 is_said "node 127.0.0.1:$base is down"
for n in db2 db3; do order 2 detach $n; done
sql db2 "$has" && at2=$answer
sql db3 "$has" && at3=$answer
new=db2 old=db3
[ "$at3" -le "$at2" ] || new=db3 old=db2
order 2 promote $new
order 2 repoint $old $new
more 60
touch over
status=0
wait $diary || status=$?
passed "$(cat diary.out)"
[ $status -eq 0 ] || fail "a promise is broken: $(grep '^client' diary.log | tail -n 20)"
lost=0
while read -r row acknowledged issued; do
    value=$(through "BEGIN; SELECT v FROM history WHERE id = $row; COMMIT")
    [ "$value" -ge "$acknowledged" ] && [ "$value" -le "$issued" ] || {
        echo "row $row: $value is there, $acknowledged were acknowledged, $issued issued" >&2
        lost=1
    }
done <written
[ $lost -eq 0 ] || fail 'acknowledged writes are lost'
passed 'each write that was acknowledged is there'
kill $router
wait $router || fail "the proxy ended with status $?"
