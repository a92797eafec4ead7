# SPDX-License-Identifier: MIT
# Sourced by against_db.sh: PostgreSQL with pgbouncer, pgpool-II and pgbench.

packages=(initdb:postgresql pgbench:postgresql-contrib pgbouncer:pgbouncer pgpool:pgpool2)
all_loads=simple,extended,prepared,mix
others_known=(pgbouncer pgpool)
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
# Neither PostgreSQL nor pgbouncer runs as root.
[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=postgres --regid=postgres --clear-groups)

as_server() { taskset -c "$others" "${as[@]}" env HOME="$dir" LC_ALL=C "$@"; }
stop_servers() {
    local data
    for data in replica primary; do
        as_server pg_ctl -D "$dir/$data" -m immediate stop >/dev/null 2>&1 || true
    done
}
serve() { # NAME PORT
    as_server pg_ctl -D "$dir/$1" -w -t 120 -l "$dir/$1.log" -o "-p $2 -k $dir \
        -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=$((2 * most + 50)) \
        -c hot_standby=on -c shared_buffers=256MB" start >/dev/null ||
        fail "PostgreSQL does not start: $(tail -n 3 "$dir/$1.log")"
}
start_servers() {
    [ ${#as[@]} -eq 0 ] || chown postgres "$dir"
    as_server initdb -D "$dir/primary" -A trust -U postgres -N >initdb.log 2>&1 ||
        fail "initdb: $(tail -n 3 initdb.log)"
    serve primary "$primary"
    psql -X -q -h 127.0.0.1 -p "$primary" -U postgres \
        -c "CREATE ROLE app SUPERUSER LOGIN PASSWORD 'secret'" # VACUUM of pgbench -i
    as_server pg_basebackup -h 127.0.0.1 -p "$primary" -U postgres -D "$dir/replica" -R >/dev/null
    serve replica "$replica"
    pgbench -q -i -s 10 -h 127.0.0.1 -p "$primary" -U app postgres >load.log 2>&1 ||
        fail "pgbench: $(tail -n 3 load.log)"
}

start_proxies() {
    echo '"app" "secret"' >userlist.txt
    chmod 644 users userlist.txt
    chmod 755 "$dir"
    cat >bouncer.ini <<EOF2
[databases]
postgres = host=127.0.0.1 port=$primary dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port[pgbouncer]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $dir/userlist.txt
pool_mode = transaction
max_client_conn = $((clients_max + 50))
default_pool_size = $pool
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
EOF2
    cat >pgpool.conf <<EOF2
listen_addresses = '127.0.0.1'
port = ${port[pgpool]}
unix_socket_directories = '$dir'
pcp_port = $((base + 5))
pcp_socket_dir = '$dir'
pid_file_name = '$dir/pgpool.pid'
logdir = '$dir'
backend_clustering_mode = 'streaming_replication'
backend_hostname0 = '127.0.0.1'
backend_port0 = $primary
backend_weight0 = 0
backend_flag0 = 'ALLOW_TO_FAILOVER'
backend_hostname1 = '127.0.0.1'
backend_port1 = $replica
backend_weight1 = 1
backend_flag1 = 'ALLOW_TO_FAILOVER'
enable_pool_hba = off
num_init_children = $((most + 8))
max_pool = 1
load_balance_mode = on
sr_check_user = 'postgres'
sr_check_period = 0
health_check_period = 0
use_watchdog = off
EOF2
    start db_router "$ours" --dialect pg --listen "127.0.0.1:${port[db_router]}" --users users \
        --primary "127.0.0.1:$primary" --replica "127.0.0.1:$replica" --probe-user postgres \
        --servers-max "$pool"
    ! is_used pgbouncer || start pgbouncer "${as[@]}" pgbouncer -q bouncer.ini
    ! is_used pgpool || start pgpool pgpool -n -f pgpool.conf -F /dev/null -k /dev/null -a /dev/null
}

# pgbouncer's mode is for all of its clients.
before_load() { # LOAD
    local mode=transaction size=$pool
    [ "$1" != prepared ] || mode=session size=$most
    sed -i "s/^pool_mode.*/pool_mode = $mode/; s/^default_pool_size.*/default_pool_size = $size/" bouncer.ini
    ! is_used pgbouncer || kill -HUP "${pid[pgbouncer]}"
    sleep 0.5
}
run_load() { # LOAD CLIENTS PORT
    local args=(-M "$1" -S)
    [ "$1" != mix ] || args=(-M simple -b select-only@9 -b tpcb-like@1)
    PGPASSWORD=secret taskset -c "$others" pgbench -n -h 127.0.0.1 -p "$3" -U app -c "$2" -j 1 \
        -T "$seconds" "${args[@]}" postgres >load.log 2>&1
}
# A tpcb-like transaction has seven queries.
queries_of_load() {
    awk '/number of transactions actually processed/ { split($NF, n, "/"); all = n[1] }
        /SQL script/ { script = $NF }
        /transactions \(/ { if (script ~ /tpcb|TPC-B/) tpcb = $2 }
        { if (/- [0-9]+ transactions/) { if (script ~ /TPC-B/ || script ~ /tpcb/) tpcb = $2 } }
        END { print all + 6 * tpcb }' load.log
}
