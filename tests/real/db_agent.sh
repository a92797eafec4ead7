# SPDX-License-Identifier: MIT
# Sourced by db_agent_pgsql.sh and db_agent_mysql.sh: the node agent alone, on three
# servers, in the cases in which a node has a history of its own, half a history, or
# goes on after it was shut out. What is promised:
#  - a node that was promoted independently of its source never follows it before its
#    data is the source's, though the numbers of timelines and positions agree;
#  - one that was made writable by hand is not promoted, nor is one that is fenced,
#    until "repoint" has made its history the source's;
#  - a clone under way does not count, goes on when its agent is killed or a newer
#    order comes, follows nobody then, and is ended by a fence;
#  - half a clone is never a node's data;
#  - a fence that says "done" has seen that nothing takes writes, whatever path its
#    directory goes by and whoever runs it.
#
# Needs, when main() is called: agent, base, and these functions, beside those of
# db_homes_*.sh:
#   write NODE ID         as the administrator; nobody has to confirm it
#   statement             (a variable) the beginning of what a client writes
#   make_writable NODE    by hand
#   restart NODE          by hand, killed, and read-only again
#   block_clones, release_clones   a clone begins, and goes on only then
#   is_blocked            it has begun
#   stands_still          db1, which follows db3, receives and does not apply
#   copy_is_cut           from now on a copy ends in the middle, and says that it is whole;
#   copy_is_whole         and not any more; after_copies, what they did is undone

# expect STATUS TOKEN ORDER NODE [SOURCE]
expect() {
    local got=0
    INFRA_TOKEN=$2 INFRA_SOURCE=${5:-} INFRA_SOURCE_ADDRESS=127.0.0.1:$(port_of "${5:-db1}") \
        timeout 600 "$agent" "${@:3}" >said 2>&1 || got=$?
    echo "$SECONDS s: $* -> $got" >>"$dir/steps"
    [ "$got" = "$1" ] || fail "$3 $4 with token $2: $got, not $1: $(cat said)"
}
says() { grep -q "$1" said || fail "it does not say \"$1\": $(cat said)"; }
has() { ids "$1" && grep -qx "$2" <<<"$answer"; }
has_not() { ! has "$1" "$2" || fail "$1 has $2"; }
follows() { source_of "$1" && [ "$answer" = "$(port_of "$2")" ]; }
marked() { [ -e "$DB_AGENT_DIR/$1/$2" ]; }
kill_node() { # NODE
    local all
    # shellcheck disable=SC2046
    for _ in 1 2 3; do
        all=$(processes "$(realpath -m "$DB_AGENT_DIR/$1/data")")
        # shellcheck disable=SC2086
        [ -z "$all" ] || kill -9 $all 2>/dev/null || true
        sleep 0.1
    done
}
start_node() {
    "$agent" start "$1" >said 2>&1 || fail "$1 does not start: $(cat said)"
    until_true 180 can_run "$1"
}
next=10
# follow TOKEN NODE SOURCE: and what is written there comes here.
follow() {
    expect 0 "$1" repoint "$2" "$3"
    until_true 180 follows "$2" "$3"
    next=$((next + 1))
    write "$3" $next
    until_true 180 has "$2" $next
    ! marked "$2" apart || fail "$2 follows and is \"apart\": $(cat "$DB_AGENT_DIR/$2/apart")"
}

# A (db1) dies before anybody follows it into its new time; B (db2) is promoted, and
# begins the same; B dies before anybody follows; C (db3), too.
has_same_numbers() {
    for n in db1 db2 db3; do start_node $n; done
    expect 0 1 promote db1
    expect 0 1 promote db1 # The same again changes nothing.
    follow 1 db2 db1
    follow 1 db3 db1
    write db1 1
    until_true 180 has db2 1
    until_true 180 has db3 1
    kill_node db1
    expect 0 2 detach db2
    expect 0 2 detach db3
    expect 0 2 promote db2
    for n in 201 202 203; do write db2 $n; done
    kill_node db2
    expect 0 3 promote db3
    for n in 301 302 303 304; do write db3 $n; done
    start_node db2
    follow 3 db2 db3
    has db2 304 || fail "db2 has not what its source has"
    has_not db2 203
    passed "one of the same numbers, and another history, gets its source's data"
    start_node db1
    follow 3 db1 db3
    has db1 304
    passed "and one that has nothing of its own follows"
}

# Made writable by hand, found by a later order or not: it is not promoted, by any
# token, in any process.
was_writable() {
    make_writable db2
    write db2 401
    # An order finds it at that.
    expect 1 4 promote db2
    says 'history of its own'
    marked db2 apart
    restart db2
    expect 1 5 promote db2
    follow 5 db2 db3
    has_not db2 401
    # Nothing came by while it was.
    make_writable db2
    write db2 402
    restart db2
    expect 0 6 detach db2
    marked db2 apart || fail "db2 wrote by itself, and nobody noticed"
    expect 1 6 promote db2
    # A row that its source has by now, too, so that it cannot be told by its number.
    follow 6 db2 db3
    has_not db2 402
    passed "one that was made writable by hand is cloned, and not promoted before"
}

# Shut out and started again it may be ahead of all others.
was_fenced() {
    expect 0 7 fence db1
    start_node db1
    expect 1 7 promote db1
    expect 1 8 promote db1
    says 'history of its own'
    follow 8 db1 db3
    # To stop for a switchover is no fence, and may be undone.
    expect 0 9 stop db3
    expect 0 10 promote db3
    write db3 501
    until_true 180 has db1 501
    # An ordinary replica is not marked by that.
    expect 0 10 detach db1
    ! marked db1 apart
    expect 0 10 repoint db1 db3
    passed "a fence has to be undone by a source; a stop has not"
}

