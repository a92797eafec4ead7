# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: the orders on a MariaDB server (10.11 or later) with
# semi-synchronous replication by GTIDs in one domain.
#
# The home has a my.cnf, with a socket for [client], too, and in [mariadbd]
#   read_only, skip_slave_start           however it starts, it takes no writes and
#                                         follows nobody
#   log_bin, log_slave_updates, gtid_strict_mode, and a server_id of its own
#   rpl_semi_sync_slave_enabled           it confirms what it has received
#   rpl_semi_sync_master_enabled = 0      only a primary waits: PROMOTE turns it on
#   rpl_semi_sync_master_timeout          for ever, or what is not confirmed counts
#                                         as written after that time
#   rpl_semi_sync_master_wait_point = AFTER_SYNC
#   init_rpl_role = SLAVE                 after a crash what nobody has confirmed is
#                                         undone, so that a former primary can follow
#
# A server says how far it is by @@gtid_current_pos. If that is empty it is not seen:
# give a replica that was copied its source's (SET GLOBAL gtid_slave_pos).
#
# A weakness of MariaDB's: a replica that starts again throws away what it had
# received and not applied, though it has confirmed it. If its primary dies in that
# same moment for good, that may have been the only copy.
PATH=$PATH:/usr/sbin
admin=${DB_AGENT_USER:-root} replica=${DB_AGENT_REPLICA:-replica}

client() {
    run timeout "${patience:-20}" mariadb --defaults-file="$home/my.cnf" --connect-timeout=3 \
        -u "$admin" "$@"
}
sql() { client -N -B -e "$1"; }
can_ask() { sql 'SELECT 1' >/dev/null; }

# Ask how its replication does; then field NAME is what it says of that, "" if it
# follows nobody.
look() { replication=$(client -e 'SHOW SLAVE STATUS\G'); }
field() { sed -n "s/^ *$1: //p" <<<"$replication"; }

do_fence() { :; } # my.cnf keeps it read-only.

start_server() {
    run setsid mariadbd --defaults-file="$home/my.cnf" --user="$owner" \
        </dev/null >>"$home/log" 2>&1 9>&- &
    until_true 60 can_ask || return 2
}
do_start() { start_server; }

clients() {
    sql "SELECT id FROM information_schema.processlist WHERE command NOT IN
        ('Binlog Dump', 'Daemon', 'Slave_IO', 'Slave_SQL', 'Slave_worker') AND
        user <> 'system user' AND id <> connection_id() AND
        user <> '$admin'"
}
kill_clients() {
    local id
    for id in $(clients); do
        sql "KILL CONNECTION $id" 2>/dev/null
    done
}

# read_only has to wait for writes under way, and these for replicas that may be
# gone; so the clients are ended until it is on, and once more after that.
do_stop() {
    local waiting i
    can_ask || return 2
    patience=15 sql 'SET lock_wait_timeout = 15; SET GLOBAL read_only = 1' 9>&- &
    waiting=$!
    for i in {1..200}; do
        kill -0 "$waiting" 2>/dev/null || break
        [ "$i" -lt 4 ] || kill_clients # Let those in the middle of a commit finish.
        sleep 0.05
    done
    wait "$waiting" || return 2
    until_true 5 are_clients_gone || return 2
}
# Clients that come after read_only cannot write; of the old ones none may wait for a
# replica any more.
are_clients_gone() {
    kill_clients
    [ "$(sql "SELECT count(*) FROM information_schema.processlist WHERE
        state LIKE '%semi-sync ACK%'")" = 0 ]
}

# Of a replica the readers stay.
stop_primary() {
    can_ask || return 2
    [ "$(sql 'SELECT @@read_only AND NOT @@rpl_semi_sync_master_enabled')" = 1 ] || do_stop
}

