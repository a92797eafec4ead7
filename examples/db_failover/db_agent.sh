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
#   address     ADDR:PORT, an IP address of the server's own, where clients find
#               it
#   data        its data directory, or a link to it; the servers run as its
#               owner. What replaces it, and what was replaced, lies beside it
#               in data.new and data.old
#   token       the newest token that ordered here. An order with an older one
#               is refused: it was on its way when the lease went to another.
#               This file is the fence of the node, and is never deleted.
#   password    of DB_AGENT_REPLICA, one line, for the agent's user only
#               (MariaDB; PostgreSQL has it in .pgpass)
#   apart       the node may have a history of its own. FENCE leaves this mark,
#               and so does every order that finds writes which no PROMOTE has
#               allowed. While the mark is there PROMOTE answers 1. REPOINT
#               removes it when the data was cloned or rewound, or was proved to
#               be part of its source's history. An operator who knows that no
#               other node was promoted meanwhile may remove it, too.
#   broken      the data is half replaced: it is not started, detached or
#               promoted
#   cloning     data.new is being filled. This goes on when the agent is killed;
#               it is ended by FENCE, and by a newer REPOINT to another source.
#               Until then STOP, DETACH and PROMOTE answer 1 at once.
#   promoted    the token of the PROMOTE that has let it take writes
#   lock        held during an order, so that one ends before the next begins;
#               and
#   holder      whose it is: process, order, token, start of the process, source
#   cgroup      the server's cgroup, where cgroup v2 can be written
#   postgresql.conf, hba.conf, hba.stopped.conf   see db_agent_pgsql.sh
#   my.cnf                                        see db_agent_mariadb.sh
#
# No server starts writable, whoever starts it and why: only PROMOTE makes it
# so. FENCE is done when the agent has seen that nothing takes writes; see
# db_agent_processes.sh. Run the agent as root, or as the owner of the data:
# what another user cannot see is unknown.
#
# Environment: DB_AGENT_DIR; DB_AGENT_USER, who administers by the local socket
# (postgres, root); DB_AGENT_REPLICA, who replicates and clones (replica), and
# DB_AGENT_PASSWORD, its password, if there is no file of it.
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
# Names go into statements and paths.
is_word() { [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]]; }
is_word "$node" || usage "\"$node\" is no name of a node"
for word in "${DB_AGENT_USER:-root}" "${DB_AGENT_REPLICA:-replica}"; do
    is_word "$word" || usage "\"$word\" is no name of a user"
