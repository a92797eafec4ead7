# SPDX-License-Identifier: MIT
# Sourced by db_failover_pgsql.sh and db_failover_mysql.sh: a primary and two
# replicas that acknowledge its writes, two processes of db_failover, writers that note each write that was acknowledged, and a sampler that
# notes who takes writes. What is promised:
#  - the primary is killed: one of the others is promoted, every acknowledged write
#    is there, and the third follows it;
#  - the former primary comes back as a replica, and is never one that takes writes
#    with the newest token;
#  - a switchover loses nothing;
#  - the process that acts is killed in the middle of a take-over: the other ends
#    it, and the order that the first had on its way is refused;
#  - a primary that stands still is shut out, too;
#  - a primary that cannot be fenced and comes back as it was acknowledges nothing,
#    and is shut out when it can be.
# fsync is off where it can be: a process that is killed leaves the page cache
# behind, so nothing is lost by that.
#
# Needs, when main() is called: agent, db_failover (the programs), check (CHECK),
# base (the first of four ports), lease (LEASE), and these functions:
#   make_homes            the three homes, as db_agent.sh has them
#   can_run NODE          does its server answer at all?
#   prepare NODE          make the table of the writers
#   statement             (a variable) the beginning of what the writers write
#   look                  (a variable) a question that a node answers with "WRITABLE
#                         TOKEN", 1 or 0 and the newest in its table
#   revive NODE           start it as the primary that it was
#   write_by_hand NODE    make the replica writable, and insert many negative IDs

# shellcheck source=db_homes.sh
. "$here/db_homes.sh"

# --- Who is primary, as routers are told.
cat >on_primary.sh <<'END'
#!/bin/bash
# The newest token wins.
cd "${0%/*}" || exit 1
read -r _ newest 2>/dev/null <primary || newest=0
[ "$INFRA_TOKEN" -gt "$newest" ] || exit 0
echo "${INFRA_ADDRESS##*:} $INFRA_TOKEN" >primary.new && mv primary.new primary
END
chmod +x on_primary.sh
# Sets: primary_port and token, or nothing and 0.
look_at_primary() {
    primary_port='' token=0
    read -r primary_port token 2>/dev/null <primary || true
}
primary() {
    look_at_primary
    [ -z "$primary_port" ] || node_at "$primary_port"
}
is_newer() {
    look_at_primary
    [ "$token" -gt "$1" ]
}

# --- The agent: while there is a file "hold", a promotion waits for its end before
# it begins, as if it were long on its way; and a node may be out of reach.
cat >agent.sh <<'END'
#!/bin/bash
cd "${0%/*}" || exit 2
if [ "$1" = promote ] && [ -e hold ] && mv hold held 2>/dev/null; then
    until [ -e released ]; do sleep 0.05; done
    "$AGENT" "$@"
    echo "$INFRA_TOKEN $?" >late
    exit 2
fi
[ ! -e "unreachable.$2" ] || exit 2
if [ -e "cloning.$2" ] && [ "$1" != fence ]; then
    [ "$1" = repoint ] && exit 2
    exit 1
fi
exec "$AGENT" "$@"
END
chmod +x agent.sh
export AGENT=$agent

# --- The two processes.
declare -A watcher
start_watcher() { # NAME
    "$db_failover" --lease "$lease" --node "$1" --agent "$dir/agent.sh" \
        --on-primary "$dir/on_primary.sh" --control "$dir/$1.control" --floor "$dir/$1.floor" \
        --check "$check,connect_timeout=500ms,response_timeout=1500ms" --ttl 3s --inter 400ms \
        --sample-age-max 2s --collect-timeout 10s --sync-acks 1 --unfenced proceed --fence-timeout 4s \
        --recovery-interval 1s --half-life 1s \
        "db1=127.0.0.1:$(port_of db1),priority=3" "db2=127.0.0.1:$(port_of db2),priority=2" \
        "db3=127.0.0.1:$(port_of db3),priority=1" >>"$1.log" 2>&1 &
    watcher[$1]=$!
    jobs_started+=($!)
}
tell() { "$db_failover" --tell "$dir/$1.control" "${@:2}"; }
# Who holds the lease?
acting() {
    local w
    for w in w1 w2; do
        [[ $(tell $w status 2>/dev/null) != *" lease active "* ]] || echo $w
    done
}

