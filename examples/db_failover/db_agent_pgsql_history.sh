# SPDX-License-Identifier: MIT
# Sourced by db_agent_pgsql.sh: is the history of this node a part of its
# source's, and if it is not, how its data becomes so.
#
# It must not connect before that is known, not even for a moment: it would
# confirm writes up to a place that it has reached in a history of its own. Two
# servers that were promoted independently give their timelines the same number,
# so numbers prove nothing. What does, all together:
#   - the newest row of its table of tokens is in its source's, too
#   - it has not gone beyond the place where its source has left its timeline
#   - on a timeline that its source is still on it came by that row, or by
#     REPOINT to one that has the row by which it began ("followed")
#   - the last of its log is the same, byte for byte, in its source's

# The rows of infra_failover.token have no "began" in an older table, and there
# may be none.
newest_row="SELECT to_regclass('infra_failover.token') IS NOT NULL AS has \\gset
\\if :has
SELECT 'row', token, node, to_jsonb(t)->>'began' FROM infra_failover.token t
    ORDER BY token DESC LIMIT 1;
\\endif
"
# Sets: recovery, t or f; reached, in bytes; mine, its timeline; row_token,
# row_node and row_began, empty without a row.
look_at_own() {
    local said kind
    recovery='' reached='' mine='' row_token='' row_node='' row_began=''
    sql "${newest_row}SELECT 'own', pg_is_in_recovery(),
        CASE WHEN pg_is_in_recovery()
            THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_flush_lsn() END - '0/0',
        (SELECT max(substr(name, 1, 8)) FROM pg_ls_waldir()
            WHERE name ~ '^[0-9A-F]{24}$')" ||
        return 2
    said=$answer
    [[ $said != 'row|'* ]] ||
        IFS='|' read -r kind row_token row_node row_began <<<"$said"
    IFS='|' read -r recovery reached mine <<<"${said##*own|}"
    [[ $recovery = [tf] && $reached =~ ^[0-9]+$ && $mine =~ ^[0-9A-F]{8}$ ]] ||
        return 2
    mine=$((16#$mine))
}
# Sets: theirs, its timeline; history, the lines of how it came there, the ends
# in bytes; flushed; segment_size; its_token, the newest in its table, or 0;
# has_token and has_followed, 1 if its table has this node's newest row and what
# began "followed".
look_at_source() {
    local kind first second third
    theirs='' history='' flushed='' segment_size=''
    its_token=0 has_token=0 has_followed=0
    read_followed
    at_source "SELECT
    to_regclass('infra_failover.token') IS NOT NULL AS has \\gset
\\if :has
SELECT 'tokens', coalesce(max(token), 0),
    count(*) FILTER (WHERE token = ${row_token:-0} AND node = '$row_node'),
    count(*) FILTER (WHERE token = $followed_token) FROM infra_failover.token;
\\endif
SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS theirs \\gset
SELECT 'source', ('x' || :'theirs')::bit(32)::int,
    pg_current_wal_flush_lsn() - '0/0',
    (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size');
SELECT 'history', l[1], l[2]::pg_lsn - '0/0' FROM
    regexp_split_to_table(convert_from(pg_read_binary_file(
        'pg_wal/' || :'theirs' || '.history', 0, 1000000, true), 'UTF8'),
        '\\n') AS line,
    regexp_match(line, '^\\s*([0-9]+)\\s+([0-9A-F]+/[0-9A-F]+)') AS l
    WHERE l IS NOT NULL" || return 2
    while IFS='|' read -r kind first second third; do
        case $kind in
        tokens) its_token=$first has_token=$second has_followed=$third ;;
        source) theirs=$first flushed=$second segment_size=$third ;;
        history) history+="$first $second"$'\n' ;;
        esac
    done <<<"$answer"
    [[ $theirs =~ ^[0-9]+$ && $flushed =~ ^[0-9]+$ &&
        $segment_size =~ ^[1-9][0-9]*$ ]] || return 2
}

# Before it follows, write down whom: a timeline may come without the row that
# began it.
note_source() {
    holds_text "$home/followed" "$theirs $its_token" ||
        write_down followed "$theirs $its_token"
}
read_followed() { # Sets: followed_timeline, followed_token.
    followed_timeline=0 followed_token=0
    [ ! -e "$home/followed" ] ||
        read -r followed_timeline followed_token <"$home/followed"
}

# Has it taken writes that no PROMOTE has allowed, or does it lie on a timeline
# that neither such a promotion nor its source has begun?
note_own_writes() {
    # No answer: the order will find that out.
    look_at_own || { ! can_ask; return; }
    read_followed
    [ -n "$row_token" ] && [ "$row_node" != "$node" ] &&
        [ ! -e "$home/promoted" ] || return 0
    if [ "$recovery" = f ]; then
        say "it takes writes, and was not promoted"
    elif [ -n "$row_began" ] && [ "$mine" -gt "$row_began" ] &&
        [ "$mine" -gt "$followed_timeline" ]; then
        say "it is on timeline $mine, and was not promoted"
    else
        return 0
    fi
    under_token_lock mark_apart "wrote without being promoted, found by $token"
}

