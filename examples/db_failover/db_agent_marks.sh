# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: what the home says about the node (token, lock, apart,
# broken, cloning, promoted), and which orders these marks refuse.
#
# The marks that refuse an order at once are set and removed under token.lock,
# with a look at the token: a clone that settles after a newer order has come
# follows nobody, and one whose "cloning" was seen has not settled.

# holds_text PATH TEXT: is that the whole file, but for its last newline?
holds_text() {
    local now=''
    [ -f "$1" ] || return 1
    IFS= read -r -d '' now 2>/dev/null <"$1"
    [ "${now%$'\n'}" = "$2" ]
}
# write_down NAME TEXT: in full and on the disk, or not at all.
write_down() {
    echo "$2" >"$home/$1.new" && sync "$home/$1.new" &&
        mv "$home/$1.new" "$home/$1" &&
        sync "$home"
}

# Sets: newest.
read_newest() {
    newest=0
    if [ -e "$home/token" ]; then
        newest=''
        IFS= read -r -d '' newest 2>/dev/null <"$home/token"
        newest=${newest%$'\n'}
    fi
    [[ $newest =~ ^[0-9]{1,19}$ ]] || {
        say "$order: its file \"token\" holds no number;" \
            "write the newest token into it"
        return 1
    }
}
# Refuse an older token; write a newer one down before anything is done by it.
admit() {
    read_newest || exit 2
    [ "$token" -ge "$newest" ] || {
        say "$order: refused: its token $token is older than $newest"
        exit 1
    }
    [ "$token" -gt "$newest" ] || return 0
    write_down token "$token" && return 0
    say "$order: cannot write down its token"
    # It is no fence, but stops the writes, on a full disk for example.
    [ "$order" != fence ] || kill_server
    exit 2
}
# To be asked right before what cannot be undone: has a newer order come
# meanwhile? It waits for the end of this one, or was answered without a look at
# it.
newest_or_refuse() {
    read_newest && [ "$token" -ge "$newest" ] || {
        say "$order: given up: a newer token has come, $newest"
        return 1
    }
}

# under_token_lock COMMAND...
under_token_lock() {
    { flock -w 10 8 && "$@"; } 8>>"$home/token.lock"
}

mark_apart() { # WHY
    [ ! -e "$home/apart" ] || return 0
    write_down apart "$1"
}
set_cloning() {
    newest_or_refuse && mark_apart "cloned by $token" &&
        write_down cloning "$token"
}
set_broken() {
    newest_or_refuse && mark_apart "replaced by $token" &&
        write_down broken "$token"
}
set_settled() {
    local mark
    for mark in cloning broken apart promoted; do
        [ -e "$home/$mark" ] || continue
        rm -f "$home/"{cloning,broken,apart,promoted} && sync "$home" ||
            return 1
    done
    newest_or_refuse
}
begin_cloning() { under_token_lock set_cloning; }
begin_replacing() { under_token_lock set_broken; }
# The data is the source's, or part of its history. Fails if it may not follow
# it.
settle() { under_token_lock set_settled; }

# What is being replaced does not count: it has no position, and must not be
# waited for. To be called under token.lock.
refuse_what_is_replaced() {
    local why=
    [ ! -e "$home/cloning" ] || why="its data is being cloned"
    [ ! -e "$home/broken" ] || why="its data is half replaced"
    [ -n "$why" ] || return 0
    case $order in
    stop | detach | promote | start)
        say "$order: refused: $why; \"repoint\" gives it whole data"
        [ "$order" != start ] || [ -e "$home/broken" ] || exit 2
        exit 1
        ;;
    esac
}
may_be_promoted() {
    [ -e "$home/apart" ] || return 0
    local why=''
    read -r why 2>/dev/null <"$home/apart"
    say "promote: refused: it may have a history of its own ($why);" \
        "\"repoint\" it first"
    return 1
}

# When a process began; its number and that name it for ever. Sets: start.
started() { # PROCESS
    local line=''
    start=''
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    line=${line##*) }
    # shellcheck disable=SC2086
    set -- $line
    start=${20}
}
# The lock is free, or its holder has another number by now, which may be a
# stranger's.
is_holder() { # PROCESS START
    local start
    [[ $1 =~ ^[1-9][0-9]*$ ]] && [ "/proc/$1/fd/9" -ef "$home/lock" ] || return
    [ -z "$2" ] || { started "$1" && [ "$2" = "$start" ]; }
}
end_tree() { # PROCESS
    local child children=()
    [ ! "/proc/$1/cwd" -ef "$data" ] || return 0 # The server itself.
    kill -STOP "$1" 2>/dev/null
    { read -r -a children <"/proc/$1/task/$1/children"; } 2>/dev/null
    for child in "${children[@]}"; do end_tree "$child"; done
    kill -9 "$1" 2>/dev/null
}

# One order at a time. To point a node at its primary may take hours, if it has
# to be cloned: a newer one to another source, and a fence, do not wait for
# that. Others have been refused by now, if it was at that; else it ends soon,
# and a newer order does not wait long.
may_end_holder() {
    [ "${its_order:-}" = repoint ] && is_holder "$its_pid" "${its_start:-}" ||
        return 1
    case $order in
    fence) [ "$token" -ge "$its_token" ] ;;
    repoint)
        [ "$token" -gt "$its_token" ] &&
            [ "$source_host:$source_port" != "${its_source:-}" ]
        ;;
    *) [ "${token:-0}" -gt "$its_token" ] ;;
    esac
}
take_lock() {
    local its_pid its_order its_token its_start its_source
    if ! flock -w 1 9; then
        read -r its_pid its_order its_token its_start its_source 2>/dev/null \
            <"$home/holder"
        if may_end_holder; then
            say "$order: ends the $its_order with token $its_token"
            end_tree "$its_pid"
        elif [ "$order" = repoint ] && [ -e "$home/cloning" ]; then
            say "repoint: it is being cloned"
            flock -w 8 9 || exit 2
        fi
        flock -w 60 9 || {
            say "$order: another order does not end"
            exit 2
        }
    fi
    [ ! -e "$home/cloning" ] || rm -f "$home/cloning"
}

# in_background COMMAND...: it goes on when the agent is killed, with the lock;
# its words are kept in clone.log.
in_background() {
    local status line
    close_sessions
    set -m # In a process group of its own.
    {
        holds $BASHPID
        "$@"
        status=$?
        release_lock $BASHPID
        exit $status
    } </dev/null >"$home/clone.log" 2>&1 &
    set +m
    wait $!
    status=$?
    while IFS= read -r line; do
        [[ $line != 'db_agent: '* ]] || echo "$line" >&2
    done <"$home/clone.log"
    return $status
}
