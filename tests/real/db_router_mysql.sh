#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router_mysql.sh DB_ROUTER AGENT: the proxy in front of three MariaDB servers, a
# primary and two replicas by GTID. What is promised:
#  - clients log in with their own passwords, and get what a server would say;
#  - reads go to the replicas, writes and what belongs to them to the primary;
#  - what one client has set, another does not see, although they share one server
#    connection (db_router_mysql.py);
#  - a client reads its own writes while a replica stands still;
#  - TLS with clients and with nodes, and what is refused without it;
#  - the primary is killed and another one promoted by hand: a statement that waits
#    meanwhile is answered, and no write that was acknowledged is lost.
set -eu -o pipefail

[ $# -eq 2 ] || { echo "usage: $0 DB_ROUTER AGENT" >&2; exit 2; }
db_router=$(realpath "$1") agent=$(realpath "$2")
PATH=$PATH:/usr/sbin
for program in mariadbd mariadb-install-db mariadb; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
python=/usr/bin/python3 # Debian's, which has Debian's packages.
$python -c 'import pymysql' 2>/dev/null || { echo "skipped: no python3-pymysql"; exit 77; }
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_homes.sh
. "$here/db_homes.sh"
base=$((27000 + $$ % 1200 * 4)) # Below the ports that clients get.
port=$((base + 3))
# shellcheck source=db_homes_mysql.sh
. "$here/db_homes_mysql.sh"
# shellcheck source=certificates.sh
. "$here/certificates.sh"

# follow REPLICA PRIMARY
follow() {
    sql "$1" "CHANGE MASTER TO master_host='127.0.0.1', master_port=$(port_of "$2"),
        master_user='replica', master_password='se\\'c\"r\\\\e#t 1',
        master_use_gtid=slave_pos, master_connect_retry=1; START SLAVE"
}
router=''
start_router() { # OPTION...
    "$db_router" --dialect mariadb --listen "127.0.0.1:$port" --users users \
        --primary "127.0.0.1:$base" --replica "127.0.0.1:$((base + 1))" \
        --replica "127.0.0.1:$((base + 2))" --probe-user probe \
        --probe-password-env ROUTER_PROBE --hold-max 60s "$@" 2>>router.log &
    router=$!
    jobs_started+=("$router")
    until_true 60 client -e 'SELECT 1'
}
stop_router() {
    kill "$router"
    wait "$router" || fail "the proxy did not end well: $(cat router.log)"
}
client() { # OPTION...: as app, through the proxy
    mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P "$port" -u app -papp-secret -B -N d "$@"
}
through() { client -e "$*"; }
is_answered() { [ "$(through "$1")" = "$2" ]; } # STATEMENT ANSWER
clients_test() { # PART [AUTHORITY]
    $python "$here/db_router_mysql.py" "$port" "$base" "$@" || fail "$(tail -n 40 router.log)"
}

export ROUTER_PROBE=secret
echo 'app app-secret' >users
echo 'other other-secret d' >>users
echo 'late late-secret d' >>users
echo 'secure secure-secret d' >>users
make_homes
has_tls=''
if command -v openssl >/dev/null; then
    has_tls=1
    issue ca node ,IP:127.0.0.1
    issue ca proxy ,IP:127.0.0.1
    issue other wrong
    for n in "${nodes[@]}"; do
        printf '%s\n' "ssl_cert = $dir/node.pem" "ssl_key = $dir/node.key" \
            "ssl_ca = $dir/ca.pem" >>"$DB_AGENT_DIR/$n/my.cnf"
    done
fi
for n in "${nodes[@]}"; do "$agent" start "$n"; done
for n in "${nodes[@]}"; do sql "$n" 'SET GLOBAL max_allowed_packet = 64 * 1024 * 1024'; done
sql db1 "SET GLOBAL read_only = 0"
follow db2 db1
follow db3 db1
sql db1 "CREATE USER app@'%' IDENTIFIED BY 'app-secret'; GRANT ALL ON *.* TO app@'%';
    CREATE USER other@'%' IDENTIFIED BY 'other-secret'; GRANT ALL ON *.* TO other@'%';
    CREATE USER hashed@'%' IDENTIFIED BY 'hashed-secret'; GRANT ALL ON d.* TO hashed@'%';
    CREATE TABLE d.t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100)) ENGINE=InnoDB"
