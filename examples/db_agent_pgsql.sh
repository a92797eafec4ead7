# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: the orders on a PostgreSQL server (13 or later).
#
# Beside what db_agent.sh names, the home has
#   postgresql.conf    with the line: include_if_exists 'agent.conf'; and
#                      hba_file = 'HOME/pg_hba.conf', unix_socket_directories =
#                      'HOME/socket', port, wal_log_hints = on, and a
#                      wal_retrieve_retry_interval that is short
#   agent.conf         the agent's: from whom it receives, and whether it is stopped
#   hba.conf           who may connect; hba.stopped.conf: who may while it is stopped
#                      (the agent, the checks, replication, and no client)
#   pg_hba.conf        a copy of one of them
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
export PGCONNECT_TIMEOUT=3
admin=${DB_AGENT_USER:-postgres} replica=${DB_AGENT_REPLICA:-replica}
socket=$home/socket
port=$(<"$home/address") port=${port##*:}

sql() {
    run timeout 20 psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$socket" -p "$port" \
        -U "$admin" -d postgres -c "$1"
}
is() { # QUESTION: answered with t?
    [ "$(sql "SELECT $1")" = t ]
}
is_in_recovery() { is 'pg_is_in_recovery()'; }
can_ask() { sql 'SELECT 1' >/dev/null; }

# configure open|stopped [SOURCE_HOST SOURCE_PORT]
configure() {
    local file=$home/hba.conf
    [ "$1" = open ] || file=$home/hba.stopped.conf
    {
        [ "$1" = open ] || echo 'default_transaction_read_only = on'
        echo "primary_conninfo = '${2:+host=$2 port=$3 user=$replica application_name=$node}'"
    } >"$home/agent.conf.new" && cp "$file" "$home/pg_hba.conf.new" &&
        chmod a+r "$home"/*.new && mv "$home/agent.conf.new" "$home/agent.conf" &&
        mv "$home/pg_hba.conf.new" "$home/pg_hba.conf"
}
# A session that begins after the reload has both.
is_reloaded() { # open|stopped
    local wanted=off
    [ "$1" = open ] || wanted=on
    is "current_setting('default_transaction_read_only') = '$wanted'"
}
reconfigure() {
    configure "$@" && sql 'SELECT pg_reload_conf()' >/dev/null && until_true 5 is_reloaded "$1"
}

start_server() {
    # Nobody works there: these are left of one that was killed, and another process
    # may have its number, or its corpse.
    is_running || rm -f "$data/postmaster.pid" "$socket/.s.PGSQL.$port.lock"
    run pg_ctl start -s -w -t 60 -D "$data" -l "$home/log" \
        -o "-c config_file=$home/postgresql.conf" || return 2
}
stop_server() {
    run pg_ctl stop -s -m fast -w -t 10 -D "$data" 2>/dev/null
    kill_server
}

do_fence() {
    run touch "$data/standby.signal" && sync "$data/standby.signal" && configure open
}

do_start() {
    # One that was primary receives from nobody until it is pointed at one. Others
    # go on where they were.
    [ -e "$data/standby.signal" ] || do_fence || return 2
    start_server
}

# Those that were there before it was stopped are ended; later ones hba.stopped.conf
# has let in.
sessions_left() {
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE
        backend_type = 'client backend' AND backend_start < '$1' AND pid <> pg_backend_pid()"
}
are_sessions_gone() { [ "$(sessions_left "$1")" = 0 ]; }

do_stop() {
    local since
    reconfigure stopped || return 2
    since=$(sql 'SELECT clock_timestamp()') && [ -n "$since" ] || return 2
    until_true 10 are_sessions_gone "$since" || return 2
}

# How far it has received and replayed, and whether it receives.
progress() {
    sql "SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0',
        pg_last_wal_replay_lsn() - '0/0',
        coalesce((SELECT count(*) FROM pg_stat_get_wal_receiver() WHERE pid IS NOT NULL), 0),
        (SELECT setting::int FROM pg_settings WHERE name = 'wal_retrieve_retry_interval')"
}

# All that was received is to be replayed, since the position that counts is what
# was received, and what is asked for is what was replayed. The last record may have
# come in part: then it is replayed never, and what ends in it was not acknowledged.
# So it is done, too, if nothing moves for longer than the server waits before it
# looks for more.
do_detach() {
    local received replayed receivers retry before=- quiet=0 i
    is_in_recovery || {
        can_ask # It is no standby, and receives from nobody.
        return
    }
    reconfigure open || return 2
    for i in {1..600}; do
        IFS='|' read -r received replayed receivers retry < <(progress) || return 2
        if [ "$receivers" = 0 ]; then
            [ "$replayed" -lt "$received" ] || return 0
            [ "$replayed" = "$before" ] || quiet=0
            before=$replayed quiet=$((quiet + 50))
            [ $quiet -le $((retry + 1000)) ] || return 0
        fi
        sleep 0.05
    done
    return 2
}

# The token goes into a table that is replicated, before clients are let in. No
# standby is there to confirm it, and none has to: whoever has a later write has
# the token, too.
write_token() {
    sql "SET client_min_messages = warning;
        BEGIN READ WRITE; SET LOCAL synchronous_commit = local;
        CREATE SCHEMA IF NOT EXISTS infra_failover;
        CREATE TABLE IF NOT EXISTS infra_failover.token (token bigint PRIMARY KEY,
            node text NOT NULL, at timestamptz NOT NULL DEFAULT now());
        GRANT USAGE ON SCHEMA infra_failover TO public;
        GRANT SELECT ON infra_failover.token TO public;
        INSERT INTO infra_failover.token VALUES ($token, '$node') ON CONFLICT DO NOTHING;
        COMMIT"
}

do_promote() {
    can_ask || return 2
    reconfigure stopped || return 2
    if is_in_recovery; then
        is 'pg_promote(true, 30)' || return 2
    fi
    write_token && reconfigure open || return 2
}

is_following() {
    is "EXISTS (SELECT 1 FROM pg_stat_get_wal_receiver() WHERE status = 'streaming' AND
        sender_host = '$source_host' AND sender_port = $source_port)"
}

at_source() {
    run timeout 20 psql -X -q -A -t -h "$source_host" -p "$source_port" -U "$replica" -d postgres \
        -c "$1"
}

# Has it what the source has not? It must not connect then, not even for a moment: it
# would confirm writes up to a place that it has reached on a timeline of its own. The
# source's history says where each timeline ended that it went through.
has_diverged() {
    local mine reached theirs end
    mine=$(sql "SELECT max(substr(name, 1, 8)) FROM pg_ls_waldir()
        WHERE name ~ '^[0-9A-F]{24}$'") || return 0
    reached=$(sql "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())") || return 0
    theirs=$(at_source 'SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)') || return 0
    [ "$mine" != "$theirs" ] || return 1
    end=$(at_source "SELECT pg_read_file('pg_wal/$theirs.history')" |
        awk -v mine=$((16#$mine)) '$1 == mine { print $2; exit }')
    [ -z "$end" ] || is "'$reached'::pg_lsn > '$end'::pg_lsn"
}

# What it has and the source has not is undone. The source has to know on disk that
# it has a new timeline, or pg_rewind finds nothing to do.
rewind() {
    at_source CHECKPOINT && stop_server && begin_replacing &&
        run pg_rewind -D "$data" --config-file="$home/postgresql.conf" \
            --source-server="host=$source_host port=$source_port user=$replica dbname=postgres" \
            >>"$home/log" 2>&1 && run touch "$data/standby.signal" && end_replacing
}
clone() {
    run rm -rf "$home/data.new" &&
        run pg_basebackup -D "$home/data.new" -h "$source_host" -p "$source_port" \
            -U "$replica" -c fast >>"$home/log" 2>&1 &&
        run touch "$home/data.new/standby.signal" && swap_data "$home/data.new" && end_replacing
}

do_repoint() {
    at_source 'SELECT 1' >/dev/null || return 2 # Before anything is undone.
    if [ ! -e "$home/broken" ]; then
        can_ask || return 2
        ! is_following || return 0
        # What it still receives could take it past its new source.
        do_detach || return 2
        if is_in_recovery && ! has_diverged; then
            reconfigure open "$source_host" "$source_port" && until_true 5 is_following || return 2
            return 0
        fi
    fi
    if [ -e "$home/broken" ] || ! rewind; then
        say "it cannot be rewound, and is cloned"
        clone || {
            [ -e "$home/broken" ] || is_running || { configure open && start_server; }
            return 2
        }
    fi
    configure open "$source_host" "$source_port" && start_server && until_true 10 is_following ||
        return 2
}
