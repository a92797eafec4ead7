#!/bin/bash
# SPDX-License-Identifier: MIT
# db_agent_mysql.sh AGENT: three MariaDB servers and their agent. See db_agent.sh.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: $0 AGENT" >&2; exit 2; }
agent=$(realpath "$1")
PATH=$PATH:/usr/sbin
for program in mariadbd mariadb-install-db mariadb mariadb-dump mariadb-backup flock; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
here=$(dirname "$(realpath "$0")")
# shellcheck source=db_homes.sh
. "$here/db_homes.sh"
base=$((16000 + $$ % 240 * 4)) # Below the ports that clients get.
# shellcheck source=db_homes_mysql.sh
. "$here/db_homes_mysql.sh"
# shellcheck source=db_agent.sh
. "$here/db_agent.sh"

# What copies is called by way of these.
mkdir bin
PATH=$dir/bin:$PATH
for program in mariadb-backup mariadb-dump; do
    cat >bin/$program <<END
#!/bin/bash
cd "$dir" || exit 1
tr '\0' ' ' </proc/\$\$/cmdline >>commands
if [ -e block ]; then touch blocked; until [ -e released ]; do sleep 0.05; done; fi
[ ! -e cut ] || [ $program != mariadb-dump ] || { $(command -v $program) "\$@" | head -c 400000; exit 0; }
exec $(command -v $program) "\$@"
END
    chmod +x bin/$program
done
block_clones() { rm -f released blocked; touch block; }
release_clones() { touch released; rm -f block; }
is_blocked() { [ -e blocked ]; }
# By a dump: the agent does not know the home of its source then.
copy_is_cut() { mv homes/db3/address homes/db3/address.away; touch cut; }
copy_is_whole() { rm cut; }
after_copies() { mv homes/db3/address.away homes/db3/address; }

write() {
    sql "$1" "SET SESSION wait_timeout = 100;
        SET GLOBAL rpl_semi_sync_master_enabled = 0;
        CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (id BIGINT PRIMARY KEY) ENGINE=InnoDB;
        INSERT INTO d.t VALUES ($2)"
}
statement="INSERT INTO d.t VALUES"
some_id=1000
insert_somewhere() { # NODE
    some_id=$((some_id + 1))
    insert "$(port_of "$1")" $some_id || fail "$1 takes no writes: the test is wrong"
}
make_writable() { sql "$1" 'STOP SLAVE; SET GLOBAL read_only = 0'; }
restart() {
    shut_down "$1"
    until_true 180 is_stopped "$1"
    start_node "$1"
}
revive() {
    setsid mariadbd --defaults-file="$DB_AGENT_DIR/$1/my.cnf" --user="$(id -un)" \
        --skip-read-only </dev/null >>"$DB_AGENT_DIR/$1/log" 2>&1 &
    until_true 180 can_run "$1"
}
has_received() { # NODE SOURCE
    look_at_replication "$1" && sql "$2" 'SELECT @@gtid_binlog_pos' &&
        [ "${row[Gtid_IO_Pos]}" = "$answer" ]
}
has_failed() { look_at_replication "$1" && [ "${row[Slave_SQL_Running]}" = No ]; }
stands_still() {
    sql db1 'STOP SLAVE SQL_THREAD'
    write db3 601
    until_true 180 has_received db1 db3
    has_not db1 601
    expect 0 10 detach db1
    says 'SQL thread has stopped'
    has db1 601 || fail "detached, and 601 is not there"
    follow 10 db1 db3
    passed "an SQL thread that has stopped goes on before it is detached"
    sql db1 'STOP SLAVE SQL_THREAD'
    write db3 603
    until_true 180 has_received db1 db3
    sql db1 'STOP SLAVE IO_THREAD' # MariaDB will throw away what it has received.
    expect 1 10 detach db1
    says 'not applied all'
    follow 10 db1 db3
    has db1 603
    passed "one that would lose what it has received is not detached"
    sql db1 'SET sql_log_bin = 0; INSERT INTO d.t VALUES (602); SET sql_log_bin = 1'
    write db3 602
    until_true 180 has_failed db1
    expect 1 10 detach db1
    says 'cannot apply'
    follow 10 db1 db3
    passed "one that cannot is told, and gets its source's data"
}

main
! grep -qF "$replica_password" commands || fail "a command line has the password"
passed "the password is in no command line"