# The proxy knows no more of this password than a server does.
sql db1 "SELECT CONCAT('hashed ', PASSWORD('hashed-secret'))"
echo "$answer" >>users
has_user() { sql "$1" "SELECT count(*) FROM mysql.user WHERE user = 'other'" && [ "$answer" = 1 ]; }
until_true 120 has_user db2
until_true 120 has_user db3

start_router
# Reads are shared by the replicas: each is seen.
until_true 60 is_answered 'SELECT @@server_id > 1' 1
for i in 1 2 3 4 5 6 7 8 9 10; do through 'SELECT @@server_id'; done | sort -u | tr '\n' ' ' >seen
[ "$(cat seen)" = '2 3 ' ] || fail "reads were answered by: $(cat seen)"
passed "reads go to both replicas"
is_answered 'START TRANSACTION; SELECT @@server_id; COMMIT' 1 ||
    fail "a transaction is not at the primary"
passed "a transaction goes to the primary"
is_answered 'START TRANSACTION READ ONLY; SELECT @@server_id > 1; COMMIT' 1 ||
    fail "a transaction that cannot write is not at a replica"
passed "a transaction that cannot write goes to a replica"
said=$(client -u other -pwrong -e 'SELECT 1' 2>&1) && fail "a wrong password is accepted"
[[ $said = *'Access denied'* ]] || fail "a wrong password: $said"
passed "a wrong password is refused"
# A replica that stands still knows no new user yet.
for n in db2 db3; do sql $n 'STOP SLAVE SQL_THREAD'; done
sql db1 "CREATE USER late@'%' IDENTIFIED BY 'late-secret'; GRANT SELECT ON d.* TO late@'%'"
for i in 1 2 3 4; do
    said=$(client -u late -plate-secret -e "SELECT $i" 2>&1) || true
    [ "$said" = $i ] || fail "a new user: $said"
done
for n in db2 db3; do sql $n 'START SLAVE SQL_THREAD'; done
passed "a new user, before the replicas have heard of it"
clients_test basics
stop_router
passed "the proxy ends with status 0"

# Two clients and one server connection.
start_router --servers-max 1 --consistency own-writes
clients_test sharing
stop_router

if [ -n "$has_tls" ]; then
    sql db1 "CREATE USER secure@'%' IDENTIFIED BY 'secure-secret' REQUIRE SSL;
        GRANT ALL ON d.* TO secure@'%'"
    start_router --client-tls allow --client-tls-cert "$dir/proxy.pem" \
        --client-tls-key "$dir/proxy.key" --node-tls verify --node-tls-ca "$dir/ca.pem"
    secure() { # AUTHORITY MARIADB-ARGUMENT...
        local authority=$1
        shift
        mariadb --no-defaults --ssl --ssl-ca="$dir/$authority.pem" --ssl-verify-server-cert \
            -h 127.0.0.1 -P "$port" -u secure -psecure-secret -B -N d "$@"
    }
    [[ $(secure ca -e '\s') = *'Cipher in use is'* ]] || fail "no TLS: $(secure ca -e '\s')"
    # Nobody but over TLS may log in there as this user.
    said=$(secure ca -e 'INSERT INTO t VALUES (NULL, "tls"); SELECT v FROM t WHERE v = "tls"')
    [ "$said" = tls ] || fail "over TLS: $said"
    said=$(secure other -e 'SELECT 1' 2>&1) && fail "a certificate of another authority passes"
    [[ $said = *certificate* ]] || fail "another authority: $said"
    clients_test secure "$dir/ca.pem"
    stop_router
    passed "TLS with clients and nodes, by the name in the certificate"
    "$db_router" --dialect mysql --listen "127.0.0.1:$port" --users users \
        --primary "127.0.0.1:$base" --probe-user probe --client-tls require \
        --client-tls-cert "$dir/proxy.pem" --client-tls-key "$dir/proxy.key" 2>>router.log &
    router=$!
    jobs_started+=("$router")
    until_true 60 grep -q "listening on 127.0.0.1:$port" router.log
    clients_test full_login "$dir/ca.pem"
    stop_router