# --- Writers and the sampler. Each is a process with sessions of its own.
writer() { # NUMBER
    local n=0 count=0 now primary_port token
    close_sessions
    while [ ! -e over ]; do
        look_at_primary
        n=$((n + 1))
        if insert "$primary_port" $((n * 10 + $1)) 2>/dev/null; then
            look_at_clock
            count=$((count + 1))
            echo "$now $((n * 10 + $1))" >>"acked.$1"
            echo "$count $now" >"count.$1"
        fi
        nap 0.05 # The machine is there for the servers and their agents.
    done
    kill_session writer
}
# Sets: acknowledged, how many were; last_ack, when the last was.
look_at_writers() {
    local number count at
    acknowledged=0 last_ack=0
    for number in 1 2; do
        count=0 at=0
        read -r count at 2>/dev/null <count.$number || true
        acknowledged=$((acknowledged + ${count:-0}))
        [ "${at:-0}" -le $last_ack ] || last_ack=$at
    done
}
has_acknowledged() {
    look_at_writers
    [ $acknowledged -ge "$1" ]
}
has_acknowledged_more() {
    look_at_writers
    until_true 180 has_acknowledged $((acknowledged + $1))
}
has_ack_since() {
    look_at_writers
    [ $last_ack -gt "$1" ]
}
# The first after a time.
first_ack() { cat acked.* | awk -v t="$1" '$1 > t && (!f || $1 < f) { f = $1 } END { print f }'; }
# The longest time without one, from a time on.
gap_since() {
    sort -n acked.* | awk -v t="$1" '$1 >= t { if (last && $1 - last > g) g = $1 - last }
        { last = $1 } END { print g }'
}

# All are asked before the first is listened to.
sampler() {
    local round=0 n asked
    close_sessions
    while [ ! -e over ]; do
        round=$((round + 1)) asked=()
        for n in "${nodes[@]}"; do
            [ ! -e "by_hand.$n" ] || continue
            send "$n" "$look"
            asked+=("$n")
        done
        for n in "${asked[@]}"; do
            if receive "$n" 2; then
                answer=${session_reply[$n]%$'\n'}
                echo "$round $n ${answer##*$'\n'}" >>samples
            else
                kill_session "$n"
            fi
        done 2>/dev/null
        echo $round >round
        nap 0.3
    done
}
# In no round two take writes with the newest token.
check_samples() {
    awk '$3 == 1 { if ($4 > newest) newest = $4
            if ($1 != round) { round = $1; split("", has) }
            has[$4] = has[$4] " " $2
            if (split(has[newest], who, " ") > 1) { print "round " $1 ":" has[newest] " with token " newest; exit 1 }
            seen++ }
        END { if (seen < 20) { print "only " seen " samples"; exit 1 }
            print seen }' samples >verdict || fail "two primaries: $(cat verdict)"
}

# Every acknowledged write is on this node.
check_writes() { # NODE
    local lost count
    cut -d' ' -f2 acked.* | sort >wanted
    ids "$1"
    sort <<<"$answer" >there
    lost=$(comm -23 wanted there | sed -n 1,5p | tr '\n' ' ')
    count=$(wc -l <wanted)
    [ -z "$lost" ] || fail "acknowledged, and not on $1: $lost"
    passed "acknowledged $count, lost 0 on $1"
}

follows() { source_of "$1" && [ "$answer" = "$2" ]; }
all_follow() {
    local n
    look_at_primary
    for n in "${nodes[@]}"; do
        [ "$(port_of "$n")" = "$primary_port" ] || follows "$n" "$primary_port" || return 1
    done
}
follows_primary() {
    look_at_primary
    follows "$1" "$primary_port"
}

