#!/bin/bash
# SPDX-License-Identifier: MIT
# pair_host.sh LB_PAIR TCP_PROXY HAMMER: two of lb_pair on one host, with a lease in a
# file and one port, and a client that hammers it. What is promised:
#  - whoever is killed, lb_pair or its proxy, is replaced in a moment;
#  - a proxy that stands still is noticed (--attest), and so is a whole node, which is
#    fenced first;
#  - SIGTERM hands over, SIGUSR1 and SIGUSR2 do there and back;
#  - what is in progress at a hand-over is finished (--drain);
#  - as long as the fence fails nobody takes over;
#  - --up and --down are run in turn, and who cannot --up steps down;
#  - never do two serve.
set -eu -o pipefail
[ $# -eq 3 ] || { echo "usage: tests/real/pair_host.sh LB_PAIR TCP_PROXY HAMMER" >&2; exit 2; }
lb_pair=$1 tcp_proxy=$2 hammer=$3
# shellcheck source=hammer.sh
. "$(dirname "$0")/hammer.sh"
need_programs nginx ss pgrep
port=$((20000 + $$ % 4000 * 3))

# The fence: the other node's lb_pair is killed, and its proxy goes with it.
cat >"$dir/fence" <<'END'
#!/bin/sh
[ ! -e "${1%/*}/fence_fails" ] || exit 1
pid=$(cat "$1") || exit 1
kill -9 "$pid" 2>/dev/null
for _ in $(seq 100); do
    if ! grep '^State' "/proc/$pid/status" 2>/dev/null | grep -qv Z; then
        exit 0
    fi
    sleep 0.02
done
exit 1
END
chmod +x "$dir/fence"

declare -A pid other=([a]=b [b]=a) backend=([a]=$((port + 1)) [b]=$((port + 2)))
start() { # NODE
    : >"$dir/$1.log"
    "$lb_pair" --lease "file:$dir/lease" --node "$1" --group web --attest 500ms --drain 400ms \
        --up "[ ! -e $dir/up_fails ] && echo up $1 \$INFRA_GROUP \$INFRA_TOKEN >>$dir/commands" \
        --down "echo down \$INFRA_NODE \$INFRA_GROUP \$INFRA_TOKEN >>$dir/commands" \
        --floor "$dir/$1.floor" --fence "$dir/fence $dir/${other[$1]}.pid" -- \
        "$tcp_proxy" --gate --listen "127.0.0.1:$port" --inter 200ms \
        "127.0.0.1:${backend[$1]}" 2>>"$dir/$1.log" &
    pid[$1]=$!
    pids+=($!)
    echo $! >"$dir/$1.pid"
}
restart() {
    end_of "${pid[$1]}"
    start "$1"
    until_true stands_by "$1"
}
listeners() { ss -ltnpH "sport = :$port" | grep -o 'pid=[0-9]*'; }
# One listens, and it is the proxy of this node.
check_listener() {
    [ "$(listeners)" = "pid=$(child_of "${pid[$1]}")" ] || fail "who listens: $(listeners)"
}

say_name - a $((port + 1))
say_name - b $((port + 2))
start a
until_true log_says a web active
start b
until_true stands_by b
hammer_start "$hammer" 127.0.0.1 "$port"
[ "$(serving)" = a ] || fail "not a: $(serving)"
check_listener a

t=$(now)
kill -9 "${pid[a]}"
end_of "${pid[a]}"
recovered "file: lb_pair killed" a "$t" 3
restart a
check_listener b

t=$(now)
kill -9 "$(child_of "${pid[b]}")"
recovered "file: its proxy killed" b "$t" 3
until_true stands_by b
check_listener a

t=$(now)
kill -STOP "$(child_of "${pid[a]}")"
recovered "file: its proxy stopped, --attest 500ms" a "$t" 5
grep -q 'shows no progress' "$dir/a.log" || fail "it was not killed"
until_true stands_by a
check_listener b

t=$(now)
kill -TERM "${pid[b]}"
recovered "file: SIGTERM" b "$t" 3
handed_over b a
wait "${pid[b]}" || fail "lb_pair ended with status $?"
[ "$(listeners)" = "pid=$(child_of "${pid[a]}")" ] || fail "a proxy was left behind"
restart b

t=$(now)
kill -STOP "${pid[a]}" "$(child_of "${pid[a]}")"
recovered "file, ttl 3s: lb_pair and proxy stopped, fenced" a "$t" 8
grep -q 'web: fence' "$dir/b.log" || fail "it was not fenced"
restart a
check_listener b
[ "$(cat "$dir/b.floor")" = "web $(sed -n 's/.*web: serves, token //p' "$dir/b.log" | tail -n 1)" ] ||
    fail "the floor: $(cat "$dir/b.floor")"


# By command, there and back.
t=$(now)
kill -USR1 "${pid[b]}"
recovered "file: SIGUSR1" b "$t" 3
t=$(now)
kill -USR2 "${pid[b]}"
recovered "file: SIGUSR2" a "$t" 5
check_listener b

# The fence fails: the lease is free, and nobody serves.
touch "$dir/fence_fails"
until_true stands_by a
t=$(now)
kill -9 "${pid[b]}"
end_of "${pid[b]}"
until_true grep -q -- '--fence failed' "$dir/a.log"
fences() { grep -c 'web: fence' "$dir/a.log"; }
n=$(fences)
fences_again() { [ "$(fences)" -gt "$n" ]; }
until_true fences_again
[ -z "$(served_at b "$t")" ] || fail "a serves without a fence"
rm "$dir/fence_fails"
recovered "file, ttl 3s: killed, the fence fails twice" b "$t" 20
restart b

hammer_stop
check_diary

# A request that has begun before the hand-over ends after it, unless this machine is
# slower than the drain three times.
drains() {
    local from=$1
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET / HTTP/1.1\r\nHost: a\r\n' >&3
    sleep 0.1
    kill -USR1 "${pid[$from]}"
    until_true log_says "$from" web draining
    printf 'Connection: close\r\n\r\n' >&3
    got=$(timeout 5 cat <&3 | tr -d '\r' | tail -n 1) || true
    exec 3<&-
    until_true log_says "${other[$from]}" web active
    until_true stands_by "$from"
    [ "$got" = "$from" ]
}
drains a || { drains b && drains a; } || fail "a request was cut: \"$got\""
until_true log_says b web active
kill -USR2 "${pid[a]}"
until_true log_says a web active
until_true stands_by b
passed "a request that was in progress was finished"

# What is done in order is down before it is up, and each token is up once.
t=$(now)
kill -USR1 "${pid[a]}"
until_true log_says b web active
has_two_lines() { [ "$(tail -n 2 "$dir/commands" | cut -d' ' -f1,2 | tr '\n' ' ')" = 'down a up b ' ]; }
until_true has_two_lines
[ -z "$(sort "$dir/commands" | uniq -d | grep up)" ] || fail "up twice: $(cat "$dir/commands")"
until_true stands_by a
touch "$dir/up_fails"
kill -USR2 "${pid[a]}"
until_true grep -q -- '--up failed' "$dir/a.log"
until_true log_says a web cool-down
rm "$dir/up_fails"
until_true log_says b web active
check_listener b
passed "--up and --down: $(wc -l <"$dir/commands") runs"
for node in a b; do
    kill -TERM "${pid[$node]}"
    wait "${pid[$node]}" || fail "lb_pair ended with status $?"
done
[ -z "$(listeners)" ] || fail "a proxy was left behind"
