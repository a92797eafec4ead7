# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: the orders on a PostgreSQL server (13 or later).
#
# Beside what db_agent.sh names, the home has
#   postgresql.conf    with the line: include_if_exists 'agent.conf'; and
#                      hba_file = 'HOME/pg_hba.conf', unix_socket_directories =
#                      'HOME/socket', port, wal_log_hints = on, and a
#                      wal_retrieve_retry_interval that is short
#   agent.conf         the agent's: from whom it receives, and whether it is
#                      stopped
#   hba.conf           who may connect; hba.stopped.conf: who may while it is
#                      stopped (the agent, the checks, replication, no client)
#   pg_hba.conf        a copy of one of them
#   .pgpass            the password of DB_AGENT_REPLICA
#   followed           the timeline of its source, and the token that began it
# DB_AGENT_REPLICA replicates, and may do at its source what pg_rewind needs,
# CHECKPOINT too.
version=''
read -r version 2>/dev/null <"$data/PG_VERSION"
for bin in /usr/lib/postgresql/*/bin \
    "/usr/lib/postgresql/${version:-none}/bin"; do
    [ ! -d "$bin" ] || PATH=$bin:$PATH
done
export PGCONNECT_TIMEOUT=3
[ ! -e "$home/.pgpass" ] || export PGPASSFILE=$home/.pgpass
admin=${DB_AGENT_USER:-postgres} replica=${DB_AGENT_REPLICA:-replica}
socket=$home/socket

server_names='(postgres|postmaster|edb-postgres)$'
server_paths() {
    pid_path=$data/postmaster.pid socket_path=${port:+$socket/.s.PGSQL.$port}
}
check_version() {
    [[ ${version:-13} =~ ^[0-9]+ ]] && [ "${BASH_REMATCH[0]}" -ge 13 ] && return
    say "$order: refused: its data is of PostgreSQL $version;" \
        "13 is the oldest that will do"
    return 1
}

# shellcheck source=db_agent_pgsql_history.sh
. "$here/db_agent_pgsql_history.sh"

# The wrapper that Debian calls psql is a Perl program; the PATH has the real
# one.
end_mark='\echo end_of_answer'
client_of() { # SESSION
    # What is no error would stand in the answer.
    client_env=("PGOPTIONS=${PGOPTIONS:-} -c client_min_messages=error")
    client=(psql -X -q -A -t -w -v ON_ERROR_STOP=1 -d postgres)
    if [ "$1" = source ]; then
        client+=(-h "$source_host" -p "$source_port" -U "$replica")
    else
        client+=(-h "$socket" -p "$port" -U "$admin")
    fi
}
sql() { ask own "$1"; }
at_source() { ask source "$1"; }
is() { # QUESTION: answered with t?
    sql "SELECT $1" && [ "$answer" = t ]
}
can_ask() { sql 'SELECT 1'; }

# replace PATH TEXT: with a last newline, readable for the server.
replace() {
    ! holds_text "$1" "$2" || return 0
    (umask 022 && echo "$2" >"$1.new") && mv "$1.new" "$1"
}
# configure open|stopped [SOURCE_HOST SOURCE_PORT]
configure() {
    local rules='' file=$home/hba.conf text=''
    if [ "$1" = stopped ]; then
        file=$home/hba.stopped.conf
        text=$'default_transaction_read_only = on\n'
    fi
    IFS= read -r -d '' rules 2>/dev/null <"$file"
    [ -n "$rules" ] || {
        say "$order: cannot read $file"
        return 1
    }
    text+="primary_conninfo = '"
    text+="${2:+host=$2 port=$3 user=$replica application_name=$node}'"
    replace "$home/agent.conf" "$text" &&
        replace "$home/pg_hba.conf" "${rules%$'\n'}"
}
# A connection that begins after the reload has both.
is_reloaded() { # open|stopped
    local wanted=off
    [ "$1" = open ] || wanted=on
    sql "\connect
        SELECT current_setting('default_transaction_read_only') = '$wanted'" &&
        [ "$answer" = t ]
}
reconfigure() {
    configure "$@" && sql 'SELECT pg_reload_conf(), pg_sleep(0.02)' &&
        until_true 5 is_reloaded "$1"
}

# To be called when nothing of it runs. What is left is of one that was killed,
# and another process may have its number, or its corpse.
start_server() {
    look_for_server
    [ ${#seen[@]} -eq 0 ] && [ -z "$hidden" ] || {
        say "$order: not started: ${hidden:-it runs already}"
        return 2
    }
    rm -f "$data/postmaster.pid" "$socket/.s.PGSQL.$port.lock"
    (
        enter_cgroup
        run pg_ctl start -s -w -t 60 -D "$data" -l "$home/log" \
            -o "-c config_file=$home/postgresql.conf"
    ) || return 2
}
stop_server() {
    close_sessions
    run pg_ctl stop -s -m fast -w -t 10 -D "$data" 2>/dev/null
    kill_server
}

do_fence() {
    [ -d "$data" ] || return 0 # It is being replaced: "broken".
    run touch "$data/standby.signal" && sync "$data/standby.signal" &&
        configure open
}

do_start() {
    # One that was primary receives from nobody until it is pointed at one.
    # Others go on where they were.
    [ -e "$data/standby.signal" ] || do_fence || return 2
    start_server
}

# Those that were there before it was stopped are ended; later ones
# hba.stopped.conf has let in.
sessions_left() {
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE
        backend_type = 'client backend' AND backend_start < '$1' AND
        pid <> pg_backend_pid()"
}
are_sessions_gone() { sessions_left "$1" && [ "$answer" = 0 ]; }

do_stop() {
    local since
    reconfigure stopped || return 2
    sql 'SELECT clock_timestamp()' && since=$answer && [ -n "$since" ] ||
        return 2
    until_true 10 are_sessions_gone "$since" || return 2
}

# How far it has received and replayed, and whether it receives. A replay that
# is paused goes on: what was received would be waited for in vain.
progress() {
    sql "SELECT coalesce(pg_last_wal_receive_lsn(),
            pg_last_wal_replay_lsn()) - '0/0',
        pg_last_wal_replay_lsn() - '0/0',
        coalesce((SELECT count(*) FROM pg_stat_get_wal_receiver()
            WHERE pid IS NOT NULL), 0),
        (SELECT setting::int FROM pg_settings
            WHERE name = 'wal_retrieve_retry_interval'),
        CASE WHEN pg_is_wal_replay_paused()
            THEN pg_wal_replay_resume()::text END"
}

# All that was received is to be replayed, since the position that counts is
# what was received, and what is asked for is what was replayed. The last record
# may have come in part: then it is replayed never, and what ends in it was not
# acknowledged. So it is done, too, if nothing moves for longer than the server
# waits before it looks for more.
do_detach() {
    local received replayed receivers retry before=- now since=0 i
    [ -n "$recovery" ] || look_at_own || return 2
    # It is no standby, and receives from nobody.
    [ "$recovery" = t ] || return 0
    reconfigure open || return 2
    for i in {1..600}; do
        progress || return 2
        IFS='|' read -r received replayed receivers retry _ <<<"$answer"
        [[ "$received $replayed $receivers $retry" =~ ^([0-9]+\ ?){4}$ ]] ||
            return 2
        if [ "$receivers" = 0 ]; then
            [ "$replayed" -lt "$received" ] || return 0
            now=${EPOCHREALTIME/[.,]/}
            [ "$replayed" = "$before" ] || since=$now
            before=$replayed
            [ $((now - since)) -le $(((retry + 1000) * 1000)) ] || return 0
        fi
        nap 0.03
    done
    return 2
}

# The token goes into a table that is replicated, before clients are let in. No
# standby is there to confirm it, and none has to: whoever has a later write has
# the token, too. With it goes the timeline that it has begun.
write_token() {
    sql "BEGIN READ WRITE; SET LOCAL synchronous_commit = local;
        CREATE SCHEMA IF NOT EXISTS infra_failover;
        CREATE TABLE IF NOT EXISTS infra_failover.token (
            token bigint PRIMARY KEY, node text NOT NULL,
            at timestamptz NOT NULL DEFAULT now());
        ALTER TABLE infra_failover.token ADD COLUMN IF NOT EXISTS began bigint;
        GRANT USAGE ON SCHEMA infra_failover TO public;
        GRANT SELECT ON infra_failover.token TO public;
        INSERT INTO infra_failover.token (token, node, began)
            VALUES ($token, '$node', $1)
            ON CONFLICT (token) DO UPDATE SET began = EXCLUDED.began
                WHERE infra_failover.token.node = EXCLUDED.node;
        COMMIT"
}

# Has this order been carried out? Then its clients are left alone.
is_promoted() {
    holds_text "$home/promoted" "$token" && [ "$recovery" = f ] &&
        [ "$row_token $row_node" = "$token $node" ] && is_reloaded open
}
do_promote() {
    [ -n "$recovery" ] || return 2 # See note_own_writes.
    ! is_promoted || return 0
    reconfigure stopped || return 2
    newest_or_refuse && write_down promoted "$token" || return 2
    [ "$recovery" = f ] || is 'pg_promote(true, 30)' || return 2
    look_at_own && write_token "$mine" || return 2
    newest_or_refuse && reconfigure open || return 2
}

is_following() {
    is "EXISTS (SELECT 1 FROM pg_stat_get_wal_receiver()
        WHERE status = 'streaming' AND sender_host = '$source_host' AND
        sender_port = $source_port)"
}
follow() {
    newest_or_refuse && note_source || return 2
    if can_ask; then
        reconfigure open "$source_host" "$source_port" || return 2
    else
        configure open "$source_host" "$source_port" && start_server || return 2
    fi
    until_true "$1" is_following || return 2
}
# Its writes end, and it waits for somebody to follow.
become_standby() { stop_server && do_fence && start_server; }

# Its data is replaced, and then it follows.
replace_and_follow() {
    if [ -e "$home/broken" ] || ! rewind; then
        say "it cannot be rewound, and is cloned"
        clone || {
            [ -e "$home/broken" ] ||
                { look_for_server; [ ${#seen[@]} -gt 0 ]; } ||
                { configure open && start_server; }
            return 2
        }
    fi
    # A newer order has come: it is to be there for that, and follow nobody.
    newest_or_refuse || { configure open && start_server; return 2; }
    follow 10
}

do_repoint() {
    local proof
    if [ ! -e "$home/broken" ]; then
        # Before anything is undone.
        note_own_writes && [ -n "$recovery" ] && look_at_source || return 2
        # What it still receives could take it past its new source.
        is_following || do_detach || return 2
        [ "$recovery" = t ] || become_standby || return 2
        is_contained
        proof=$?
        [ $proof -le 1 ] || return 2
        if [ $proof = 0 ]; then
            settle || return 2
            ! is_following || { note_source || return 2; return 0; }
            follow 5
            return
        fi
        # Else it would be asked for what it has and must not confirm.
        do_detach &&
            under_token_lock mark_apart "not of its source's history, $token" ||
            return 2
    else
        row_token='' row_node='' mine=0
        look_at_source || return 2
    fi
    in_background replace_and_follow
}