# clone_in_background TOKEN: of db2, from db3. Sets: cloning, the agent's number.
clone_in_background() {
    kill_node db2
    echo by-the-test >"$DB_AGENT_DIR/db2/broken"
    block_clones
    INFRA_TOKEN=$1 INFRA_SOURCE=db3 INFRA_SOURCE_ADDRESS=127.0.0.1:$(port_of db3) \
        "$agent" repoint db2 >clone.said 2>&1 &
    cloning=$!
    until_true 180 is_blocked
}
is_over() { flock -n "$DB_AGENT_DIR/db2/lock" true; }
is_being_cloned() {
    clone_in_background 11
    rm "$DB_AGENT_DIR/db2/broken" # As if the old data were whole.
    for n in 11 12; do
        for what in stop detach promote; do
            expect 1 $n $what db2
            says 'being cloned'
        done
    done
    marked db2 cloning
    kill -9 "$cloning"
    wait "$cloning" 2>/dev/null || true
    release_clones
    until_true 180 is_over
    ! marked db2 cloning
    ! marked db2 broken
    until_true 180 can_run db2
    source_of db2
    [ -z "$answer" ] || fail "it follows by an order that has been overtaken"
    follow 12 db2 db3
    passed "a clone is not waited for, survives its agent, and follows nobody if a newer order came"

    clone_in_background 12
    touch "$DB_AGENT_DIR/db2/broken"
    expect 0 13 fence db2
    wait "$cloning" || true
    until_true 180 is_over
    release_clones
    marked db2 broken
    marked db2 apart
    expect 1 13 detach db2
    says 'half replaced'
    expect 1 13 promote db2
    expect 1 13 start db2
    follow 13 db2 db3
    passed "a fence ends it, and half a node is nobody"
}

# A copy that is cut short is not a node's data, though it says that it is whole.
is_cut_short() {
    kill_node db2
    touch "$DB_AGENT_DIR/db2/broken"
    copy_is_cut
    expect 2 14 repoint db2 "$1"
    marked db2 broken || marked db2 apart
    expect 1 14 promote db2
    copy_is_whole
    expect 0 14 repoint db2 "$1"
    follow 14 db2 db3
    after_copies
    ids db3
    sort <<<"$answer" >wanted
    ids db2
    sort <<<"$answer" | cmp -s - wanted || fail "rows are missing"
    passed "half a copy is never promoted"
}

# is_shut_out NODE: after "done" no client's write is taken.
is_shut_out() {
    ! insert "$(port_of "$1")" 99999 2>/dev/null || fail "$1 was fenced and takes writes"
}
# To be called with db1 as the primary that anybody may write to.
by_whatever_path() {
    local way where pid
    ln -s "$DB_AGENT_DIR" "$dir/link"
    for way in "$DB_AGENT_DIR/" homes ./homes/../homes/ "$dir/link" moved; do
        revive db1
        pid=$(processes "$(realpath "$DB_AGENT_DIR/db1/data")" | wc -w)
        where=$way
        if [ "$way" = moved ]; then
            # Under the running server; and the home has a link.
            mv "$DB_AGENT_DIR/db1/data" "$dir/elsewhere"
            ln -s "$dir/elsewhere" "$DB_AGENT_DIR/db1/data"
            where=$dir/link/
        fi
        [ "$pid" -gt 0 ] || fail "db1 does not run"
        DB_AGENT_DIR=$where expect 0 20 start db1 # It is there, and stays.
        can_run db1 || fail "start has disturbed it: $way"
        insert_somewhere db1
        DB_AGENT_DIR=$where expect 0 20 fence db1
        is_shut_out db1
    done
    passed "a fence finds the server by whatever path it is called"
}
# It runs in a directory that is not the home's any more.
in_another_directory() {
    revive db1
    mv "$DB_AGENT_DIR/db1/data" "$dir/link.data"
    cp -a "$dir/elsewhere" "$DB_AGENT_DIR/db1/data"
    insert_somewhere db1
    expect 0 21 fence db1
    is_shut_out db1
    rm -rf "$DB_AGENT_DIR/db1/data"
    mv "$dir/link.data" "$DB_AGENT_DIR/db1/data"
    passed "and in whatever directory it works"
}
# Another user cannot see it, and does not say that it is not there.
by_another_user() {
    [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1 || { echo "skipped: no other user"; return; }
    revive db1
    insert_somewhere db1
    rm -f "$DB_AGENT_DIR/db1/"{lock,token.lock,holder}
    chmod a+rx "$dir" "$DB_AGENT_DIR"
    chmod a+rwx "$DB_AGENT_DIR/db1"
    chmod a+rw "$DB_AGENT_DIR/db1/"token
    local got=0
    INFRA_TOKEN=22 timeout 600 setpriv --reuid=nobody --clear-groups --bounding-set=-all \
        env HOME=/ "$agent" fence db1 >said 2>&1 || got=$?
    [ $got = 2 ] || fail "a fence by somebody who sees nothing: $got, not 2: $(cat said)"
    says 'cannot see'
    can_run db1
    chown "$(stat -c %U "$DB_AGENT_DIR/db1/address")" "$DB_AGENT_DIR/db1/"*
    expect 0 22 fence db1
    is_shut_out db1
    passed "who cannot see it does not know"
}

# No command line has the password, while it is in use.
has_no_secret() {
    ! cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -F "$replica_password" ||
        fail "a command line has the password"
}

main() {
    make_homes
    has_same_numbers
    was_writable
    was_fenced
    stands_still
    is_being_cloned
    is_cut_short "${1:-db3}"
    for n in db1 db2 db3; do expect 0 19 fence $n; done
    by_whatever_path
    in_another_directory
    by_another_user
}