# All that was received is to be applied; its thread stays at work for that. Of a
# transaction that has come in part nobody has confirmed anything.
is_applied() {
    look && { [ "$(sql "SELECT @@gtid_slave_pos = '$(field Gtid_IO_Pos)'")" = 1 ] ||
        [[ $(field Slave_SQL_Running_State) = *'has read all relay log'* ]]; }
}
do_detach() {
    can_ask && look || return 2
    [ -n "$replication" ] || return 0
    if [ "$(field Slave_IO_Running)" != No ]; then
        [ "$(field Slave_SQL_Running)" = Yes ] || sql 'START SLAVE SQL_THREAD' || return 2
        sql 'STOP SLAVE IO_THREAD' && look || return 2
    fi
    [ "$(field Slave_SQL_Running)" = Yes ] || {
        [ "$(field Last_SQL_Errno)" = 0 ] # Stopped by an error, it does not go on.
        return
    }
    until_true 30 is_applied || return 2
}

# The token goes into a table that is replicated, before clients are let in. No
# replica is there to confirm it, and none has to: whoever has a later write has
# the token, too.
write_token() {
    sql "CREATE DATABASE IF NOT EXISTS infra_failover;
        CREATE TABLE IF NOT EXISTS infra_failover.token (token BIGINT PRIMARY KEY,
            node VARCHAR(64) NOT NULL, at TIMESTAMP NOT NULL DEFAULT now()) ENGINE=InnoDB;
        INSERT IGNORE INTO infra_failover.token (token, node) VALUES ($token, '$node')"
}
do_promote() {
    stop_primary || return 2 # Turning semi-sync off confirms what waits.
    sql 'SET GLOBAL rpl_semi_sync_master_enabled = 0; STOP SLAVE; RESET SLAVE ALL' || return 2
    write_token || return 2
    sql 'SET GLOBAL rpl_semi_sync_master_enabled = 1; SET GLOBAL read_only = 0' || return 2
}

is_following() {
    look && [ "$(field Slave_IO_Running) $(field Slave_SQL_Running)" = 'Yes Yes' ] &&
        [ "$(field Master_Host):$(field Master_Port)" = "$source_host:$source_port" ]
}
# It has what the source has not: 1236, from the source; or it cannot apply what the
# source has.
has_diverged() {
    [ "$(field Last_IO_Errno)" = 1236 ] || [[ $(field Last_SQL_Errno) = [1-9]* ]]
}
has_an_end() { is_following || has_diverged; }

# The source is changed when all is applied that was received: what was not is thrown
# away then, though it was confirmed.
follow() {
    sql "SET GLOBAL rpl_semi_sync_master_enabled = 0; STOP SLAVE;
        SET GLOBAL gtid_slave_pos =
            IF(@@gtid_binlog_pos = '', @@gtid_slave_pos, @@gtid_binlog_pos);
        CHANGE MASTER TO MASTER_HOST = '$source_host', MASTER_PORT = $source_port,
            MASTER_USER = '$replica', MASTER_PASSWORD = '${DB_AGENT_PASSWORD:-}',
            MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1;
        START SLAVE" || return 1
    until_true 5 has_an_end
    is_following
}

# The dump is there as a whole before anything is thrown away.
dump() {
    run mariadb-dump --no-defaults -h "$source_host" -P "$source_port" -u "$replica" \
        ${DB_AGENT_PASSWORD:+-p"$DB_AGENT_PASSWORD"} --all-databases --single-transaction \
        --gtid --master-data=1 --flush-privileges
}
clone() {
    run rm -rf "$home/data.new" && dump >"$home/dump.sql" &&
        run mariadb-install-db --no-defaults --user="$owner" --datadir="$home/data.new" \
            --auth-root-authentication-method=normal --skip-test-db >>"$home/log" 2>&1 &&
        swap_data "$home/data.new" && start_server &&
        { echo 'SET sql_log_bin = 0;' && cat "$home/dump.sql"; } | patience=3600 client &&
        end_replacing && rm "$home/dump.sql"
}

do_repoint() {
    if [ ! -e "$home/broken" ]; then
        can_ask || return 2
        ! is_following || return 0
        stop_primary || return 2
        do_detach && follow && return 0
        has_diverged || return 2
    fi
    say "it has what $INFRA_SOURCE has not, and is cloned"
    clone && follow || return 2
}
