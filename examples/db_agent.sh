#!/bin/bash
# SPDX-License-Identifier: MIT
# The agent of db_failover for servers of this host: it carries out one order on
# one node, PostgreSQL or MariaDB.
#
#   db_agent.sh fence|stop|detach|promote|repoint NODE [SOURCE]
#       as db_failover calls it; exit status 0: done, 1: not done and not to be
#       done by this order, 2: nobody knows, or not yet
#   db_agent.sh start NODE
#       start the server, read-only; for the operator, or at boot
#
# What is known of a node lies in $DB_AGENT_DIR/NODE, its home:
#   address     ADDR:PORT, where clients find it
#   data        its data directory; the servers run as its owner
#   token       the newest token that ordered here. An order with an older one is
#               refused: it was on its way when the lease went to another. This
#               file is the fence of the node, and is never deleted.
#   lock        held during an order, so that one ends before the next begins; and
#   holder      whose it is: process, order, token
#   broken      exists while the data is being replaced, and if that was cut short
#   data.old    what was replaced last, for people to look at
#   postgresql.conf, hba.conf, hba.stopped.conf   see db_agent_pgsql.sh
#   my.cnf                                        see db_agent_mariadb.sh
#
# No server starts writable, whoever starts it and why: only PROMOTE makes it so.
#
# Environment: DB_AGENT_DIR; DB_AGENT_USER, who administers by the local socket
# (postgres, root); DB_AGENT_REPLICA, who replicates and clones (replica), and
# DB_AGENT_PASSWORD, its password (PostgreSQL: in .pgpass instead).
set -u -o pipefail

say() {
    echo "db_agent: ${node:-}: $*" >&2
}
usage() {
    say "$*"
    exit 64
}
[ $# -ge 2 ] || usage "usage: db_agent.sh ORDER NODE [SOURCE]"
order=$1 node=$2
case $order in
fence | stop | detach | promote | repoint | start) ;;
*) usage "no such order: $order" ;;
esac
home=${DB_AGENT_DIR:?the directory of the homes}/$node
[ -d "$home" ] || usage "no home $home"
data=$home/data

# Read the number that the order came with.
token=${INFRA_TOKEN:-}
if [ "$order" != start ]; then
    [[ $token =~ ^[1-9][0-9]{0,18}$ ]] || usage "INFRA_TOKEN \"$token\" is no token"
fi
if [ "$order" = repoint ]; then
    source_host=${INFRA_SOURCE_ADDRESS%:*} source_port=${INFRA_SOURCE_ADDRESS##*:}
    source_host=${source_host#[} source_host=${source_host%]}
    [ -n "$source_host" ] || usage "INFRA_SOURCE_ADDRESS is missing"
fi

# One order at a time. To point a node at its primary may take hours, if it has to be
# cloned; an order with a newer token does not wait for that. Whatever it has left
# undone is marked by "broken".
end_tree() { # PID
    local child
    [ "$(readlink "/proc/$1/cwd")" != "$data" ] || return 0 # The server itself.
    for child in $(cat "/proc/$1/task/$1/children"); do end_tree "$child"; done
    kill -9 "$1" 2>/dev/null
}
exec 9>>"$home/lock"
if ! flock -n 9; then
    read -r pid its_order its_token 2>/dev/null <"$home/holder"
    if [ "${its_order:-}" = repoint ] && [ "${token:-0}" -gt "${its_token:-0}" ] && ! flock -w 1 9; then
        say "$order: ends the $its_order with token $its_token"
        end_tree "$pid"
    fi
    flock -w 60 9 || {
        say "$order: another order does not end"
        exit 2
    }
fi

# Refuse an older token; write a newer one down before anything is done by it.
admit() {
    local newest=0
    [ ! -e "$home/token" ] || newest=$(cat "$home/token")
    [[ $newest =~ ^[0-9]{1,19}$ ]] || {
        say "$order: its file \"token\" holds no number; write the newest token into it"
        exit 2
    }
    [ "$token" -ge "$newest" ] || {
        say "$order: refused: its token $token is older than $newest"
        exit 1
    }
    [ "$token" -gt "$newest" ] || return 0
    echo "$token" >"$home/token.new" && sync "$home/token.new" &&
        mv "$home/token.new" "$home/token" && sync "$home" || exit 2
}
[ "$order" = start ] || admit
echo "$$ $order ${token:-0}" >"$home/holder"

# run COMMAND...: as the owner of the data. The lock is not inherited, or a server
# would keep it.
owner=$(stat -c %U "$home") || exit 2
run() {
    if [ "$(id -un)" = "$owner" ]; then
        "$@" 9>&-
    else
        setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups \
            env HOME="$home" "$@" 9>&-
    fi
}

# until_true SECONDS COMMAND...
until_true() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    while ! "$@" 2>/dev/null; do
        [ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
        sleep 0.05
    done
}

# The processes of the server: all that work in its data directory.
processes() {
    find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$data" -printf '%h ' 2>/dev/null |
        sed 's|/proc/||g'
}
is_running() {
    [ -n "$(processes)" ]
}

# What a power switch does. A server that is asked nicely may hang, or let clients
# finish; and one whose parent was killed may have children that still write.
kill_server() {
    local i
    for i in {1..100}; do
        is_running || return 0
        # shellcheck disable=SC2046
        kill -9 $(processes) 2>/dev/null
        sleep 0.05
    done
    return 1
}

# While the data is replaced nothing may start.
begin_replacing() {
    touch "$home/broken" && sync "$home/broken"
}
end_replacing() {
    rm "$home/broken"
}
# Put new data in its place; it is to be told when that is complete.
swap_data() { # NEW
    begin_replacing && kill_server && rm -rf "$home/data.old" &&
        { [ ! -e "$data" ] || mv "$data" "$home/data.old"; } && mv "$1" "$data"
}

here=$(dirname "$(readlink -f "$0")")
if [ -e "$home/my.cnf" ]; then
    # shellcheck source=db_agent_mariadb.sh
    . "$here/db_agent_mariadb.sh"
else
    # shellcheck source=db_agent_pgsql.sh
    . "$here/db_agent_pgsql.sh"
fi

case $order in
fence)
    # Read-only is how it starts; see above.
    kill_server && do_fence
    ;;
start)
    [ ! -e "$home/broken" ] || {
        say "its data was half replaced: give it \"repoint\""
        exit 1
    }
    is_running || do_start
    ;;
*)
    "do_$order"
    ;;
esac
status=$?
[ $status -eq 0 ] || say "$order: status $status"
exit $status