# All processes of a server, at once. Sets: killed.
kill_node() { # NODE
    local all
    all=$(processes "$DB_AGENT_DIR/$1/data")
    look_at_clock
    killed=$now
    # shellcheck disable=SC2086
    kill -9 $all 2>/dev/null || true # Some go with their parent.
}
# Seconds from then to the first write that was acknowledged; what was acknowledged
# just before may be noted just after.
recovery() {
    until_true 180 has_ack_since $((killed + 100))
    awk -v a="$(first_ack $((killed + 100)))" -v b="$killed" 'BEGIN { printf "%.1f s", (a - b) / 1000 }'
}
start_node() {
    "$agent" start "$1" || fail "$1 does not start"
    until_true 180 can_run "$1"
}

fails_over() {
    local old before
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    until_true 180 has_acknowledged 50
    kill_node "$old"
    until_true 180 is_newer "$before"
    echo "killed -> writable again: $(recovery) ($old -> $(primary))"
    [ "$(primary)" != "$old" ] || fail "$old was promoted, and it is dead"
    check_writes "$(primary)"
    others "$old" "$(primary)" >third
    until_true 180 follows_primary "$(cat third)"
    passed "$(cat third) follows $(primary)"
    start_node "$old"
    until_true 180 follows_primary "$old"
    passed "$old is back and follows $(primary)"
}

switches_over() {
    local old before to since
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    to=$(others "$old" | sed -n 1p)
    is_switched() { tell w1 switchover "$to" >told || tell w2 switchover "$to" >told; }
    # One that takes too long to stop the primary is given up, and that goes on.
    for _ in 1 2 3 4 5; do
        until_true 180 is_switched
        look_at_clock
        since=$now
        until_true 180 is_newer "$before"
        [ "$(primary)" != "$to" ] || break
        echo "given up: a switchover from $old to $to; $(primary) goes on"
        before=$token
    done
    [ "$(primary)" = "$to" ] || fail "the switchover went to $(primary), not to $to"
    look_at_clock
    until_true 180 has_ack_since $((now - 50))
    check_writes "$to"
    echo "switchover: no write for $(gap_since "$since") ms at most ($old -> $to)"
    until_true 180 all_follow
    passed "all follow $to, $old too"
}

# The process that acts dies while its promotion is on its way, and the other one
# takes over.
survives_its_own_death() {
    local old before who
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    touch hold
    kill_node "$old"
    until_true 180 test -e held
    who=$(acting)
    [ -n "$who" ] || fail "nobody acts"
    kill -9 "${watcher[$who]}"
    until_true 180 is_newer "$before"
    echo "killed, and $who in the middle of the take-over -> writable again: $(recovery)"
    touch released
    until_true 180 test -e late
    read -r late_token late_status <late
    look_at_primary
    [ "$late_token" -lt "$token" ] && [ "$late_status" = 1 ] ||
        fail "an order with token $late_token ended with $late_status; the newest is $token"
    passed "the order that $who had on its way is refused"
    check_writes "$(primary)"
    start_watcher "$who"
    start_node "$old"
    until_true 180 all_follow
    passed "all follow $(primary)"
}

# The host of the primary is lost, so that it cannot be fenced; the others go on, and
# then it comes back as it was.
outlives_its_host() {
    local old before
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    touch "unreachable.$old"
    kill_node "$old"
    until_true 180 is_newer "$before"
    echo "killed, and not to be fenced for 2 s -> writable again: $(recovery) ($old -> $(primary))"
    check_writes "$(primary)"
    revive "$old" >revive.log 2>&1
    until_true 180 can_run "$old"
    sql "$old" "$look"
    [ "$answer" = "1 $before" ] || fail "$old is not the primary that it was: $answer"
    ! insert "$(port_of "$old")" 99999999 2>/dev/null || fail "$old acknowledged a write"
    passed "$old is back as primary, and acknowledges nothing"
    rm "unreachable.$old"
    is_down() { ! can_run "$old"; }
    until_true 180 is_down
    passed "it is shut out"
    start_node "$old"
    until_true 180 all_follow
    passed "$old follows $(primary)"
}

# It stands still, and keeps its connections: who checks it gets no answer, and after
# a while its replicas hear nothing.
hangs() {
    local old before
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    # shellcheck disable=SC2046
    kill -STOP $(processes "$DB_AGENT_DIR/$old/data")
    look_at_clock
    killed=$now
    until_true 180 is_newer "$before"
    echo "stopped -> writable again: $(recovery) ($old -> $(primary))"
    check_writes "$(primary)"
    start_node "$old"
    until_true 180 all_follow
    passed "$old, which was shut out, follows $(primary)"
}

