#!/bin/bash
# SPDX-License-Identifier: MIT
# db_router beside pgbouncer and pgpool-II, or beside HAProxy: CPU time per query and
# queries per second, same servers, same client, one core for the proxy.  See --help.
set -eu -o pipefail

usage() {
    cat <<'EOF'
usage: bench/against_db.sh [OPTION]... DB_ROUTER

Measure the program DB_ROUTER (examples/db_router/db_router of a build directory, best
of a release build) beside others.  Behind each are the same primary and replica.

  --database NAME   pg: pgbouncer, which pools and does not split, and pgpool-II;
                    mariadb: HAProxy in tcp mode, which does neither (pg)
  --rounds N        rounds; each measures every load with every proxy (3)
  --seconds N       of load in each measurement (3)
  --clients LIST    with commas (10,100)
  --loads LIST      of the loads below, with commas (all)
  --beside LIST     of the other proxies, with commas (all)
  --idle N          also the memory of N clients that do nothing (0: not)
  --format table|tsv
  --help            this text

The loads of pg are pgbench's: "simple", "extended" and "prepared" are its select-only
script in the three modes of its protocol; "mix" is nine select-only for each tpcb-like
transaction, in the simple mode.  Those of mariadb are sysbench's oltp_point_select,
oltp_read_only and oltp_read_write, with prepared statements.

The proxy under test has one thread and CPU 0 for itself (pgpool-II has a process for
each client); client and servers have the other CPUs.  db_router and pgbouncer have up
to 40 connections to a server.  pgbouncer shares them by transaction, and by session for
"prepared", as Debian 12's version cannot do otherwise.

The figures are medians of the rounds.  "us/query" is the CPU time of the proxy's
processes, with the logins, "ratio" is ours to that of each other proxy.  "KiB/client"
is the growth of the proxy's own memory (Pss) by idle clients that have asked something;
pgpool-II, which has a process for each client, is left out.

Needs the servers, clients and proxies of these names, python3-psycopg2 or
python3-pymysql for --idle, and two CPUs; everything runs on 127.0.0.1 and is gone at
the end.
EOF
}

# shellcheck source=measure.sh
. "$(dirname "$0")/measure.sh"

database=pg rounds=3 seconds=3 clients=10,100 loads='' beside='' idle=0 format=table
read_options "database rounds seconds clients loads beside idle format" "" DB_ROUTER "$@"
here=$(dirname "$(realpath "$0")")
ours=$(realpath "$operand")
for n in "$rounds" "$seconds" ${clients//,/ }; do
    [[ $n =~ ^[1-9][0-9]{0,4}$ ]] || fail "\"$n\": must be 1 to 99999"
done
[[ $idle =~ ^[0-9]{1,5}$ ]] || fail "--idle \"$idle\": must be 0 to 99999"
[ -x "$ours" ] || fail "\"$ours\": no such program"
cpus=$(getconf _NPROCESSORS_ONLN)
[ "$cpus" -ge 2 ] || fail "two CPUs are needed, one for the proxy alone"
others=1-$((cpus - 1))
most=$(tr ',' '\n' <<<"$clients" | sort -n | tail -n 1)
clients_max=$((most > idle ? most : idle))
pool=$((most < 40 ? most : 40))
base=$((20000 + $$ % 10000)) # Below the ports that clients get.
primary=$base replica=$((base + 1))
declare -A port=([db_router]=$((base + 2)) [pgbouncer]=$((base + 3)) [pgpool]=$((base + 4)) \
    [haproxy]=$((base + 3)))
declare -A pid=()
as=() # A command that makes a server not root's.
pids=()
PATH=$PATH:/usr/sbin
# What is different with each database.
case $database in
pg)
    # shellcheck source=against_db_pgsql.sh
    . "$here/against_db_pgsql.sh"
    ;;
mariadb)
    # shellcheck source=against_db_mariadb.sh
    . "$here/against_db_mariadb.sh"
    ;;
