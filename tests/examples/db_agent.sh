#!/bin/bash
# SPDX-License-Identifier: MIT
# db_agent.sh AGENT: which orders the agent refuses. It is the fence of its node: no
# order has an effect whose token is older than the newest that it has seen.
set -u
command -v flock >/dev/null || { echo "skipped: no flock"; exit 77; }
agent=$(realpath "$1")
dir=$(mktemp -d)
held=
trap 'kill -9 $held 2>/dev/null; rm -rf "$dir"' EXIT
failed=0
fail() {
    echo "FAILED: $*" >&2
    failed=1
}
export DB_AGENT_DIR=$dir
home=$dir/db1
mkdir "$home"
# MariaDB; there is no server, and no order needs one.
printf '[client]\nsocket = %s\n' "$home/socket" >"$home/my.cnf"
mkdir "$dir/bin"
has_version() { # of mariadbd
    printf '#!/bin/sh\necho "mariadbd  Ver %s for debian-linux-gnu"\n' "$1" >"$dir/bin/mariadbd"
    chmod +x "$dir/bin/mariadbd"
}
has_version 10.11.9-MariaDB-log
PATH=$dir/bin:$PATH

# order STATUS TOKEN ORDER NODE
order() {
    local status=$1
    INFRA_TOKEN=$2 INFRA_SOURCE_ADDRESS=127.0.0.1:1 timeout 120 "$agent" "${@:3}" >"$dir/said" 2>&1
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
order 64 7 fence "d'b"
order 64 7 fence ../db1
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
bash -c 'exec 9>>"$0/lock"; flock 9; echo "$$ repoint 8" >"$0/holder"; sleep 600 & echo $! >"$0/child"
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

# The holder of the lock is gone, and its number may be a stranger's.
[ ! -s "$home/holder" ] || fail "an order has ended, and still holds the lock"
sleep 600 &
stranger=$!
held+=" $stranger"
echo "$stranger repoint 9 1 -" >"$home/holder"
rm -f "$dir/began"
flock "$home/lock" sh -c 'touch "$0/began"; until [ -e "$0/go" ]; do sleep 0.02; done' "$dir" &
held+=" $!"
for _ in {1..100}; do [ ! -e "$dir/began" ] || break; sleep 0.02; done
(sleep 2; touch "$dir/go") &
order 0 10 fence db1
kill -0 $stranger || fail "a fence has killed a stranger"

# Data that was half replaced, or is being cloned, is no node: at once, by any token.
touch "$home/broken"
for what in stop detach promote; do order 1 10 $what db1; done
grep -q 'half replaced' "$dir/said" || fail "$(cat "$dir/said")"
order 1 '' start db1
rm "$home/broken"
rm -f "$dir/began" "$dir/go"
flock "$home/lock" sh -c 'touch "$0/began"; until [ -e "$0/go" ]; do sleep 0.02; done' "$dir" &
held+=" $!"
for _ in {1..100}; do [ ! -e "$dir/began" ] || break; sleep 0.02; done
touch "$home/cloning"
for what in stop detach promote; do order 1 11 $what db1; done
grep -q 'being cloned' "$dir/said" || fail "$(cat "$dir/said")"
[ "$(newest)" = 11 ] || fail "an order that was refused was newer: $(newest)"
touch "$dir/go"
order 2 11 detach db1 # It was cut short; and there is no server.
[ ! -e "$home/cloning" ] || fail "nobody clones it"

# A fence leaves a mark, and no order of a newer token makes that a primary.
grep -q fence "$home/apart" || fail "no mark: $(ls "$home")"
order 1 12 promote db1
grep -q 'history of its own' "$dir/said" || fail "$(cat "$dir/said")"
rm "$home/apart"
order 2 12 promote db1

# What undoes no write after a crash is refused; a fence works with all.
for version in 10.5.28-MariaDB 10.11.8-MariaDB 11.4.2-MariaDB-log 11.3.2-MariaDB 8.0.40; do
    has_version $version
    order 1 12 promote db1
    grep -q "refused: this is .*$version" "$dir/said" || fail "$(cat "$dir/said")"
done
order 0 12 fence db1
rm "$home/apart"
for version in 10.11.19-MariaDB 11.4.3-MariaDB 11.8.2-MariaDB 12.1.1-MariaDB; do
    has_version $version
    order 2 12 promote db1
done

# What works in the data directory is killed, by whatever path that is called.
echo 127.0.0.1:1 >"$home/address"
mkdir "$home/data" "$dir/other"
ln -s "$dir" "$dir/other/link"
for way in "$dir/" "$dir/other/../" "$dir/other/link/" . link; do
    if [ "$way" = link ]; then
        mv "$home/data" "$dir/other/data" && ln -s "$dir/other/data" "$home/data"
        way=$dir
    fi
    (cd "$home/data" && exec sleep 600) &
    server=$!
    held+=" $server"
    for _ in {1..100}; do [ ! "/proc/$server/cwd" -ef "$home/data" ] || break; sleep 0.02; done
    cd "$dir"
    DB_AGENT_DIR=$way order 0 12 fence db1
    ! grep -q '^State:[[:space:]]*[^ZX]' /proc/$server/status 2>/dev/null ||
        fail "a fence by $way has missed the server"
done

# Who listens at the node's address takes its clients: then it is not shut out, and
# only a server is killed for that.
if command -v python3 >/dev/null; then
    for family in AF_INET:127.0.0.1 AF_INET6:::1; do
        python3 -c "import socket, sys, time
s = socket.socket(socket.${family%%:*})
s.bind(('${family#*:}', 0))
s.listen()
open('$dir/port.new', 'w').write(str(s.getsockname()[1]))
import os
os.rename('$dir/port.new', '$dir/port')
time.sleep(600)" &
        listener=$!
        held+=" $listener"
        for _ in {1..500}; do [ ! -e "$dir/port" ] || break; sleep 0.02; done
        echo "$([ "$family" = AF_INET:127.0.0.1 ] && echo 127.0.0.1 || echo '[::1]'):$(cat "$dir/port")" >"$home/address"
        rm "$dir/port"
        order 2 12 fence db1
        grep -q "process $listener .* listens" "$dir/said" || fail "$(cat "$dir/said")"
        kill -9 $listener
        order 0 12 fence db1
    done
fi
exit $failed
