# SPDX-License-Identifier: MIT
# Sourced by db_failover.sh and db_agent.sh: where three servers and their agents live,
# how the test talks to them, and how all that ends. Needs: agent.

# One client for each node, and one that writes, each of which stays connected: what
# a test costs is not to be what it measures.
# shellcheck source=../../examples/db_failover/db_agent_session.sh
. "$(dirname "$agent")/db_agent_session.sh"
session_to=([db1]=20 [db2]=22 [db3]=24 [writer]=26)
session_from=([db1]=21 [db2]=23 [db3]=25 [writer]=27)
become=()
dir=$(mktemp -d)
export DB_AGENT_DIR=$dir/homes
nodes=(db1 db2 db3)
jobs_started=()
writers=()
mkdir "$DB_AGENT_DIR"
# processes DIRECTORY: those that work there.
processes() {
    # Some end while it looks.
    { find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$1" -printf '%h ' 2>/dev/null ||
        true; } | sed 's|/proc/||g'
}
cleanup() {
    cd /
    touch "$dir/over"
    [ ${#jobs_started[@]} -eq 0 ] || kill -9 "${jobs_started[@]}" 2>/dev/null || true
    # Servers and agents, by where they work.
    kill -9 $(processes "$dir*") 2>/dev/null || true
    wait 2>/dev/null || true
    cat "$dir"/homes/*/cgroup 2>/dev/null | xargs -r rmdir 2>/dev/null || true
    [ -z "${KEEP:-}" ] || cp -r "$dir" "$KEEP"
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
set -E
trap 'echo "FAILED: status $? at ${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND" >&2' ERR
cd "$dir"

fail() {
    echo "FAILED: $*" >&2
    for log in w?.log homes/*/log; do
        [ ! -e "$log" ] || grep -v 'waiting for WAL\|infra_failover.token' "$log" | tail -n 40 |
            sed "s|^|$log: |" >&2
    done
    exit 1
}
passed() { echo "ok: $*"; }
# Sets: now, in ms.
look_at_clock() { now=$((${EPOCHREALTIME/[.,]/} / 1000)); }
# until_true SECONDS COMMAND...
until_true() {
    local seconds=$1 until=$((SECONDS + $1))
    shift
    while ! "$@" 2>/dev/null; do
        [ $SECONDS -le $until ] || fail "not within $seconds s: $*"
        nap 0.1
    done
}

# ask_again NODE STATEMENT: with another client, if the server of the one that was there
# has ended meanwhile. Sets answer.
ask_again() {
    local was_open=${session_pid[$1]:-}
    ask "$@" || { [ -n "$was_open" ] && ask "$@"; }
}
# insert PORT ID: 0: it was acknowledged. As a client; see "statement".
insert() {
    local ask_timeout=5
    if [ "$1" != "$writer_port" ]; then
        kill_session writer
        writer_port=$1
    fi
    ask writer "$statement ($2)"
}

port_of() { echo $((base + ${1#db} - 1)); }
node_at() { echo "db$(($1 - base + 1))"; } # PORT
others() { # NODE...
    local n
    for n in "${nodes[@]}"; do [[ " $* " = *" $n "* ]] || echo "$n"; done
}
