#!/bin/bash
# SPDX-License-Identifier: MIT
# The Redis check against a real pair, and the agent check and scripts against small
# servers.  What is promised:
#  - it tells a primary from a replica and how far each is, and their offsets meet;
#  - a replica names whom it receives from, for as long as it does;
#  - a question of the host's own is answered, and its answer may decide;
#  - a wrong password, a replica without its primary, a server that loads, is full,
#    hangs, or is gone have each their reason;
#  - a script and an agent's line are carried out over real sockets.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/redis.sh PROBE_ONCE" >&2; exit 2; }
probe_once=$1
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs redis-server redis-cli python3

base=$((26000 + $$ % 300 * 8)) # Below the ports that clients get.
port() { echo $((base + $1)); }

cli() { # NUMBER COMMAND...
    redis-cli -p "$(port "$1")" --no-auth-warning -a secret "${@:2}"
}
has_answer() { [ "$(cli "$1" ping)" = PONG ]; }

declare -A server_pid
start_redis() { # NUMBER OPTION...
    redis-server --port "$(port "$1")" --bind 127.0.0.1 --dir "$dir" \
        --dbfilename "$1.rdb" --save '' --requirepass secret \
        --masterauth secret --repl-diskless-sync-delay 0 "${@:2}" \
        >"$dir/$1.log" 2>&1 &
    server_pid[$1]=$!
    pids+=($!)
}
stop_redis() {
    kill -TERM "${server_pid[$1]}"
    wait "${server_pid[$1]}" || true
}

# probe KIND NUMBER NAME=VALUE...: then field N answers one of its results.
probe() {
    "$probe_once" "$1" 127.0.0.1 "$(port "$2")" "${@:3}" >"$dir/result" ||
        fail "probe $*"
}
field() { cut -f "$1" "$dir/result"; }
reason() { field 1; }
# is EXPECTED FIELD...: the fields are these, with a bar between.
is() {
    local got
    got=$(cut -f "$2" --output-delimiter='|' "$dir/result")
    [ "$got" = "$1" ] || fail "'$got' should be '$1': $(cat "$dir/result")"
}
redis() { probe redis "$1" password=secret "${@:2}"; }
# ends_as REASON KIND NUMBER ...: for until_true.
ends_as() {
    probe "${@:2}"
    [ "$(reason)" = "$1" ]
}

# --- A pair.
start_redis 1
until_true has_answer 1
redis 1
is 'passed|0|unknown|-|-|-' 1-6
redis 1 expect=primary
is 'passed|0|primary|1|0|-||0|' 1-9
is '|-' 15,16
passed "a primary alone"

start_redis 2 --replicaof 127.0.0.1 "$(port 1)"
until_true ends_as passed redis 2 password=secret expect=replica
is "replica|0|127.0.0.1:$(port 1)" 3,4,15
for i in {1..50}; do cli 1 set "key$i" value >/dev/null; done
redis 1 expect=primary
primary_offset=$(field 5)
[ "$primary_offset" -gt 1000 ] || fail "the primary is at $primary_offset"
replica_is_there() {
    redis 2 expect=replica
    [ "$(field 5)" -ge "$primary_offset" ]
}
until_true replica_is_there
[ "$(field 5)" = "$(field 8)" ] || fail "two positions: $(cat "$dir/result")"
passed "the replica is where the primary was ($primary_offset)"

redis 2 expect=primary
is 'read-only|0|replica|0' 1-4
redis 1 expect=replica
is 'not a replica|0|primary|1' 1-4
passed "roles are held against what is expected"

# --- A question of the host's own.
redis 1 question='GET key1'
is 'passed|-' 1,16
redis 1 question='EXISTS key1 key2 nowhere' expect=primary
is 'passed|primary|2' 1,3,16
redis 1 question='EXISTS nowhere' answer_min=1
is 'answer|0' 1,16
redis 1 question='INCR canary' answer_min=1
is 'passed|1' 1,16
redis 1 question='GET canary' answer_min=1 answer_max=1
is 'passed|1' 1,16
redis 1 question='INCR key1'
is 'passed|-' 1,16
redis 1 question='INCR key1' answer_min=1
is 'server error|ERR value is not an integer or out of range|-' 1,9,16
redis 2 question='INCR canary' answer_min=1
is 'read-only|-' 1,16
[[ $(field 9) = READONLY* ]] || fail "$(cat "$dir/result")"
cli 1 config set min-replicas-to-write 2 >/dev/null
redis 1 question='INCR canary' answer_min=1
is 'server error|-' 1,16
redis 1 expect=primary
is passed 1
cli 1 config set min-replicas-to-write 0 >/dev/null
passed "a question of the host's own, and one that writes"