done
# A builtin is used where there is one: on a busy machine each process that an
# order starts costs tens of milliseconds.
#
# resolve PATH: sets resolved, the path without links as far as it exists.
resolve() {
    local before=$PWD
    resolved=$1
    if cd -P -- "$1" 2>/dev/null; then
        resolved=$PWD
    elif [ -L "$1" ]; then
        resolved=$(readlink -m -- "$1")
    elif [[ $1 = ?*/* ]] && cd -P -- "${1%/*}/" 2>/dev/null; then
        resolved=${PWD%/}/${1##*/}
    fi
    cd -- "$before" || exit 2
}
unset CDPATH
script=$0
[[ $script = */* ]] || script=./$script
[ ! -L "$script" ] || script=$(readlink -f -- "$script")
resolve "${script%/*}"
here=$resolved
# Paths are compared with those that the system tells, so they have no links.
[ -n "${DB_AGENT_DIR:-}" ] || usage "DB_AGENT_DIR is not set"
resolve "$DB_AGENT_DIR/"
root=$resolved
resolve "$root/$node/"
home=$resolved
[ -d "$home" ] || usage "no home $DB_AGENT_DIR/$node"
resolve "$home/data"
data=$resolved
address=''
read -r address 2>/dev/null <"$home/address"
port=${address##*:}
[[ $address = *:* && $port =~ ^[0-9]+$ ]] || address='' port=''
cd / || exit 2

# Read the number that the order came with.
token=${INFRA_TOKEN:-}
if [ "$order" != start ]; then
    [[ $token =~ ^[1-9][0-9]{0,18}$ ]] ||
        usage "INFRA_TOKEN \"$token\" is no token"
fi
source_host='' source_port=''
if [ "$order" = repoint ]; then
    source_address=${INFRA_SOURCE_ADDRESS:-}
    source_host=${source_address%:*} source_port=${source_address##*:}
    source_host=${source_host#[} source_host=${source_host%]}
    [[ $source_host =~ ^[0-9A-Za-z.:%_-]+$ && $source_port =~ ^[0-9]+$ ]] ||
        usage "INFRA_SOURCE_ADDRESS \"$source_address\" is no ADDR:PORT"
fi

# run COMMAND...: as the owner of the data. The locks and the pipes are not
# inherited, or a server would keep them.
owner=''
while [ -z "$owner" ] && read -r owner owner_id; do :; done < <(
    stat -L -c '%U %u' "$data" "$data.new" "$data.old" "$home" 2>/dev/null)
[ -n "$owner" ] || exit 2
become=()
if [ "$EUID" != "$owner_id" ]; then
    group=$(id -g "$owner") || exit 2
    become=(setpriv --reuid="$owner" --regid="$group" --clear-groups)
    export HOME=$home
fi
run() {
    "${become[@]}" "$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 20>&- 21>&-
}

# shellcheck source=db_agent_session.sh
. "$here/db_agent_session.sh"
# until_true SECONDS COMMAND...
until_true() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    while ! "$@" 2>/dev/null; do
        [ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
        nap 0.03
    done
}
# shellcheck source=db_agent_marks.sh
. "$here/db_agent_marks.sh"
# shellcheck source=db_agent_processes.sh
. "$here/db_agent_processes.sh"

if [ -e "$home/my.cnf" ]; then
    # shellcheck source=db_agent_mariadb.sh
    . "$here/db_agent_mariadb.sh"
else
    # shellcheck source=db_agent_pgsql.sh
    . "$here/db_agent_pgsql.sh"
fi

# The token comes first, before the lock: an order that waits has refused all
# older ones, also the one that it waits for (see newest_or_refuse).
if ! { exec 8>>"$home/token.lock" 9>>"$home/lock"; } 2>/dev/null ||
    ! flock -w 10 8; then
    say "$order: cannot lock its home"
    exit 2
fi
[ "$order" = start ] || admit
has_lock=0
if flock -n 9; then
    has_lock=1
    # That was cut short. It has left "apart" behind.
    [ ! -e "$home/cloning" ] || rm -f "$home/cloning"
fi
refuse_what_is_replaced
exec 8>&-
[ $has_lock = 1 ] || take_lock
holds() { # PROCESS: the lock is held by that
    started "$1"
    echo "$1 $order ${token:-0} $start $source_host:$source_port" \
        >"$home/holder"
}
release_lock() { # PROCESS
    local its_pid=''
    read -r its_pid _ 2>/dev/null <"$home/holder"
    [ "$its_pid" != "$1" ] || : >"$home/holder"
}
holds $$
trap 'release_lock $$' EXIT

# A power switch works with any version.
[ "$order" = fence ] || check_version || exit 1

carry_out() {
    case $order in
    fence)
        # The mark comes first, in case that this is cut short. If it cannot be
        # written, on a full disk, say, the server is shut out all the same.
        mark_apart "fence $token" && rm -f "$home/promoted"
        local marked=$?
        # Read-only is how it starts; see above.
        kill_server && [ $marked = 0 ] && do_fence || return 2
        ;;
    start)
        look_for_server
        if [ ${#seen[@]} -gt 0 ]; then
            until_true 60 can_ask || return 2
        elif [ -n "$hidden" ]; then
            say "start: cannot see whether it runs: $hidden"
            return 2
        else
            do_start || return 2
        fi
        ;;
    repoint) do_repoint ;;
    *)
        note_own_writes || return 2
        [ "$order" != promote ] || may_be_promoted || return 1
        "do_$order"
        ;;
    esac
}
carry_out
status=$?
[ $status -le 1 ] || status=2
[ $status -eq 0 ] || say "$order: status $status"
exit $status
