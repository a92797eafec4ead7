#!/bin/bash
# SPDX-License-Identifier: MIT
# db_agent.sh AGENT: which orders the agent refuses. It is the fence of its node: no
# order has an effect whose token is older than the newest that it has seen.
set -u
command -v flock >/dev/null || { echo "skipped: no flock"; exit 77; }
agent=$(realpath "$1")
dir=$(mktemp -d)
held=
trap '[ -z "$held" ] || kill -9 $held 2>/dev/null; rm -rf "$dir"' EXIT
failed=0
fail() {
    echo "FAILED: $*" >&2
    failed=1
}
export DB_AGENT_DIR=$dir
home=$dir/db1
mkdir "$home"
echo "[client]" >"$home/my.cnf" # MariaDB; there is no server, and no order needs one.

# order STATUS TOKEN ORDER NODE
order() {
    local status=$1
    INFRA_TOKEN=$2 INFRA_SOURCE_ADDRESS=127.0.0.1:1 timeout 20 "$agent" "${@:3}" >"$dir/said" 2>&1
    local got=$?
    [ $got -eq "$status" ] || fail "$3 with token $2: $got, not $status: $(cat "$dir/said")"
}
newest() { cat "$home/token"; }

order 0 5 fence db1
[ "$(newest)" = 5 ] || fail "token $(newest)"
order 0 5 fence db1
order 1 4 fence db1
grep -q 'refused: its token 4 is older than 5' "$dir/said" || fail "$(cat "$dir/said")"
for what in stop detach promote repoint; do order 1 4 $what db1; done
[ "$(newest)" = 5 ] || fail "an older token was written down: $(newest)"
order 0 9223372036854775807 fence db1
order 1 6 fence db1

for bad in '' 0 -1 x 5x 05 99999999999999999999; do order 64 "$bad" fence db1; done
order 64 7 fence db2
order 64 7 dance db1
order 64 7 fence

# A token file that cannot be read is no licence.
echo 3 >"$home/token"
mv "$home/token" "$home/token.real" && mkdir "$home/token"
order 2 7 fence db1
rmdir "$home/token" && mv "$home/token.real" "$home/token"
: >"$home/token"
order 2 7 fence db1
echo 3 >"$home/token"

# One order at a time: the second begins when the first has ended.
flock "$home/lock" sh -c 'touch "$0/began"; sleep 1; touch "$0/ended"' "$dir" &
held=$!
for _ in {1..100}; do [ ! -e "$dir/began" ] || break; sleep 0.02; done
order 0 8 fence db1
[ -e "$dir/ended" ] || fail "two orders at a time"

# But what may take hours, pointing it at a primary, gives way to a newer token, with
# all that it has started.
bash -c 'exec 9>>"$0/lock"; flock 9; echo "$$ repoint 8" >"$0/holder"; sleep 60 & echo $! >"$0/child"
    wait' "$home" &
held=$!
for _ in {1..100}; do [ ! -s "$home/child" ] || break; sleep 0.02; done
order 0 9 fence db1
# Killed is not yet gone: whoever inherits it has to ask for its status.
goes_on() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$(cat "$home/child")/status" 2>/dev/null; }
for _ in {1..100}; do
    goes_on || break
    sleep 0.02
done
! goes_on || fail "what the older order has started goes on"

# Data that was half replaced is not started.
touch "$home/broken"
order 1 '' start db1
exit $failed
