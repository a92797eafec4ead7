#!/bin/bash
# SPDX-License-Identifier: MIT
# How long is nobody active when the active node is killed, stopped, or told to hand
# over: libinfra's stores and VRRP beside keepalived, for real.  See --help.
set -eu -o pipefail

usage() {
    cat <<'EOF'
usage: bench/failover.sh [OPTION]... BUILD

Measure take-overs with the programs of the build directory BUILD: two nodes, of
which the active one is

  crash      killed (kill -9)
  freeze     stopped (SIGSTOP), and killed afterwards
  hand-over  told to step down, or, with VRRP, to end in order

and what lies between both, in milliseconds.  The stores:

  memory     two nodes in one process (infra-bench failover --once): from the
             fault to the other's open gate
  file       two processes and a lease in a file (tests/real/elector_node)
  file-100   the same with a grace of 100 ms
  etcd       two processes and an etcd of one member on this machine
  vrrp       two examples/lb_pair/vrrp_node in network namespaces on one bridge, with a
             message each 100 ms
  keepalived the same with two keepalived

With files and etcd each node writes down its open gate every millisecond: the
figure is from the last time of the one to the first of the other.  With VRRP it is
from the last message of the one to the first of the other, as the bridge sees
them.  Each figure is of two nodes that were started for it, at a random time
between two renewals or messages.

"bound" is what the configuration implies, without the time that programs and
messages take:
  - memory: the ttl, a look at the store, the grace (1/6 of the ttl each, at most
    500 ms); a look for a hand-over.
  - file: 100 ms until it is noticed, and the grace; for a freeze the ttl, a look at
    the file (50 ms), the grace; a look for a hand-over.
  - etcd: the ttl, 500 ms until etcd sees that it is over, 500 ms for a look, if the
    watch does not tell it, the grace; 100 ms for a hand-over.
  - VRRP: three intervals and the skew (61 ms); the skew for a hand-over.

  --rounds N        rounds; each measures every fault with every store (5)
  --ttl MS          of the leases; whole seconds, two or more, for etcd (3000)
  --stores LIST     these only, with commas; it fails if one cannot be had
  --faults LIST     these only
  --format table|tsv
  --quick           one round, a ttl of 1 s, memory and file, no freeze, unless
                    LISTs say something else
  --help            this text

Stores that cannot be had are left out: etcd needs etcd; vrrp and keepalived need
root, ip, tcpdump and keepalived.  All happens on this machine, in temporary
directories and namespaces, and is gone at the end.
EOF
}

# shellcheck source=measure.sh
. "$(dirname "$0")/measure.sh"

rounds='' ttl='' stores='' faults='' format=table quick=''
read_options "rounds ttl stores faults format" quick BUILD "$@"
build=$operand
bench=$build/bench/infra-bench node=$build/tests/real/elector_node
vrrp_node=$build/examples/lb_pair/vrrp_node
for program in "$bench" "$node" "$vrrp_node"; do
    [ -x "$program" ] || fail "\"$program\": no such program"
done
if [ -n "$quick" ]; then
    : "${rounds:=1}" "${ttl:=1000}"
    : "${stores:=memory,file,file-100}" "${faults:=crash,hand-over}"
fi
: "${rounds:=5}" "${ttl:=3000}"
[[ $rounds =~ ^[1-9][0-9]{0,4}$ ]] || fail "--rounds \"$rounds\": must be 1 to 99999"
[[ $ttl =~ ^[1-9][0-9]{2,5}$ ]] || fail "--ttl \"$ttl\": must be 100 to 999999"

