#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router_failover.sh DB_ROUTER DB_FAILOVER AGENT: db_router goes by what db_failover
# records, with three PostgreSQL servers, each write acknowledged by one of two replicas.
# Clients keep a diary (db_router_history.py). What is promised:
#  - before db_failover has named a primary, writes are held, and then they go on;
#  - the primary is killed, and cannot be fenced: writes are held while db_failover
#    promotes, and go to the new primary; no acknowledged write is lost;
#  - the former primary comes back as it was, while db_failover is dead: it gets nothing;
set -eu -o pipefail

[ $# -eq 3 ] || { echo "usage: $0 DB_ROUTER DB_FAILOVER AGENT" >&2; exit 2; }
db_router=$(realpath "$1") db_failover=$(realpath "$2") agent=$(realpath "$3")
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
for program in initdb postgres psql pg_basebackup pg_rewind flock; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
python=/usr/bin/python3 # Debian's, which has Debian's packages.
$python -c 'import psycopg2' 2>/dev/null || { echo 'skipped: no python3-psycopg2'; exit 77; }
as_user=() # PostgreSQL refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_homes.sh
. "$here/db_homes.sh"
base=$((23000 + $$ % 900 * 4)) # Below the ports that clients get.
port=$((base + 3)) clients=4
# shellcheck source=db_homes_pgsql.sh
. "$here/db_homes_pgsql.sh"

# The agent, but for a node that is out of reach.
cat >agent.sh <<'END'
#!/bin/bash
[ ! -e "${0%/*}/unreachable.$2" ] || exit 2
exec "$AGENT" "$@"
END
chmod +x agent.sh
export AGENT=$agent

make_homes
for n in "${nodes[@]}"; do "$agent" start "$n" >>orders.log 2>&1 || fail "$(cat orders.log)"; done

echo 'app apppw' >users
"$db_router" --dialect pg --listen "127.0.0.1:$port" --users users \
    --primary "db1=127.0.0.1:$base" --replica "db2=127.0.0.1:$((base + 1))" \
    --replica "db3=127.0.0.1:$((base + 2))" --failover "file:$dir/lease" --probe-user probe \
    --hold-max 300s --servers-max 20 2>router.log &
router=$!
jobs_started+=("$router")
is_said() { grep -q "$1" router.log; }
until_true 120 is_said 'has recorded no primary: writes are held'

nodes_of_failover=()
for n in "${nodes[@]}"; do
    nodes_of_failover+=("$n=127.0.0.1:$(port_of "$n"),priority=$((5 - ${n#db}))")
done
"$db_failover" --lease "file:$dir/lease" --node w1 --agent "$dir/agent.sh" \
    --check "pgsql,user=probe,connect_timeout=500ms,response_timeout=1500ms" --ttl 2s --inter 200ms \
    --sample-age-max 2s --collect-timeout 10s --sync-acks 1 --unfenced proceed --fence-timeout 500ms \
    --recovery-interval 100ms --half-life 1s "${nodes_of_failover[@]}" >w1.log 2>&1 &
failover=$!
jobs_started+=($failover)
until_true 120 is_said 'has recorded db1 as primary, token'
for n in 2 3; do until_true 120 is_said "node 127.0.0.1:$((base + n - 1)) is serving"; done
passed 'db_failover has named a primary, and db_router goes by it'
sql db1 "CREATE ROLE app LOGIN PASSWORD 'apppw'"
sql db1 'CREATE DATABASE app OWNER app'
through() {
    PGPASSWORD=apppw psql -X -q -A -t -h 127.0.0.1 -p "$port" -U app -d app -c "$1"
}
through 'CREATE TABLE history (id int PRIMARY KEY, v bigint)'
through "INSERT INTO history SELECT n, 0 FROM generate_series(0, $((clients - 1))) n"

$python "$here/db_router_history.py" pg "$port" "$dir" $clients >diary.out 2>diary.log &
diary=$!
jobs_started+=($diary)
is_at() { kill -0 $diary && [ "$(cat progress)" -ge "$1" ]; }
# more NUMBER: until that many more writes are acknowledged.
more() {
    local at
    at=$(cat progress 2>/dev/null || echo 0)
    until_true 300 is_at $((at + $1))
}
more 30

touch unreachable.db1
look_at_clock
killed=$now
kill -9 $(processes "$DB_AGENT_DIR/db1/data") 2>/dev/null || true
is_named() { grep -q 'has recorded db[23] as primary, token' router.log; }
until_true 120 is_named
until_true 120 is_said 'db_failover promotes db[23], token .*: writes are held'
# Without waiting for the replica, which is pointed at the new primary meanwhile.
through 'BEGIN; SET LOCAL synchronous_commit = local;
    INSERT INTO history VALUES (-1, 0); COMMIT'
look_at_clock
new=$(sed -n 's/.*has recorded \(db[23]\) as primary.*/\1/p' router.log)
# at PATTERN: when db_failover has said so last, in ms after the kill.
at() { echo $(($(date -d "$(sed -n "s/^\([^ ]*\) $1.*/\1/p" w1.log | tail -n 1)" +%s%3N) - killed)); }
echo "killed -> found dead $(at 'step fencing') ms, promoted and recorded $(at 'primary db')" \
    "ms, a write through db_router $((now - killed)) ms"
more 20
passed "db1 was killed: $new takes the writes"

# Nobody shuts out what comes back now, and it would take writes.
{ kill -9 $failover; wait $failover; } 2>/dev/null || true
"${as_user[@]}" pg_ctl start -s -w -D "$DB_AGENT_DIR/db1/data" -l "$DB_AGENT_DIR/db1/log" \
    -o "-c config_file=$DB_AGENT_DIR/db1/postgresql.conf" >>orders.log 2>&1
sum() {
    psql -X -q -A -t -h "$DB_AGENT_DIR/db1/socket" -p "$base" -U postgres -d app \
        -c 'SELECT sum(v) FROM history'
}
until_true 120 is_said "node 127.0.0.1:$base says it is primary, and is not what is recorded"
! is_said "node 127.0.0.1:$base is stale" || fail "db1 has a role"
before=$(sum)
more 30
[ "$(sum)" = "$before" ] || fail 'the former primary has got a write'
passed 'the former primary is back as it was, and gets nothing'

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