# Where a log position lies: sets segment, the end of the name of its file, and
# offset, how much of that file lies before it.
locate() { # BYTES SEGMENT_SIZE
    local number=$((($1 - 1) / $2)) per=$((0x100000000 / $2))
    offset=$(($1 - number * $2))
    printf -v segment '%08X%08X' $((number / per)) $((number % per))
}
# The timelines of a server, the newest first, as its history says, the oldest
# first. Sets: timelines.
list_timelines() { # NEWEST HISTORY
    local number
    timelines=()
    while read -r number _; do
        [[ ! $number =~ ^[0-9]+$ ]] || timelines=("$number" "${timelines[@]}")
    done <<<"$2"
    timelines=("$1" "${timelines[@]}")
}
own_digest() { # SEGMENT BYTES TIMELINE... Sets: here.
    local file timeline
    here=''
    for timeline in "${@:3}"; do
        printf -v file '%s/pg_wal/%08X%s' "$data" "$timeline" "$1"
        [ -e "$file" ] || continue
        read -r here _ < <(run head -c "$2" "$file" | md5sum)
        return
    done
}
digest_at_source() { # SEGMENT BYTES TIMELINE... Sets: there.
    local timeline file files=''
    for timeline in "${@:3}"; do
        printf -v file 'pg_wal/%08X%s' "$timeline" "$1"
        files+="pg_read_binary_file('$file', 0, $2, true), "
    done
    at_source "SELECT md5(coalesce(${files}NULL))" && there=$answer
}
# Sets: own_history, the lines of how it came to its timeline.
read_own_history() {
    local file
    printf -v file '%s/pg_wal/%08X.history' "$data" "$mine"
    own_history=''
    if [ -r "$file" ]; then
        IFS= read -r -d '' own_history 2>/dev/null <"$file"
    else
        own_history=$(run cat "$file" 2>/dev/null)
    fi
}
# The bytes of the log just before a position are the same: 0 yes, 1 no, 2
# unknown.
has_same_log() { # BYTES
    local here there segment offset own_history timelines at=$1 i
    read_own_history
    # Few bytes say little: then those of the file before count, too.
    for i in 1 2; do
        [ "$at" -gt 0 ] || return 0
        locate "$at" "$segment_size"
        list_timelines "$mine" "$own_history"
        own_digest "$segment" "$offset" "${timelines[@]}"
        [ -n "$here" ] || { [ $i = 2 ]; return; } # It was cloned just here.
        list_timelines "$theirs" "$history"
        digest_at_source "$segment" "$offset" "${timelines[@]}" || return 2
        [ "$here" = "$there" ] || return 1
        [ "$offset" -lt 65536 ] || return 0
        at=$((at - offset))
    done
}

# On a timeline of the same number: was it the same promotion that began it?
has_same_beginning() {
    [ "$mine" -gt 1 ] && [ -n "$row_began" ] && [ "$row_began" != "$mine" ] ||
        return 0
    [ "$followed_timeline" = "$mine" ] && [ "$has_followed" = 1 ]
}
# 0 yes, 1 no, 2 nobody knows.
is_contained() {
    local end
    look_at_own && look_at_source || return 2
    [ -z "$row_token" ] || [ "$has_token" = 1 ] || return 1
    if [ "$mine" = "$theirs" ]; then
        has_same_beginning || return 1
        end=$flushed
    else
        end=$(awk -v mine="$mine" '$1 == mine { print $2; exit }' <<<"$history")
        [ -n "$end" ] || return 1
    fi
    [ "$reached" -le "$end" ] || return 1
    has_same_log "$reached"
}

# What it has and the source has not is undone. The source has to know on disk
# that it has a new timeline, or pg_rewind finds nothing to do. pg_rewind goes
# by the numbers of timelines: that what it takes for common is so has to be
# proved, too.
rewind() {
    local from said at
    from="host=$source_host port=$source_port user=$replica dbname=postgres"
    local rewinding=(pg_rewind -D "$data" --config-file="$home/postgresql.conf"
        --source-server="$from")
    [ "$mine" != "$theirs" ] || return 1
    at_source CHECKPOINT && stop_server || return 1
    said=$(LC_ALL=C run "${rewinding[@]}" --dry-run 2>&1) ||
        { echo "$said"; return 1; }
    echo "$said"
    at=$(sed -n \
        's|.*diverged at WAL location \([0-9A-F]*\)/\([0-9A-F]*\) on.*|16#\1 16#\2|p' \
        <<<"$said")
    [ -n "$at" ] && [[ $said != *'no rewind required'* ]] || return 1
    has_same_log $(((${at% *} << 32) + ${at#* })) && begin_replacing &&
        run "${rewinding[@]}" && run touch "$data/standby.signal" && settle
}
clone() {
    begin_cloning && make_new &&
        run pg_basebackup -D "$data.new" -h "$source_host" -p "$source_port" \
        -U "$replica" \
            -c fast &&
        run touch "$data.new/standby.signal" && swap_data && settle
}
