# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: the orders on a MariaDB server with semi-synchronous
# replication by GTIDs in one domain. The oldest are 10.11.9, 11.1.6, 11.2.5,
# 11.4.3 and 11.5.2: those before them do not undo after a crash what nobody has
# confirmed. Others are refused by every order but FENCE.
#
# The home has a my.cnf, with a socket for [client], too, and in [mariadbd]
#   read_only, skip_slave_start       however it starts, it takes no writes and
#                                     follows nobody
#   datadir                           the data of the home
#   log_bin, log_slave_updates, gtid_strict_mode, and a server_id of its own
#   rpl_semi_sync_slave_enabled       it confirms what it has received
#   rpl_semi_sync_master_enabled = 0  only a primary waits: PROMOTE turns it on
#   rpl_semi_sync_master_timeout      for ever, or what is not confirmed counts
#                                     as written after that time
#   rpl_semi_sync_master_wait_point = AFTER_SYNC
#   init_rpl_role = SLAVE             after a crash what nobody has confirmed is
#                                     undone, so that a former primary can
#                                     follow
#
# A server says how far it is by @@gtid_current_pos. If that is empty it is not
# seen: give a replica that was copied its source's (SET GLOBAL gtid_slave_pos).
#
# A weakness of MariaDB's: a replica that starts again throws away what it had
# received and not applied, though it has confirmed it. If its primary dies in
# that same moment for good, that may have been the only copy.
PATH=$PATH:/usr/sbin
admin=${DB_AGENT_USER:-root} replica=${DB_AGENT_REPLICA:-replica}

