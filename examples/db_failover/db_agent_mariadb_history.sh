# SPDX-License-Identifier: MIT
# Sourced by db_agent_mariadb.sh: is the history of this node a part of its
# source's, and if it is not, how its data is replaced.
#
# A GTID names the server that wrote it, and the binary log's state
# (@@gtid_binlog_state) knows the last of each server. So a history is part of
# another if that one knows as much of each server, and the newest row of the
# table of tokens is in both.

# The last number of a list of GTIDs, in its one domain; or of those that the
# server of a number has written. Sets: last.
find_last() { # GTIDS [SERVER]
    local gtid
    last=0
    for gtid in ${1//,/ }; do
        [[ $gtid =~ ^[0-9]+-([0-9]+)-([0-9]+)$ ]] || continue
        [ -z "${2:-}" ] || [ "$2" = "${BASH_REMATCH[1]}" ] || continue
        [ "${BASH_REMATCH[2]}" -le "$last" ] || last=${BASH_REMATCH[2]}
    done
}
# Is no GTID of the second list later than all of its server in the first?
knows_all() { # GTIDS GTIDS
    local gtid
    local -A known=()
    for gtid in ${1//,/ }; do
        [ "${gtid##*-}" -le "${known[${gtid%-*}]:-0}" ] ||
            known[${gtid%-*}]=${gtid##*-}
    done
    for gtid in ${2//,/ }; do
        [ "${gtid##*-}" -le "${known[${gtid%-*}]:-0}" ] || return 1
    done
}

# All that a server knows of GTIDs.
all_gtids="CONCAT_WS(',', @@gtid_binlog_state, @@gtid_slave_pos,
    @@gtid_current_pos)"
# The table of tokens need not be there, and an older one has no "began".
count_columns="SELECT count(*) INTO @columns
    FROM information_schema.columns
    WHERE table_schema = 'infra_failover' AND table_name = 'token'"

# Both are asked for all at once, since each question is a connection.
# Sets: read_only; written, the last number with which it has written something;
# gtids; row_token, row_node and row_began, empty without a row.
look_at_own() {
    local server='' last kind first second third
    row_token='' row_node='' row_began='' read_only='' written='' gtids=''
    ask own "$count_columns;
        EXECUTE IMMEDIATE IF(@columns = 0, 'DO 0', CONCAT(
            \"SELECT 'row' AS kind, token, node, \",
            IF(@columns = 3, \"''\", \"COALESCE(began, '')\"),
            ' FROM infra_failover.token ORDER BY token DESC LIMIT 1'));
        SELECT 'own' AS kind, @@read_only, @@server_id, $all_gtids" || return 2
    while IFS=$'\t' read -r kind first second third; do
        case $kind in
        row) row_token=$first row_node=$second row_began=$third ;;
        own) read_only=$first server=$second gtids=$third ;;
        esac
    done <<<"$answer"
    [ -n "$read_only" ] || return 2
    find_last "$gtids" "$server"
    written=$last
}
# Sets: its_gtids; has_token, 1 if its table has this node's newest row.
look_at_source() {
    local kind value
    its_gtids='' has_token=0
    ask source "$count_columns;
        EXECUTE IMMEDIATE IF(@columns = 0, 'DO 0', \"SELECT 'row' AS kind,
            count(*) FROM infra_failover.token
            WHERE token = ${row_token:-0} AND node = '$row_node'\");
        SELECT 'source' AS kind, $all_gtids" || return 2
    while IFS=$'\t' read -r kind value; do
        case $kind in
        row) has_token=$value ;;
        source) its_gtids=$value ;;
        esac
    done <<<"$answer"
}

# Has it taken writes that no PROMOTE has allowed, or written some with its own
# number after the newest primary that it knows had begun?
note_own_writes() {
    # No answer: the order will find that out.
    look_at_own || { ! can_ask; return; }
    [ -n "$row_token" ] && [ "$row_node" != "$node" ] &&
        [ ! -e "$home/promoted" ] || return 0
    if [ "$read_only" = 0 ]; then
        say "it takes writes, and was not promoted"
    elif [ -n "$row_began" ] && [ "$written" -gt "$row_began" ]; then
        say "it has writes of its own, and was not promoted"
    else
        return 0
    fi
    under_token_lock mark_apart "wrote without being promoted, found by $token"
}

# 0 yes, 1 no, 2 nobody knows.
is_contained() {
    look_at_own && look_at_source || return 2
    [ -z "$row_token" ] || [ "$has_token" = 1 ] || return 1
    knows_all "$its_gtids" "$gtids"
}

# The home of the source, if that is a server of this host with files that can
# be read: then they are copied. Else it is asked for a dump.
source_home() {
    local there
    is_word "${INFRA_SOURCE:-}" && there=$root/$INFRA_SOURCE &&
        holds_text "$there/address" "$INFRA_SOURCE_ADDRESS" &&
        command -v mariadb-backup >/dev/null &&
        run test -r "$there/data/ibdata1" && echo "$there"
}
# Sets: position, which the copy has reached.
copy_files() {
    local info
    with_password mariadb-backup --no-defaults --backup \
        --target-dir="$data.new" --datadir="$(readlink -f "$1/data")" \
        --host="$source_host" --port="$source_port" --user="$replica" &&
        run mariadb-backup --no-defaults --prepare --target-dir="$data.new" ||
        return 1
    for info in "$data.new"/{mariadb_backup,xtrabackup}_binlog_info; do
        [ ! -e "$info" ] || position=$(run cut -f3 "$info" | head -n 1)
    done
    [[ ${position:-} = *-*-* ]]
}
# The dump is whole, by its last line, before it is loaded; and it is loaded
# where no client can see it, into a server without an address.
load_dump() {
    local server temporary=(--defaults-file="$home/my.cnf" --datadir="$data.new"
        --skip-networking --socket="$home/clone.sock"
        --pid-file="$home/clone.pid" --skip-log-bin --skip-slave-start --user="$owner")
    run touch "$home/dump.sql" && run chmod 600 "$home/dump.sql" &&
        with_password mariadb-dump --no-defaults -h "$source_host" \
            -P "$source_port" -u "$replica" --all-databases \
            --single-transaction --gtid --master-data=1 --flush-privileges \
            --routines --events >"$home/dump.sql" &&
        tail -n 1 "$home/dump.sql" | grep -q '^-- Dump completed' &&
        run mariadb-install-db --no-defaults --user="$owner" \
            --datadir="$data.new" --auth-root-authentication-method=normal \
            --skip-test-db || return 1
    run setsid mariadbd "${temporary[@]}" </dev/null &
    server=$!
    new_client() {
        run mariadb --no-defaults --socket="$home/clone.sock" -u root "$@"
    }
    until_true 60 new_client -e 'SELECT 1' && new_client <"$home/dump.sql" &&
        position=$(run mariadb --defaults-file="$home/my.cnf" \
            --socket="$home/clone.sock" -u "$admin" -N -B \
            -e 'SELECT @@gtid_slave_pos; SHUTDOWN') && wait "$server" &&
        [[ $position = *-*-* ]] && rm "$home/dump.sql"
}

# Under "broken", until it knows what it has: the binary log of a copy is empty,
# and its state is the source's up to the position of the copy.
clone() {
    local position='' there state
    begin_cloning && make_new || return 1
    at_source 'SELECT @@gtid_binlog_state' && state=$answer || return 1
    if there=$(source_home); then copy_files "$there"; else load_dump; fi ||
        return 1
    # Of each domain the last of the list is the newest.
    state=$(awk -F- 'FNR == NR { here[$1, $2] = 1; next }
        !(($1, $2) in here) && NF == 3 { printf "%s,", $0 }' \
        <(tr ',' '\n' <<<"$position") <(tr ', ' '\n\n' <<<"$state"))$position
    swap_data && start_server && sql "STOP SLAVE; RESET SLAVE ALL; RESET MASTER;
        SET GLOBAL gtid_slave_pos = '';
        SET GLOBAL gtid_binlog_state = '$state';
        SET GLOBAL gtid_slave_pos = '$position'" && settle
}