# A replica is made writable by hand, written to, shut out and started again; it has
# more than the others then, and of its own. Its clone is under way when the primary
# dies.
holds_back_who_went_apart() {
    local old before apart other round later fences
    look_at_primary
    old=$(node_at "$primary_port") before=$token
    apart=$(others "$old" | sed -n 1p) other=$(others "$old" | sed -n 2p)
    touch "cloning.$apart" "by_hand.$apart"
    is_told() { read -r round <round; } # It is empty while it is written.
    until_true 180 is_told
    is_later() { read -r later <round && [ "$later" -gt $((round + 1)) ]; }
    until_true 180 is_later
    fences=$(cat w?.log | grep -c "order fence $apart .* done" || true)
    write_by_hand "$apart" || fail "$apart is not made writable"
    is_out() { [ "$(cat w?.log | grep -c "order fence $apart .* done")" -gt "$fences" ]; }
    until_true 180 is_out
    has_acknowledged_more 20
    rm "by_hand.$apart"
    start_node "$apart"
    has_acknowledged_more 20
    kill_node "$old"
    until_true 180 is_newer "$before"
    [ "$(primary)" = "$other" ] || fail "$(primary) was promoted, and $apart has a history of its own"
    check_writes "$other"
    rm "cloning.$apart"
    start_node "$old"
    until_true 180 all_follow
    ids "$apart"
    ! grep -q '^-' <<<"$answer" || fail "$apart has kept what it wrote by hand"
    passed "$apart took writes by hand: $other was promoted, and $apart has its data"
}

# Data that nobody can use any more is replaced.
clones() {
    local node
    node=$(others "$(primary)" | sed -n 1p)
    look_at_primary
    kill_node "$node"
    touch "$DB_AGENT_DIR/$node/broken"
    INFRA_TOKEN=$(cat "$DB_AGENT_DIR/$node/token") INFRA_SOURCE=$(primary) \
        INFRA_SOURCE_ADDRESS=127.0.0.1:$primary_port "$agent" repoint "$node" >clone.log 2>&1 ||
        fail "$node is not cloned: $(cat clone.log)"
    until_true 180 follows_primary "$node"
    passed "$node is cloned from $(primary) and follows it"
}

# One member of etcd, for the lease.
start_etcd() {
    local url=http://127.0.0.1:$((base + 3))
    mkdir etcd
    etcd --data-dir "$dir/etcd" --log-level error --listen-client-urls "$url" \
        --advertise-client-urls "$url" --listen-peer-urls "unix://localhost:0" \
        --unsafe-no-fsync >>etcd.log 2>&1 &
    jobs_started+=($!)
    lease=etcd:127.0.0.1:$((base + 3))
}

main() {
    make_homes
    for n in "${nodes[@]}"; do start_node "$n"; done
    start_watcher w1
    start_watcher w2
    until_true 180 is_newer 0
    [ "$(primary)" = db1 ] || fail "the first primary is $(primary), not who has the highest priority"
    until_true 180 all_follow
    passed "three that take no writes: $(primary) is promoted, the others follow it"
    prepare "$(primary)"
    for n in 1 2; do
        writer $n &
        jobs_started+=($!)
        writers+=($!)
    done
    sampler &
    jobs_started+=($!)

    fails_over
    switches_over
    survives_its_own_death
    outlives_its_host
    hangs
    holds_back_who_went_apart
    clones

    touch over
    for w in "${writers[@]}"; do wait "$w" || true; done
    for n in "${nodes[@]}"; do
        is_complete() {
            ids "$n" && [ -z "$(sort <<<"$answer" | comm -13 - <(cut -d' ' -f2 acked.* | sort))" ]
        }
        until_true 180 is_complete
        check_writes "$n"
    done
    check_samples
    passed "never two that take writes with the newest token, $(cat verdict) samples"
    for w in w1 w2; do
        kill -TERM "${watcher[$w]}"
        wait "${watcher[$w]}" || fail "$w ended with $?"
    done
}