# It is in no command line, where every user could read it.
password=${DB_AGENT_PASSWORD:-}
[ ! -e "$home/password" ] || IFS= read -r password <"$home/password"
unset DB_AGENT_PASSWORD
with_password() { # COMMAND...: of a client
    (
        export MYSQL_PWD=$password
        run "$@"
    )
}
quoted() { # TEXT: as a string of SQL, with sql_mode = ''
    local text=${1//\\/\\\\}
    echo "'${text//\'/\\\'}'"
}

server_names='(mariadbd|mysqld)(-.*)?$'
# What the server will be told by its options, the last of them.
server_paths() {
    local line
    pid_path='' socket_path=''
    while IFS= read -r line; do
        case $line in
        --pid[_-]file=*) pid_path=${line#*=} ;;
        --socket=*) socket_path=${line#*=} ;;
        esac
    done < <(my_print_defaults --defaults-file="$home/my.cnf" --mysqld \
        2>/dev/null)
}

oldest_of() { # SERIES: its third number, or nothing
    case $1 in
    10.11) echo 9 ;;
    11.1) echo 6 ;;
    11.2) echo 5 ;;
    11.4) echo 3 ;;
    11.5) echo 2 ;;
    10.* | 11.0 | 11.3) ;;
    1[1-9].*) echo 0 ;;
    esac
}
# The server that runs may be another than the one that would be started.
check_version() {
    local version='' oldest
    if sql 'SELECT VERSION()' 2>/dev/null; then
        version=$answer
    else
        version=$(mariadbd --version 2>/dev/null) || {
            say "$order: refused: there is no mariadbd that says its version"
            return 1
        }
        version=${version##*Ver }
    fi
    [[ $version =~ ^(([0-9]+\.[0-9]+)\.([0-9]+))[^\ ]*MariaDB ]] &&
        oldest=$(oldest_of "${BASH_REMATCH[2]}") && [ -n "$oldest" ] &&
        [ "${BASH_REMATCH[3]}" -ge "$oldest" ] && return
    say "$order: refused: this is $version; 10.11.9, 11.4.3 or later will do"
    return 1
}

# Each result has a first line with the names of its columns.
end_mark="SELECT 'end_of_answer' AS before_end;"
client_of() { # SESSION
    if [ "$1" = source ]; then
        client_env=("MYSQL_PWD=$password")
        client=(mariadb --no-defaults --connect-timeout=3 -h "$source_host" \
            -P "$source_port"
            -u "$replica" -B -n)
    else
        client_env=(LC_ALL=C)
        client=(mariadb --defaults-file="$home/my.cnf" \
            --connect-timeout=3 -u "$admin" -B -n)
    fi
}
# Of one result: sets answer to its rows. Others: to all lines, and the columns
# have names of their own.
at() { # SESSION STATEMENT
    ask "$@" || return
    [[ $answer = *$'\n'* ]] && answer=${answer#*$'\n'}
    return 0
}
sql() { at own "$1"; }
at_source() { at source "$1"; }
can_ask() { sql 'SELECT 1'; }

# Ask how its replication does; then row[NAME] is what it says of that, and
# there is none if it follows nobody.
declare -A row=()
look() {
    row=()
    ask own 'SHOW SLAVE STATUS' && split_row
}

# shellcheck source=db_agent_mariadb_history.sh
. "$here/db_agent_mariadb_history.sh"

do_fence() { :; } # START and my.cnf keep it read-only.

start_server() {
    # Nothing of it runs, so this is of one that was killed.
    [ ! -S "${socket_path:-}" ] || rm -f "$socket_path"
    (
        enter_cgroup
        let_go
        exec "${become[@]}" setsid mariadbd --defaults-file="$home/my.cnf" \
            --user="$owner" --datadir="$data" --read-only=1 --skip-slave-start
    ) </dev/null >>"$home/log" 2>&1 &
    [ -z "${socket_path:-}" ] || until_true 30 test -S "$socket_path" || true
    until_true 60 can_ask || return 2
}
do_start() { start_server; }

# One may have gone by itself: 1094.
kill_clients() {
    sql "DELIMITER //
        BEGIN NOT ATOMIC
            DECLARE CONTINUE HANDLER FOR 1094 BEGIN END;
            FOR client IN (SELECT id FROM information_schema.processlist WHERE
                command NOT IN ('Binlog Dump', 'Daemon', 'Slave_IO',
                    'Slave_SQL', 'Slave_worker') AND user <> 'system user' AND
                id <> connection_id() AND user <> '$admin') DO
                EXECUTE IMMEDIATE CONCAT('KILL CONNECTION ', client.id);
            END FOR;
        END //
        DELIMITER "
}

# read_only has to wait for writes under way, and these for replicas that may be
# gone; so the clients are ended until it is on, and once more after that.
do_stop() {
    local i status=2
    # Whoever has not logged in yet is killed as a client would be.
    can_ask && ask second 'SELECT 1' || return 2
    send second 'SET lock_wait_timeout = 15; SET GLOBAL read_only = 1'
    for i in {1..300}; do
        receive second 0.05
        status=$?
        [ $status = 2 ] || break
        # Let those in the middle of a commit finish.
        [ "$i" -lt 4 ] || kill_clients
    done
    [ $status = 0 ] || {
        kill_session second
        return 2
    }
    until_true 5 are_clients_gone || return 2
}
# Clients that come after read_only cannot write; of the old ones none may wait
# for a replica any more.
are_clients_gone() {
    kill_clients &&
        sql "SELECT count(*) FROM information_schema.processlist WHERE
        state LIKE '%semi-sync ACK%'" && [ "$answer" = 0 ]
}

# Of a replica the readers stay.
stop_primary() {
    can_ask || return 2
    sql 'SELECT @@read_only AND NOT @@rpl_semi_sync_master_enabled' &&
        [ "$answer" = 1 ] || do_stop
}

# All that was received is to be applied; its thread stays at work for that. Of
# a transaction that has come in part nobody has confirmed anything.
has_read_all() {
    [[ ${row[Slave_SQL_Running_State]:-} = *'has read all relay log'* ]]
}
is_applied() {
    look && sql "SELECT @@gtid_slave_pos = '${row[Gtid_IO_Pos]:-}'" &&
        { [ "$answer" = 1 ] || has_read_all; }
}
is_applied_or_stopped() {
    is_applied || [ "${row[Slave_SQL_Running]:-}" = No ]
}
do_detach() {
    can_ask && look || return 2
    [ ${#row[@]} -gt 0 ] || return 0
    # It may have been stopped by hand, or by what has passed. With both threads
    # stopped MariaDB throws away what is not applied as soon as one starts.
    if [ "${row[Slave_SQL_Running]:-}" != Yes ]; then
        if [ "${row[Slave_IO_Running]:-}" = No ] &&
            [ -n "${row[Gtid_IO_Pos]:-}" ] && ! is_applied; then
            say "$order: it has stopped, and not applied all up to" \
                "${row[Gtid_IO_Pos]:-}"
            return 1
        fi
        say "$order: its SQL thread has stopped" \
            "(${row[Last_SQL_Errno]:-}), and is started again"
        sql 'START SLAVE SQL_THREAD' || return 2
    fi
    sql 'STOP SLAVE IO_THREAD' 2>/dev/null && look || return 2
    [ "${row[Slave_IO_Running]:-}" = No ] || return 2
    until_true 30 is_applied_or_stopped || return 2
    [ "${row[Slave_SQL_Running]:-}" != No ] || {
        say "$order: it cannot apply what it has received:" \
            "${row[Last_SQL_Errno]:-} ${row[Last_SQL_Error]:-}"
        return 1
    }
}

# The token goes into a table that is replicated, before clients are let in. No
# replica is there to confirm it, and none has to: whoever has a later write has
# the token, too. With it goes the number of the last write before its own.
write_token() {
    local last
    sql 'SELECT @@gtid_current_pos' || return 1
    find_last "$answer"
    sql "CREATE DATABASE IF NOT EXISTS infra_failover;
        CREATE TABLE IF NOT EXISTS infra_failover.token (
            token BIGINT PRIMARY KEY, node VARCHAR(64) NOT NULL,
            at TIMESTAMP NOT NULL DEFAULT now()) ENGINE=InnoDB;
        ALTER TABLE infra_failover.token
            ADD COLUMN IF NOT EXISTS began BIGINT NULL;
        INSERT IGNORE INTO infra_failover.token (token, node, began)
            VALUES ($token, '$node', $last)"
}
# Has this order been carried out? Then its clients are left alone.
is_promoted() {
    holds_text "$home/promoted" "$token" && look_at_own &&
        [ "$row_token $row_node" = "$token $node" ] &&
        sql 'SELECT @@read_only = 0 AND @@rpl_semi_sync_master_enabled' &&
        [ "$answer" = 1 ]
}
do_promote() {
    can_ask || return 2
    ! is_promoted || return 0
    stop_primary || return 2 # Turning semi-sync off confirms what waits.
    newest_or_refuse && write_down promoted "$token" || return 2
    sql 'SET GLOBAL rpl_semi_sync_master_enabled = 0;
        STOP SLAVE; RESET SLAVE ALL' || return 2
    write_token && newest_or_refuse || return 2
    sql 'SET GLOBAL rpl_semi_sync_master_enabled = 1;
        SET GLOBAL read_only = 0' || return 2
}

is_following() {
    look && [ "${row[Slave_IO_Running]:-} ${row[Slave_SQL_Running]:-}" = \
        'Yes Yes' ] &&
        [ "${row[Master_Host]:-}:${row[Master_Port]:-}" = \
        "$source_host:$source_port" ]
}
# Its source does not have its position any more: 1236; or it cannot apply what
# the source has.
has_diverged() {
    [ "${row[Last_IO_Errno]:-}" = 1236 ] ||
        [[ ${row[Last_SQL_Errno]:-} = [1-9]* ]]
}
has_an_end() { is_following || has_diverged; }

# The source is changed when all is applied that was received: what was not is
# thrown away then, though it was confirmed.
follow() {
    newest_or_refuse || return 2
    sql "SET sql_mode = '';
        SET GLOBAL rpl_semi_sync_master_enabled = 0; STOP SLAVE;
        SET GLOBAL gtid_slave_pos =
            IF(@@gtid_binlog_pos = '', @@gtid_slave_pos, @@gtid_binlog_pos);
        CHANGE MASTER TO MASTER_HOST = '$source_host',
            MASTER_PORT = $source_port,
            MASTER_USER = '$replica', MASTER_PASSWORD = $(quoted "$password"),
            MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1,
            MASTER_HEARTBEAT_PERIOD = 1;
        START SLAVE" || return 2
    until_true 5 has_an_end
    is_following || return 2
}

replace_and_follow() {
    clone || {
        # The old data is there yet, or again nothing is.
        [ -e "$home/broken" ] || can_ask || start_server
        return 2
    }
    follow
}

do_repoint() {
    local proof
    if [ ! -e "$home/broken" ]; then
        can_ask && note_own_writes || return 2
        if ! is_following; then
            stop_primary || return 2
            do_detach
            proof=$?
            [ $proof -le 1 ] || return 2
            # It cannot apply what its source has; or it is only behind.
            [[ ${row[Last_SQL_Errno]:-} = [1-9]* ]] ||
                { is_contained; proof=$?; }
        else
            is_contained
            proof=$?
        fi
        [ $proof -le 1 ] || return 2
        if [ $proof = 0 ]; then
            settle || return 2
            is_following || follow && return 0
            has_diverged || return 2
        else
            do_detach || true
        fi
        under_token_lock mark_apart "not of its source's history, $token" ||
            return 2
    fi
    at_source 'SELECT 1' || return 2 # Before anything is undone.
    say "it has what $INFRA_SOURCE_ADDRESS has not, and is cloned"
    in_background replace_and_follow
}
