#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router beside pgbouncer and pgpool-II: CPU time per query and queries per second,
# same servers, same client, one core for the proxy.  See --help.
set -eu -o pipefail

usage() {
    cat <<'EOF'
usage: bench/against_db.sh [OPTION]... DB_ROUTER

Measure the program DB_ROUTER (examples/db_router/db_router of a build directory, best
of a release build) beside pgbouncer, which pools and does not split, and pgpool-II.
Behind each are the same PostgreSQL primary and standby.

  --rounds N        rounds; each measures every load with every proxy (3)
  --seconds N       of load in each measurement (3)
  --clients LIST    of pgbench, with commas (10,100)
  --loads LIST      of the loads below, with commas (all)
  --format table|tsv
  --help            this text

The loads are pgbench's: "simple", "extended" and "prepared" are its select-only script
in the three modes of its protocol; "mix" is nine select-only for each tpcb-like
transaction, in the simple mode.  The proxy under test has one thread and CPU 0 for
itself (pgpool-II has a process for each client); client and servers have the other
CPUs.  pgbouncer shares connections by transaction, and by session for "prepared", as
Debian 12's version cannot do otherwise.

The figures are medians of the rounds.  "us/query" is the CPU time of the proxy's
processes, "ratio" is ours to that of each other proxy.

Needs PostgreSQL's server with pgbench, pgbouncer, pgpool2 and two CPUs; everything
runs on 127.0.0.1 and is gone at the end.
EOF
}

# shellcheck source=measure.sh
. "$(dirname "$0")/measure.sh"

rounds=3 seconds=3 clients=10,100 loads=simple,extended,prepared,mix format=table
read_options "rounds seconds clients loads format" "" DB_ROUTER "$@"
ours=$(realpath "$operand")
for n in "$rounds" "$seconds" ${clients//,/ }; do
    [[ $n =~ ^[1-9][0-9]{0,4}$ ]] || fail "\"$n\": must be 1 to 99999"
done
for load in ${loads//,/ }; do
    case $load in simple | extended | prepared | mix) ;; *) fail "--loads \"$load\": there is no such load" ;; esac
done
[ -x "$ours" ] || fail "\"$ours\": no such program"

for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
PATH=$PATH:/usr/sbin
missing=
for pair in initdb:postgresql pgbench:postgresql-contrib pgbouncer:pgbouncer \
    pgpool:pgpool2 taskset:util-linux setpriv:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=" ${pair#*:}"
done
[ -z "$missing" ] || fail "please install:$missing (Debian's package names)"
cpus=$(getconf _NPROCESSORS_ONLN)
[ "$cpus" -ge 2 ] || fail "two CPUs are needed, one for the proxy alone"
others=1-$((cpus - 1))
most=$(tr ',' '\n' <<<"$clients" | sort -n | tail -n 1)