*) fail "--database \"$database\": must be pg or mariadb" ;;
esac
for proxy in ${beside//,/ }; do
    [[ " ${others_known[*]} " = *" $proxy "* ]] || fail "--beside \"$proxy\": there is no such proxy"
done
[ -z "$beside" ] || others_known=(${beside//,/ })
proxies=(db_router "${others_known[@]}")
loads=${loads:-$all_loads}
for load in ${loads//,/ }; do
    [[ ,$all_loads, = *",$load,"* ]] || fail "--loads \"$load\": there is no such load"
done
missing=
for pair in "${packages[@]}" taskset:util-linux setpriv:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=" ${pair#*:}"
done
[ -z "$missing" ] || fail "please install:$missing (Debian's package names)"

dir=$(mktemp -d)
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    stop_servers
    wait
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$dir"
ulimit -n "$(ulimit -Hn)"
echo "app secret" >users

is_used() { [[ " ${proxies[*]} " = *" $1 "* ]]; } # PROXY
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
start_servers
start_proxies

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
    local load=$1 number=$2 proxy=$3 before after queries
    before=$(cpu_us "${pid[$proxy]}")
    run_load "$load" "$number" "${port[$proxy]}" || {
        echo "against_db.sh: $proxy had errors ($load, $number clients): $(tail -n 2 load.log)" >&2
        : >errors
        return 0
    }
    after=$(cpu_us "${pid[$proxy]}")
    queries=$(queries_of_load)
    [ "${queries:-0}" -gt 0 ] || {
        echo "against_db.sh: $proxy: no query within --seconds ($load, $number clients)" >&2
        : >errors
        return 0
    }
    awk -v traffic="$load/$number" -v proxy="$proxy" -v us=$((after - before)) \
        -v seconds="$seconds" -v queries="$queries" 'BEGIN {
            printf "%s\t%s\t%.2f\t%.0f\n", traffic, proxy, us / queries, queries / seconds }' \
        >>results
}

# KiB of a process and its children that are its own.
memory() {
    local process all=0 kib
    for process in "$1" $(pgrep -P "$1"); do
        kib=$(awk '$1 == "Pss:" { print $2 }' "/proc/$process/smaps_rollup") || continue
        all=$((all + kib))
    done
    echo $all
}
# idle_memory PROXY: KiB for each of $idle clients. The first connections to the servers
# and the first buffers are there before.
idle_memory() {
    local before after
    coproc crowd { /usr/bin/python3 "$here/idle_clients.py" "$database" "${port[$1]}" "$idle"; }
    read -r _ <&"${crowd[0]}" || fail "idle clients: no connection through $1"
    before=$(memory "${pid[$1]}")
    echo go >&"${crowd[1]}"
    read -r _ <&"${crowd[0]}" || fail "idle clients: no connection through $1"
    after=$(memory "${pid[$1]}")
    echo over >&"${crowd[1]}"
    wait "$crowd_PID" || true
    awk -v a="$after" -v b="$before" -v n="$idle" 'BEGIN { printf "%.2f", (a - b) / n }'
}

# Before the loads: what they leave in the heap would hide it.
: >idle
if [ "$idle" -gt 0 ]; then
    before_load "${loads%%,*}"
    for proxy in "${proxies[@]}"; do
        [ "$proxy" != pgpool ] || continue
        progress 0 1 "$idle idle clients, $proxy"
        echo "$proxy $(idle_memory "$proxy")" >>idle
    done
fi

: >results
total=$((rounds * $(tr ',' '\n' <<<"$loads" | wc -l) * $(tr ',' '\n' <<<"$clients" | wc -l) * ${#proxies[@]}))
step=0
for ((round = 0; round < rounds; round++)); do
    for load in ${loads//,/ }; do
        before_load "$load"
        for number in ${clients//,/ }; do
            for proxy in "${proxies[@]}"; do
                progress $((++step)) $total "$load, $number clients, $proxy"
                measure "$load" "$number" "$proxy"
            done
        done
    done
done
progress

widths='%-18s %-10s %9s %10s %6s'
row "$widths" load/clients proxy us/query queries/s ratio
for load in ${loads//,/ }; do
    for number in ${clients//,/ }; do
        us=$(column_of 3 "$load/$number" db_router | median)
        for proxy in "${proxies[@]}"; do
            [ -n "$(column_of 3 "$load/$number" "$proxy")" ] || continue # It had errors.
            other=$(column_of 3 "$load/$number" "$proxy" | median)
            row "$widths" "$load/$number" "$proxy" "$other" \
                "$(column_of 4 "$load/$number" "$proxy" | median)" \
                "$(awk -v a="$us" -v b="$other" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }')"
        done
    done
done
widths='%-18s %-10s %10s'
[ "$idle" -eq 0 ] || row "$widths" idle/clients proxy KiB/client
while read -r proxy kib; do row "$widths" "idle/$idle" "$proxy" "$kib"; done <idle
[ ! -e errors ]
