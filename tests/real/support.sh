# SPDX-License-Identifier: MIT
# Sourced (bash): processes and network namespaces that are gone
# at the end, and a bridge between nodes. Sets: dir, pids, namespaces.

PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d)
pids=()
namespaces=()
cleanup() {
    { # Bash reports who was killed.
        [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" || true
        wait || true
        for ns in "${namespaces[@]}"; do ip netns del "$ns" || true; done
    } 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    for file in "$dir"/*.log; do
        echo "--- ${file##*/}" >&2
        tail -n 25 "$file" >&2
    done
    tell_more >&2
    exit 1
}
tell_more() { :; } # A script may have more to tell.
passed() { echo "ok: $*"; }
skip() { echo "skipped: $*"; exit 77; }

# need_programs PROGRAM...: or the test is skipped.
need_programs() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "no $program"
    done
}

# until_true COMMAND...: within minutes. What is redirected is also where Bash reports
# who was killed.
until_true() {
    for _ in {1..6000}; do
        { ! "$@" || return 0; sleep 0.02; } 2>/dev/null
    done
    fail "never: $*"
}

# make_lan LAN NODE...: namespaces, the first with a bridge. False: the system has none.
make_lan() {
    local ns
    for ns; do
        ip netns add "$ns" 2>/dev/null || return
        namespaces+=("$ns")
        ip -n "$ns" link set lo up
    done
    lan=$1
    ip -n "$lan" link add name bridge0 type bridge 2>/dev/null || return
    # The tests have no time for duplicate address detection.
    ip netns exec "$lan" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/bridge0/accept_dad'
}

# connect NODE NUMBER SUBNET [FUNCTION]: an interface eth with SUBNET.NUMBER, on port
# NUMBER. The function is called with NODE and NUMBER before eth is up.
connect() {
    ip link add name eth netns "$1" type veth peer name "port$2" netns "$lan"
    ip -n "$lan" link set dev "port$2" master bridge0 up
    ip netns exec "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth/accept_dad'
    "${4:-:}" "$1" "$2"
    ip -n "$1" link set dev eth up
    ip -n "$1" address add "$3.$2/24" dev eth
}

# start_tcpdump FILTER: what the bridge sees, in $dir/messages.
start_tcpdump() {
    : >"$dir/messages"
    ip netns exec "$lan" tcpdump -i bridge0 -n -tt -l --immediate-mode "$1" \
        >>"$dir/messages" 2>"$dir/tcpdump.log" &
    pids+=($!)
    until_true grep -q 'listening on' "$dir/tcpdump.log"
}

# keepalived_conf FILE PRIORITY LINES: an instance for VRID 51, a message each 100 ms.
keepalived_conf() {
    cat >"$1" <<END
global_defs {
    router_id theirs
}
vrrp_instance test {
    state BACKUP
    interface eth
    virtual_router_id 51
    version 3
    priority $2
    advert_int 0.1
    $3
}
END
}