dir=$(mktemp -d)
as=()
# Neither PostgreSQL nor pgbouncer runs as root.
if [ "$(id -u)" -eq 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown postgres "$dir"
fi
as_server() { taskset -c "$others" "${as[@]}" env HOME="$dir" LC_ALL=C "$@"; }
pids=()
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    for data in replica primary; do
        as_server pg_ctl -D "$dir/$data" -m immediate stop >/dev/null 2>&1 || true
    done
    wait
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$dir"

base=$((20000 + $$ % 10000)) # Below the ports that clients get.
primary=$base replica=$((base + 1))
declare -A port=([db_router]=$((base + 2)) [pgbouncer]=$((base + 3)) [pgpool]=$((base + 4)))
declare -A pid=()
ulimit -n "$(ulimit -Hn)"

serve() { # NAME PORT
    as_server pg_ctl -D "$dir/$1" -w -t 120 -l "$dir/$1.log" -o "-p $2 -k $dir \
        -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=$((2 * most + 50)) \
        -c hot_standby=on -c shared_buffers=256MB" start >/dev/null ||
        fail "PostgreSQL does not start: $(tail -n 3 "$dir/$1.log")"
}
as_server initdb -D "$dir/primary" -A trust -U postgres -N >initdb.log 2>&1 ||
    fail "initdb: $(tail -n 3 initdb.log)"
serve primary "$primary"
sql() { psql -X -q -h 127.0.0.1 -p "$primary" -U postgres -c "$1"; }
sql "CREATE ROLE app SUPERUSER LOGIN PASSWORD 'secret'" # VACUUM of pgbench -i
as_server pg_basebackup -h 127.0.0.1 -p "$primary" -U postgres -D "$dir/replica" -R >/dev/null
serve replica "$replica"
pgbench -q -i -s 10 -h 127.0.0.1 -p "$primary" -U app postgres >pgbench.log 2>&1 ||
    fail "pgbench: $(tail -n 3 pgbench.log)"

echo "app secret" >users
echo '"app" "secret"' >userlist.txt
chmod 644 users userlist.txt
chmod 755 "$dir"
pool=$((most < 40 ? most : 40))
cat >bouncer.ini <<EOF
[databases]
postgres = host=127.0.0.1 port=$primary dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port[pgbouncer]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $dir/userlist.txt
pool_mode = transaction
max_client_conn = $((most + 50))
default_pool_size = $pool
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
EOF
cat >pgpool.conf <<EOF
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
EOF

is_listening() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# start PROXY COMMAND...
start() {
    local proxy=$1
    shift
    taskset -c 0 "$@" >"$dir/$proxy.out" 2>&1 &
    pids+=($!)
    pid[$proxy]=$!
    for _ in {1..100}; do
        ! is_listening "${port[$proxy]}" || return 0
        sleep 0.1
    done
    fail "$1 does not listen: $(tail -n 3 "$dir/$proxy.out")"
}
start db_router "$ours" --dialect pg --listen "127.0.0.1:${port[db_router]}" --users users \
    --primary "127.0.0.1:$primary" --replica "127.0.0.1:$replica" --probe-user postgres \
    --servers-max "$pool"
start pgbouncer "${as[@]}" pgbouncer -q bouncer.ini
start pgpool pgpool -n -f pgpool.conf -F /dev/null -k /dev/null -a /dev/null

ticks=$(getconf CLK_TCK)
# Microseconds of CPU that a process and its children have used, the ended ones too.
cpu_us() {
    local all=0 process stat
    for process in "$1" $(pgrep -P "$1"); do
        stat=$(<"/proc/$process/stat") || continue
        # shellcheck disable=SC2086 # Words; the second field may hold blanks.
        set -- ${stat##*) }
        all=$((all + ${12} + ${13} + ${14} + ${15}))
    done
    echo $((all * 1000000 / ticks))
}

# measure LOAD CLIENTS PROXY: one line to the file of results.
measure() {
    local load=$1 number=$2 proxy=$3 args before after
    case $load in
    mix) args=(-M simple -b select-only@9 -b tpcb-like@1) ;;
    *) args=(-M "$load" -S) ;;
    esac
    before=$(cpu_us "${pid[$proxy]}")
    PGPASSWORD=secret taskset -c "$others" pgbench -n -h 127.0.0.1 -p "${port[$proxy]}" -U app \
        -c "$number" -j 1 -T "$seconds" "${args[@]}" postgres >pgbench.log 2>&1 || {
        echo "against_db.sh: $proxy had errors ($load, $number clients): $(tail -n 2 pgbench.log)" >&2
        : >errors
        return 0
    }
    after=$(cpu_us "${pid[$proxy]}")
    # A tpcb-like transaction has seven queries.
    awk -v traffic="$load/$number" -v proxy="$proxy" -v us=$((after - before)) -v seconds="$seconds" '
        /number of transactions actually processed/ { split($NF, n, "/"); all = n[1] }
        /SQL script/ { script = $NF }
        /transactions \(/ { if (script ~ /tpcb|TPC-B/) tpcb = $2 }
        { if (/- [0-9]+ transactions/) { if (script ~ /TPC-B/ || script ~ /tpcb/) tpcb = $2 } }
        END { queries = all + 6 * tpcb
              if (queries > 0) printf "%s\t%s\t%.2f\t%.0f\n", traffic, proxy, us / queries, queries / seconds }' \
        pgbench.log >>results
}
# pgbouncer's mode is for all of its clients.
mode_of() { [ "$1" = prepared ] && echo session || echo transaction; }
set_mode() {
    sed -i "s/^pool_mode.*/pool_mode = $1/; s/^default_pool_size.*/default_pool_size = $2/" bouncer.ini
    kill -HUP "${pid[pgbouncer]}"
    sleep 0.5
}

: >results
proxies=(db_router pgbouncer pgpool)
total=$((rounds * $(tr ',' '\n' <<<"$loads" | wc -l) * $(tr ',' '\n' <<<"$clients" | wc -l) * 3)) step=0
for ((round = 0; round < rounds; round++)); do
    for load in ${loads//,/ }; do
        mode=$(mode_of "$load")
        set_mode "$mode" "$([ "$mode" = session ] && echo "$most" || echo "$pool")"
        for number in ${clients//,/ }; do
            for proxy in "${proxies[@]}"; do
                progress $((++step)) $total "$load, $number clients, $proxy"
                measure "$load" "$number" "$proxy"
            done
        done
    done
done
progress

widths='%-14s %-10s %9s %10s %6s'
row "$widths" load/clients proxy us/query queries/s ratio
for load in ${loads//,/ }; do
    for number in ${clients//,/ }; do
        us=$(column_of 3 "$load/$number" db_router | median)
        for proxy in "${proxies[@]}"; do
            other=$(column_of 3 "$load/$number" "$proxy" | median)
            row "$widths" "$load/$number" "$proxy" "$other" \
                "$(column_of 4 "$load/$number" "$proxy" | median)" \
                "$(awk -v a="$us" -v b="$other" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }')"
        done
    done
done
[ ! -e errors ]