all_stores=(memory file file-100 etcd vrrp keepalived)
all_faults=(crash freeze hand-over)
# check_list OPTION LIST ALL...: what is not one of all is an error.
check_list() {
    local name=$1 list=$2 one
    shift 2
    for one in ${list//,/ }; do
        [[ " $* " = *" $one "* ]] || fail "$name \"$one\": must be of $*"
    done
}
check_list --stores "$stores" "${all_stores[@]}"
check_list --faults "$faults" "${all_faults[@]}"

PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d)
lan=failover-lan-$$ first=failover-a-$$ second=failover-b-$$
pids=() etcd_pid='' tcpdump_pid=''
kill_all() {
    local p
    # All at once, or a stopped process would not see the end of its child.
    [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
    for p in "${pids[@]}"; do
        for _ in {1..500}; do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.01
        done
    done
    pids=()
}
cleanup() {
    pids+=(${etcd_pid:+"$etcd_pid"} ${tcpdump_pid:+"$tcpdump_pid"})
    kill_all
    for ns in "$lan" "$first" "$second"; do
        ip netns del "$ns" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# until_true COMMAND...: within 20 seconds, and soon.
until_true() {
    for _ in {1..2000}; do
        ! "$@" 2>/dev/null || return 0
        sleep 0.01
    done
    fail "never: $*: $(tail -n 5 "$dir"/*.log 2>/dev/null)"
}

# start COMMAND...: its pid is in pid.
start() {
    "$@" >"$dir/node-${#pids[@]}.log" 2>&1 &
    pid=$!
    disown # Or bash reports its end.
    pids+=("$pid")
}

# pause MS MORE_MS: and a random part of these.
pause() {
    local ms=$(($1 + RANDOM % $2))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# --- Nodes over a lease: their diary (tests/real/elector_node.c).
token() {
    awk '$3 == "open" && $4 > t { t = $4 } END { printf "%d\n", t }' "$dir/diary"
}
is_open() { [ "$(token)" -gt "$1" ]; }

# take_over FAULT PID: of the active node.
take_over() {
    local before
    : >"$dir/diary"
    until_true is_open 0
    before=$(token)
    case $1 in
    crash) kill -9 "$2" ;;
    freeze) kill -STOP "$2" ;;
    hand-over) kill -USR1 "$2" ;;
    esac
    until_true is_open "$before"
    awk -v t="$before" '
        $3 == "open" && $4 == t && $1 > last { last = $1 }
        $3 == "open" && $4 > t && (!first || $1 < first) { first = $1 }
        END { printf "%.1f\n", (first - last) / 1e6 }' "$dir/diary"
}

# over_lease FAULT STORE...: arguments of elector_node.
over_lease() {
    local fault=$1 active
    shift
    : >"$dir/diary"
    start "$node" "$dir/diary" a "$ttl" "$@"
    active=$pid
    until_true is_open 0
    start "$node" "$dir/diary" b "$ttl" "$@"
    until_true grep -q ' b start ' "$dir/diary"
    pause 500 $((ttl / 3)) # It looks, and watches.
    take_over "$fault" "$active"
    kill_all
}

# Each time with a lease of its own: of a former one nothing is left.
measure_memory() { "$bench" failover --once "$1" --ttl "$ttl"; }
measure_file() { over_lease "$1" file "$dir/lease-$step"; }
measure_file-100() { ELECTOR_GRACE_MS=100 measure_file "$1"; }
measure_etcd() { over_lease "$1" etcd "lease-$step" "$port"; }

# --- Nodes of a virtual router, and the bridge between them.
connect() { # NAMESPACE NUMBER
    ip link add name eth netns "$1" type veth peer name "port$2" netns $lan
    ip -n $lan link set dev "port$2" master bridge0 up
    ip -n "$1" link set dev eth up
    ip -n "$1" address add "10.99.0.$2/24" dev eth
}
make_lan() {
    local ns
    for ns in "$lan" "$first" "$second"; do
        ip netns add "$ns" || return
        ip -n "$ns" link set lo up
    done
    ip -n $lan link add name bridge0 type bridge || return
    ip -n $lan link set dev bridge0 up
    connect $first 1
    connect $second 2
    : >"$dir/messages"
    ip netns exec $lan tcpdump -i bridge0 -n -tt -l --immediate-mode \
        'ip proto 112' >>"$dir/messages" 2>"$dir/tcpdump.log" &
    tcpdump_pid=$!
    disown
    until_true grep -q 'listening on' "$dir/tcpdump.log"
}

heard() { grep -q "IP 10.99.0.$1 > " "$dir/messages"; }

start_vrrp() { # NUMBER NAMESPACE PRIORITY
    start ip netns exec "$2" "$vrrp_node" --interface eth --vrid 51 --interval 100 \
        --priority "$3" --local "10.99.0.$1" --address 10.99.0.100/24
}
start_keepalived() { # NUMBER NAMESPACE PRIORITY
    cat >"$dir/keepalived-$1.conf" <<END
vrrp_instance test {
    state BACKUP
    interface eth
    virtual_router_id 51
    version 3
    priority $3
    advert_int 0.1
    virtual_ipaddress { 10.99.0.100/24 }
}
END
    rm -f "$dir/keepalived-$1.pid" "$dir/vrrp-$1.pid"
    start ip netns exec "$2" keepalived -n -l -D -P -f "$dir/keepalived-$1.conf" \
        -p "$dir/keepalived-$1.pid" -r "$dir/vrrp-$1.pid"
    until_true test -s "$dir/vrrp-$1.pid"
    # Its child first: it would resign in order when it hears that it is alone.
    pids=("$(cat "$dir/vrrp-$1.pid")" "${pids[@]}")
}

