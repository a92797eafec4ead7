#!/bin/bash
# SPDX-License-Identifier: MIT
# The MySQL check against two real MariaDB servers, one of which replicates the
# other.  What is promised:
#  - it tells writable from read-only, a primary from a replica, how far each is,
#    and a lag;
#  - a replica names whom it receives from, for as long as it does;
#  - a question of the host's own is answered by a table, and one that is not there
#    or may not be read does not matter, unless its answer is to decide;
#  - a question that writes fails where writes do, or hang, while reading passes;
#  - a wrong password, too many connections, a server that hangs and one that is
#    gone have each their reason;
#  - its logins leave no trace in the server's counters, and without a user it
#    never gets its host blocked.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/mysql.sh PROBE_ONCE" >&2; exit 2; }
probe_once=$1
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs mariadbd mariadb-install-db mariadb
tell_more() {
    for log in "$dir"/*/log; do tail -n 20 "$log" | sed 's/^/log: /'; done
    result
}

base=$((32000 + $$ % 300 * 2))
port() { echo $((base + $1)); }
# The server's address that is not a loopback one, if there is one: only hosts with
# such an address can be blocked.
outside=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$' || true)

sql() { # NUMBER STATEMENTS
    mariadb --no-defaults -S "$dir/$1/socket" -u root -N -B -e "$2"
}
can_sql() { sql "$1" 'SELECT 1' >/dev/null; }

declare -A server_pid
start_server() { # NUMBER
    local d=$dir/$1
    if [ ! -d "$d" ]; then
        mkdir "$d"
        mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$d/data" \
            --auth-root-authentication-method=normal --skip-test-db --tmpdir="$d" \
            >"$d/log" 2>&1 || fail "no data for server $1"
    fi
    # A server that starts removes the temporary tables of others in a shared tmpdir.
    mariadbd --no-defaults --user="$(id -un)" --datadir="$d/data" --tmpdir="$d" \
        --socket="$d/socket" --port="$(port "$1")" --server-id="$1" \
        --bind-address="127.0.0.1${outside:+,$outside}" --pid-file="$d/pid" \
        --log-bin="$d/data/binlog" --log-slave-updates --gtid-strict-mode \
        --innodb-buffer-pool-size=16M --innodb-log-file-size=8M \
        --max-connect-errors=3 --slave-net-timeout=2 >>"$d/log" 2>&1 &
    server_pid[$1]=$!
    pids+=($!)
    until_true can_sql "$1"
}
stop_server() {
    kill -KILL "${server_pid[$1]}"
    wait "${server_pid[$1]}" 2>/dev/null || true
}

# probe NUMBER SETTING...: the fields of the result, by name.
probe() {
    local number=$1 address=${address:-127.0.0.1}
    shift
    "$probe_once" mysql "$address" "$(port "$number")" "$@" >"$dir/result"
    IFS='|' read -r reason status role writable position lag version gtid \
        message _ _ _ _ _ source answer < <(result) || true
}
result() { tr '\t' '|' <"$dir/result"; }
# is REASON NUMBER SETTING...
is() {
    local expected=$1
    shift
    probe "$@"
    [ "$reason" = "$expected" ]
}
check() { is "$@" || fail "not $1: $(result)"; }
user=(user=checker password=secret)

start_server 1
sql 1 "CREATE USER checker@'%' IDENTIFIED BY 'secret';
    GRANT REPLICA MONITOR ON *.* TO checker@'%';
    CREATE USER poor@'%';
    INSTALL SONAME 'auth_ed25519';
    CREATE USER modern@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');
    CREATE USER replica@'%' IDENTIFIED BY 'secret';
    GRANT REPLICATION SLAVE ON *.* TO replica@'%';
    CREATE DATABASE d; CREATE TABLE d.t (a INT) ENGINE=InnoDB;"
start_server 2
sql 2 "INSTALL SONAME 'auth_ed25519'; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$(port 1),
    MASTER_USER='replica', MASTER_PASSWORD='secret', MASTER_CONNECT_RETRY=1,
    MASTER_USE_GTID=slave_pos;
    SET GLOBAL read_only=1; START SLAVE;"

# --- Logins.
aborted() {
    sql 1 "SHOW GLOBAL STATUS WHERE Variable_name IN
        ('Aborted_clients', 'Aborted_connects')" | tr '\n\t' '  '
}
before=$(aborted)
check passed 1 "${user[@]}"
[[ $version = *MariaDB* && $version != 5.5.5-* ]] || fail "version $version"
check passed 1 user=poor
check passed 1 user=poor expect=primary
check passed 1 "${user[@]}" ask=1 lag_max=1000
[ "$(aborted)" = "$before" ] || fail "counted: $before, $(aborted)"
passed "logins pass and leave no trace: $before"

check 'login refused' 1 user=checker password=wrong
[ "$status" = 1045 ] || fail "$(result)"
check 'login refused' 1 user=nobody
check 'tls' 1 "${user[@]}" tls=1
check 'server error' 1 user=poor expect=replica
[ "$status" = 1227 ] || fail "$(result)"
check passed 1 user=poor ask=1
[ "$status $role $writable" = "1227 unknown 1" ] || fail "$(result)"
passed "what may not be done is told"

# --- Nobody, often.
for _ in {1..5}; do
    address=${outside:-127.0.0.1} check passed 1
    address=${outside:-127.0.0.1} check 'login refused' 1 user=nobody
    address=${outside:-127.0.0.1} check tls 1 "${user[@]}" tls=1
    address=${outside:-127.0.0.1} check 'login method unknown' 1 user=modern
done
address=${outside:-127.0.0.1} check passed 1 "${user[@]}"
passed "refused often, from ${outside:-nowhere}, and not blocked"

# --- Role and position.
check passed 1 "${user[@]}" ask=1 expect=primary
[ "$role $writable" = "primary 1" ] || fail "$(result)"
sql 1 "INSERT INTO d.t VALUES (1)"
probe 1 "${user[@]}" ask=1
[ "$gtid" = "0-1-$position" ] || fail "$(result)"
[ "$source$answer" = - ] || fail "$(result)"
wanted=$position
replica_has_it() { is passed 2 "${user[@]}" ask=1 lag_max=5000 &&
    [ "$role $writable $position $lag" = "replica 0 $wanted 0" ]; }
until_true replica_has_it
[ "$source" = "127.0.0.1:$(port 1)" ] || fail "$(result)"
check 'read-only' 2 "${user[@]}" expect=primary
check 'not a replica' 1 "${user[@]}" expect=replica
check passed 2 "${user[@]}" expect=replica
sql 1 "SET GLOBAL read_only=1"
check 'read-only' 1 "${user[@]}" expect=primary
sql 1 "SET GLOBAL read_only=0"
check passed 1 "${user[@]}" expect=primary
passed "primary and replica at position $wanted"

# --- A question of the host's own.
sql 1 "GRANT SELECT ON d.t TO checker@'%'; INSERT INTO d.t VALUES (18)"
answers() { # NUMBER ANSWER QUESTION
    is passed "$1" "${user[@]}" ask=1 "question=$3" && [ "$answer" = "$2" ]
}
question='SELECT MAX(a) FROM d.t'
answers 1 18 "$question" || fail "$(result)"
until_true answers 2 18 "$question"
[ "$role $source" = "replica 127.0.0.1:$(port 1)" ] || fail "$(result)"
check passed 1 "${user[@]}" "question=SELECT 18446744073709551615, 'more'"
[ "$role $answer" = "unknown 18446744073709551615" ] || fail "$(result)"
check 'read-only' 2 "${user[@]}" expect=primary "question=$question"
[ "$answer" = 18 ] || fail "$(result)"
for none in 'SELECT a FROM d.nowhere' 'SELECT NULL' 'SELECT -1' 'SELECT 1.0' \
    'SELECT a FROM d.t' 'SELECT 1 FROM d.t WHERE a=2' 'SET @a=1' 'SELECT' \
    'SELECT 1; SELECT 2' 'USE d2'; do
    answers 1 - "$none" || fail "$none: $(result)"
    [ "$role" = primary ] || fail "$none: $(result)"
done
check passed 1 user=poor "question=$question" expect=primary
[ "$status $answer" = "1142 -" ] || fail "$(result)"
check passed 1 user=poor 'question=USE d' expect=primary
[ "$status $answer" = "1044 -" ] || fail "$(result)"
[[ $message = "Access denied for user "* ]] || fail "$(result)"
passed "a question of the host's own"

# --- One whose answer decides: the state of a node, and a write.
sql 1 "CREATE TABLE d.canary (id INT PRIMARY KEY, at DATETIME) ENGINE=InnoDB;
    GRANT SELECT, INSERT, DELETE ON d.canary TO checker@'%'"
state="question=SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS
    WHERE VARIABLE_NAME = 'wsrep_local_state'"
check answer 1 "${user[@]}" "$state" answer_min=4 answer_max=4
check passed 1 "${user[@]}" "$state"
sql 1 "CREATE TABLE d.state (state INT); INSERT INTO d.state VALUES (4);
    GRANT SELECT ON d.state TO checker@'%'"
state='question=SELECT state FROM d.state'
check passed 1 "${user[@]}" "$state" answer_min=4 answer_max=4
sql 1 'UPDATE d.state SET state = 2'
check answer 1 "${user[@]}" "$state" answer_min=4 answer_max=4
[ "$answer" = 2 ] || fail "$(result)"
check 'server error' 1 "${user[@]}" 'question=SELECT a FROM d.nowhere' answer_min=1
[ "$status" = 1142 ] || fail "$(result)"
write='question=REPLACE INTO d.canary (id, at) VALUES (1, now()) RETURNING 1'
check passed 1 "${user[@]}" "$write" answer_min=1 expect=primary
[ "$(sql 1 'SELECT count(*) FROM d.canary')" = 1 ] || fail "nothing was written"
sql 1 'SET GLOBAL read_only = 1'
check 'server error' 1 "${user[@]}" "$write" answer_min=1
[ "$status" = 1290 ] || fail "$(result)"
sql 1 'SET GLOBAL read_only = 0'
sql 1 'LOCK TABLES d.canary WRITE; DO SLEEP(1000)' >/dev/null 2>&1 &
locked() { [ -n "$(sql 1 "SELECT id FROM information_schema.processlist
    WHERE info LIKE 'DO SLEEP%'")" ]; }
until_true locked
check 'slow reply' 1 "${user[@]}" "$write" answer_min=1 response_timeout=500
check passed 1 "${user[@]}" expect=primary
sql 1 "$(sql 1 "SELECT CONCAT('KILL ', id) FROM information_schema.processlist
    WHERE info LIKE 'DO SLEEP%'")"
until_true is passed 1 "${user[@]}" "$write" answer_min=1
passed "a question that decides, and one that writes"

# --- Replication that stops or is late.
sql 2 "STOP SLAVE SQL_THREAD"
check 'not replicating' 2 "${user[@]}" lag_max=5000
check passed 2 "${user[@]}" expect=replica
[ "$source" = "127.0.0.1:$(port 1)" ] || fail "$(result)"
sql 2 "START SLAVE; STOP SLAVE IO_THREAD"
check 'not replicating' 2 "${user[@]}" lag_max=5000
[ -z "$source" ] || fail "$(result)"
sql 2 "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=600; START SLAVE"
sql 1 "INSERT INTO d.t VALUES (2)"
until_true is lagging 2 "${user[@]}" lag_max=1000
[ "$lag" -ge 1 ] || fail "$(result)"
check passed 2 "${user[@]}" lag_max=500000
passed "late by $lag s"

# --- A second source that never comes.
sql 2 "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE"
until_true is passed 2 "${user[@]}" lag_max=5000
sql 2 "CHANGE MASTER 'other' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1"
check 'not replicating' 2 "${user[@]}" lag_max=5000
[ "$source" = "127.0.0.1:$(port 1)" ] || fail "$(result)"
sql 2 "RESET SLAVE 'other' ALL"
check passed 2 "${user[@]}" lag_max=5000
passed "every source counts"

# --- Crowded.
sql 1 "SET GLOBAL max_connections=10"
fds=()
for _ in {1..12}; do
    exec {fd}<>"/dev/tcp/127.0.0.1/$(port 1)"
    fds+=("$fd")
done
until_true is 'too many connections' 1 "${user[@]}"
for fd in "${fds[@]}"; do exec {fd}>&-; done
until_true is passed 1 "${user[@]}"
passed "too many connections, and fewer again"

# --- Hanging, gone.
kill -STOP "${server_pid[1]}"
check 'no reply' 1 "${user[@]}" response_timeout=300
kill -CONT "${server_pid[1]}"
check passed 1 "${user[@]}"
stop_server 1
check refused 1 "${user[@]}"
until_true is 'not replicating' 2 "${user[@]}" lag_max=5000
check passed 2 "${user[@]}" expect=replica
[ -z "$source" ] || fail "$(result)"
passed "a server that hangs, and one that is gone"