fi

start_router --defer-begin
clients_test begins
clients_test prepared
clients_test lagging

if command -v sysbench >/dev/null; then
    bench() { # MODE COMMAND
        sysbench --db-driver=mysql --mysql-host=127.0.0.1 --mysql-port="$port" \
            --mysql-user=app --mysql-password=app-secret --mysql-db=d --tables=2 \
            --table-size=10000 --threads=4 --time=5 --db-ps-mode="$1" oltp_read_write "$2" \
            >sysbench.log 2>&1 || fail "sysbench $1 $2: $(tail -n 20 sysbench.log router.log)"
    }
    said=$(($(wc -l <router.log) + 1))
    bench auto prepare
    for mode in auto disable; do
        bench $mode run
        ! tail -n "+$said" router.log | grep 'client of user app' || fail 'the proxy said an error'
        passed "sysbench, prepared statements: $mode," \
            "$(sed -n 's/.*transactions: *//p' sysbench.log | tr -s ' ')"
    done
fi

# The primary dies; writes wait until another node is one.
through 'DELETE FROM t'
(
    i=0
    while [ ! -e enough ]; do
        i=$((i + 1))
        timeout 90 mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P "$port" -u app \
            -papp-secret -B -N d -e "INSERT INTO t VALUES ($i, 'kept')" 2>>writer.err &&
            echo $i >>acknowledged
    done
) &
jobs_started+=($!)
writer=$!
has_lines() { [ "$(wc -l <acknowledged)" -ge "$1" ]; }
until_true 60 has_lines 5
$python "$here/db_router_mysql.py" "$port" "$base" transaction &
open=$!
jobs_started+=($open)
until_true 60 test -e is_open
look_at_clock
killed=$now
kill -9 $(processes "$DB_AGENT_DIR/db1/data")
until_true 60 is_stopped db1
is_down() { grep -q "node 127.0.0.1:$base is down" router.log; }
until_true 60 is_down
touch is_killed
is_answered 'SELECT count(*) > 0 FROM t' 1 || fail "no read without a primary"
passed "reads go on without a primary"
# The one that has more is promoted; the other follows it.
sql db2 'STOP SLAVE; SELECT @@gtid_slave_pos' && at2=$answer
sql db3 'STOP SLAVE; SELECT @@gtid_slave_pos' && at3=$answer
new=db2 old=db3
[ "${at3##*-}" -le "${at2##*-}" ] || new=db3 old=db2
sql $new 'RESET SLAVE ALL; SET GLOBAL read_only = 0'
before=$(wc -l <acknowledged)
until_true 120 has_lines $((before + 5))
look_at_clock
touch enough
wait $writer
wait $open || fail "$(tail -n 40 router.log)"
follow $old $new
passed "killed -> five more writes: $((now - killed)) ms"
count=$(sort -n acknowledged | uniq | wc -l)
has_all() { is_answered "START TRANSACTION; SELECT count(*) FROM t WHERE v = 'kept'; COMMIT" "$1"; }
sql $new "SELECT count(*) FROM d.t WHERE v = 'kept'"
[ "$answer" -ge "$count" ] || fail "$count writes were acknowledged, $answer are there"
failed=$(grep ERROR writer.err | cut -c1-17 | sort | uniq -c | tr -s ' \n' ' ' || true)
[ -z "$failed" ] || passed "writes that failed, and by what:$failed"
passed "all of $count acknowledged writes are there"
stop_router