# over_messages FAULT KIND
over_messages() {
    local active leader ns
    : >"$dir/messages"
    "start_$2" 1 $first 200
    active=("${pids[@]}") leader=$pid
    until_true heard 1
    "start_$2" 2 $second 100
    pause 1500 100 # It has heard that it is second.
    : >"$dir/messages"
    until_true heard 1
    ! heard 2 || fail "$2: both are active"
    pause 100 100
    case $1 in
    crash) kill -9 "${active[@]}" ;;
    freeze) kill -STOP "${active[@]}" ;;
    hand-over) kill -TERM "$leader" ;;
    esac
    until_true heard 2
    awk '$3 == "10.99.0.1" && !first { last = $1 }
        $3 == "10.99.0.2" && !first { first = $1 }
        END { printf "%.1f\n", (first - last) * 1000 }' "$dir/messages"
    kill_all
    for ns in "$first" "$second"; do # A killed node still has it.
        ip -n "$ns" address del 10.99.0.100/24 dev eth 2>/dev/null || true
    done
}
measure_vrrp() { over_messages "$1" vrrp; }
measure_keepalived() { over_messages "$1" keepalived; }

# --- What there is.
port=$((20000 + $$ % 10000)) # Below the ports that clients get.
start_etcd() {
    etcd --name m --data-dir "$dir/etcd" --log-level error \
        --listen-client-urls "http://127.0.0.1:$port" \
        --advertise-client-urls "http://127.0.0.1:$port" \
        --listen-peer-urls "http://127.0.0.1:$((port + 1))" \
        --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))" \
        --initial-cluster "m=http://127.0.0.1:$((port + 1))" >"$dir/etcd.log" 2>&1 &
    etcd_pid=$!
    disown
}
# prepare STORE: sets what is missing.
prepare() {
    local program
    missing=''
    case $1 in
    etcd)
        if ! command -v etcd >/dev/null; then
            missing="no etcd"
        elif [ "$ttl" -lt 2000 ] || [ $((ttl % 1000)) -ne 0 ]; then
            missing="--ttl must be whole seconds, two or more"
        else
            start_etcd
        fi ;;
    vrrp | keepalived)
        [ "$(id -u)" -eq 0 ] || missing="not root"
        for program in ip tcpdump keepalived; do
            command -v $program >/dev/null || missing="no $program"
        done
        if [ -z "$missing$tcpdump_pid" ]; then
            make_lan 2>/dev/null || missing="no namespaces"
        fi ;;
    esac
}

measured=()
for store in "${all_stores[@]}"; do
    [[ -z $stores || ,$stores, = *,$store,* ]] || continue
    prepare "$store"
    if [ -z "$missing" ]; then
        measured+=("$store")
    else
        [ -z "$stores" ] || fail "$store: $missing"
        echo "failover.sh: without $store: $missing" >&2
    fi
done
chosen=()
for fault in "${all_faults[@]}"; do
    [[ -n $faults && ,$faults, != *,$fault,* ]] || chosen+=("$fault")
done

# --- Measure.
total=$((rounds * ${#measured[@]} * ${#chosen[@]})) step=0
for ((round = 0; round < rounds; round++)); do
    for fault in "${chosen[@]}"; do
        for store in "${measured[@]}"; do
            step=$((step + 1))
            progress $step $total "$store, $fault"
            "measure_$store" "$fault" >"$dir/figure"
            printf '%s\t%s\t%s\n' "$store" "$fault" "$(cat "$dir/figure")" \
                >>"$dir/results"
        done
    done
done
progress

bound() { # STORE FAULT
    local part=$((ttl / 6 < 500 ? ttl / 6 : 500)) grace
    grace=$part
    [ "$1" != file-100 ] || grace=100
    case $1,$2 in
    memory,hand-over) echo $part ;;
    memory,*) echo $((ttl + part + grace)) ;;
    file*,hand-over) echo 50 ;;
    file*,crash) echo $((100 + grace)) ;;
    file*,freeze) echo $((ttl + 50 + grace)) ;;
    etcd,hand-over) echo 100 ;;
    etcd,*) echo $((ttl + 500 + part + grace)) ;;
    *,hand-over) echo 61 ;;
    *) echo 361 ;;
    esac
}
figures() { column_of 3 "$1" "$2"; }
widths='%-10s %-11s %10s %8s %8s %6s'
row "$widths" fault store median_ms min_ms max_ms bound
for fault in "${chosen[@]}"; do
    for store in "${measured[@]}"; do
        row "$widths" "$fault" "$store" "$(printf %.1f "$(figures "$store" "$fault" | median)")" \
            "$(figures "$store" "$fault" | head -n 1)" \
            "$(figures "$store" "$fault" | tail -n 1)" "$(bound "$store" "$fault")"
    done
done