# --- Logins.
probe redis 1
is 'login refused|NOAUTH Authentication required.' 1,9
probe redis 1 password=wrong
is 'login refused|WRONGPASS invalid username-password pair or user is disabled.' 1,9
cli 1 acl setuser bob on '>builder' +ping >/dev/null
probe redis 1 user=bob password=builder
is passed 1
probe redis 1 user=bob password=builder ask=1
[ "$(reason)" = 'server error' ] && [[ $(field 9) = NOPERM* ]] ||
    fail "without +role: $(cat "$dir/result")"
passed "logins"

# --- Too many.
cli 1 config set maxclients 3 >/dev/null
exec 3<>"/dev/tcp/127.0.0.1/$(port 1)" 4<>"/dev/tcp/127.0.0.1/$(port 1)"
until_true ends_as 'too many connections' redis 1 password=secret
exec 3<&- 4<&-
cli 1 config set maxclients 100 >/dev/null || true
until_true ends_as passed redis 1 password=secret
passed "too many connections"

# --- Stopped in its tracks: accepted by the system, and not a byte.
kill -STOP "${server_pid[1]}"
redis 1 response_timeout=300
is 'no reply' 1
kill -CONT "${server_pid[1]}"
until_true ends_as passed redis 1 password=secret
passed "a server that hangs"

# --- The link breaks.
stop_redis 1
redis 1
is refused 1
until_true ends_as 'not replicating' redis 2 password=secret expect=replica
is 'replica|0|-|-||' 3-8
is '' 15
[[ $(field 9) = connect* ]] || fail "the link is at '$(field 9)'"
redis 2 ask=1
is 'passed|0|replica' 1-3
cli 2 config set replica-serve-stale-data no >/dev/null
redis 2
is 'not replicating' 1
[[ $(field 9) = MASTERDOWN* ]] || fail "$(cat "$dir/result")"
cli 2 replicaof no one >/dev/null
redis 2 expect=primary
is 'passed|0|primary|1' 1-4
[ "$(field 5)" -ge "$primary_offset" ] || fail "promotion lost the offset"
passed "a replica alone, and promoted"

# --- Loading: a snapshot that takes a second or more to read.
cli 2 eval "for i=1,20000 do redis.call('set', 'k'..i, i) end" 0 >/dev/null
cli 2 save >/dev/null
stop_redis 2
start_redis 2 --key-load-delay 200 --loading-process-events-interval-bytes 1024
until_true ends_as starting redis 2 password=secret expect=primary
[[ $(field 9) = LOADING* ]] || fail "$(cat "$dir/result")"
cli 2 config set key-load-delay 0 >/dev/null
until_true ends_as passed redis 2 password=secret expect=primary
passed "a server that loads"

# --- Scripts.
probe script 2 send=$'AUTH secret\r\n' start=$'+OK\r\n' send=$'PING\r\n' \
    start=$'+PONG\r\n' send=$'QUIT\r\n' expect=+OK end=
is 'passed|7' 1-2
probe script 2 send=$'PING\r\n' start=+PONG
is 'unexpected|1|-NOAUTH Authentication required.' 1,2,9
probe script 2 expect=220 response_timeout=200
is 'no reply|0' 1-2
probe script 2 send=$'PING\r\n' expect=$'\r\n' end= response_timeout=200
is 'slow reply|2' 1-2
probe script 1 expect=a
is 'refused|0' 1-2
passed "scripts"

# --- An agent: one line for each connection, which is what it was sent.
python3 - "$(port 3)" >"$dir/agent.log" 2>&1 <<'EOF' &
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    try:
        with connection:
            line = connection.recv(1000)
            for i in range(len(line)):
                connection.sendall(line[i:i + 1])
    except OSError:
        pass # Who only connects has left by now.
EOF
pids+=($!)
until_true ends_as passed tcp 3
probe agent 3 send=$'75%, maxconn:30 maint\tdown # no disk\n'
is 'agent down|no disk|0|75|-|30|2' 1,9-14
probe agent 3 send=$'up weight:7 drain\r'
is 'passed||1|-|7|-|1' 1,9-14
probe agent 3 send=$'ready\n'
is 'passed||-|-|-|-|0' 1,9-14
probe agent 3 send=up
is 'closed early' 1
probe agent 4
is refused 1
probe agent 2 response_timeout=200
is 'no reply' 1
passed "an agent"

# --- A wrong protocol, each at the other's.
probe redis 3
is 'bad reply' 1 # It hears itself: an array where a PONG is due.
probe http 2
is 'closed early' 1 # Redis hangs up on "Host:".
passed "wrong protocols"
