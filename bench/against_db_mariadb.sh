# SPDX-License-Identifier: MIT
# Sourced by against_db.sh: MariaDB with HAProxy in tcp mode and sysbench.

packages=(mariadbd:mariadb-server mariadb-install-db:mariadb-server mariadb:mariadb-client
    haproxy:haproxy sysbench:sysbench)
all_loads=point_select,read_only,read_write
others_known=(haproxy)

stop_servers() { :; } # They end with the script, as the proxies do.
sql() { # NAME STATEMENT
    mariadb --no-defaults -S "$dir/$1.socket" -u root -B -N -e "$2"
}
serve() { # NAME PORT ID
    taskset -c "$others" mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/$1" \
        --socket="$dir/$1.socket" --pid-file="$dir/$1.pid" --port="$2" --bind-address=127.0.0.1 \
        --server-id="$3" --log-bin=binlog --log-slave-updates --skip-name-resolve \
        --innodb-buffer-pool-size=128M --innodb-flush-log-at-trx-commit=0 --sync-binlog=0 \
        --max-connections=$((2 * clients_max + 50)) --max-prepared-stmt-count=1000000 --back-log=1024 \
        --tmpdir="$dir" >"$dir/$1.log" 2>&1 &
    pids+=($!)
    for _ in {1..600}; do
        ! sql "$1" 'SELECT 1' >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "MariaDB does not start: $(tail -n 3 "$dir/$1.log")"
}
has_all() { [ "$(sql replica 'SELECT @@gtid_slave_pos')" = "$(sql primary 'SELECT @@gtid_binlog_pos')" ]; }
start_servers() {
    local name
    for name in primary replica; do
        mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/$name" \
            --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 ||
            fail "mariadb-install-db: $(tail -n 3 install.log)"
    done
    serve primary "$primary" 1
    serve replica "$replica" 2
    for name in primary replica; do sql $name 'RESET MASTER'; done
    sql replica "CHANGE MASTER TO master_host='127.0.0.1', master_port=$primary,
        master_user='copy', master_password='secret', master_use_gtid=slave_pos,
        master_connect_retry=1; START SLAVE; SET GLOBAL read_only = 1"
    sql primary "CREATE DATABASE sbtest; CREATE USER app@'%' IDENTIFIED BY 'secret';
        CREATE USER copy@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'%', copy@'%'"
    load_args "$primary"
    sysbench "${load_args[@]}" oltp_read_write prepare >load.log 2>&1 ||
        fail "sysbench: $(tail -n 3 load.log)"
    for _ in {1..600}; do
        ! has_all || return 0
        sleep 0.1
    done
    fail "the replica does not follow: $(tail -n 3 replica.log)"
}

start_proxies() {
    cat >haproxy.cfg <<EOF2
global
    nbthread 1
    maxconn $((2 * clients_max + 100))
defaults
    mode tcp
    timeout connect 10s
    timeout client 10m
    timeout server 10m
listen database
    bind 127.0.0.1:${port[haproxy]}
    server primary 127.0.0.1:$primary
EOF2
    start db_router env PASSWORD=secret "$ours" --dialect mariadb --users users \
        --listen "127.0.0.1:${port[db_router]}" --primary "127.0.0.1:$primary" \
        --replica "127.0.0.1:$replica" --probe-user app --probe-password-env PASSWORD \
        --servers-max "$pool"
    start haproxy haproxy -db -f haproxy.cfg
}

before_load() { :; }
load_args() { # PORT: sets load_args
    load_args=(--db-driver=mysql --mysql-host=127.0.0.1 --mysql-port="$1" --mysql-user=app
        --mysql-password=secret --mysql-db=sbtest --tables=4 --table-size=10000)
}
run_load() { # LOAD CLIENTS PORT
    load_args "$3"
    taskset -c "$others" sysbench "${load_args[@]}" --threads="$2" --time="$seconds" \
        --mysql-ignore-errors=1213,1020,1205 "oltp_$1" run >load.log 2>&1
}
queries_of_load() { awk '$1 == "total:" { print $2 }' load.log; }
