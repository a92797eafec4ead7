#!/bin/bash
# SPDX-License-Identifier: MIT
# A MariaDB server with read_only=1 runs every statement of MySQL that is labelled
# replica-ok or session, asked by a user to whom read_only applies: it may not know a
# table, a function or the syntax, but it never refuses one because it is read-only.
# Of those labelled primary it refuses most. What it lets pass is of one of the kinds
# below, which the primary gets for another reason: a label that is only cautious would
# show here.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/sql_mysql.sh CASES_TSV" >&2; exit 2; }
cases=$(realpath "$1")
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs mariadbd mariadb-install-db mariadb
cd "$dir"
mkdir tmp

sql() { mariadb --no-defaults -S "$dir/socket" "$@"; }
can_sql() { sql -u root -e 'SELECT 1' >/dev/null; }
# say STATEMENT: what the server answers. The client takes it as it is, comments and
# semicolons included.
say() {
    printf '%s' "$1" | sql -u asker -N -B --comments --binary-mode --delimiter='~~' d 2>&1
}

# The name of a kind, and what its statements are like, in lower case. The first that
# fits counts.
kinds=(
    'executable comment' '/\*m?!'
    'several statements' ';'
    'transaction control' '^(begin|start transaction|commit|rollback|savepoint|release|xa )'
    'lock of the session' '(get|release|release_all|is_free|is_used)_locks?\('
    'asks about the last statement'
    'row_count|found_rows|show (count|warnings|errors)|diagnostics|(warning|error)_count'
    'variable of the connection' '@[a-z`]|last_insert_id|@@identity|connection_id'
    'share lock' 'lock.*in.*share.*mode'
    'row lock without a table' '^[^;]*for (update|share)'
    'into a variable or file' '\binto (@|outfile|dumpfile)'
    'lock of tables' '^((un)?lock|flush tables|handler)\b'
    'temporary table' '^create temporary table'
    'value of a sequence' 'previous value for|lastval\('
    'answer of a node' '^show (master|binary|full|processlist|global status|engine)'
    'answer of a node' '(master_pos_wait|load_file|binlog_gtid_pos)\('
    'administration' '^(check|optimize|reset|flush|purge|kill|start|stop|change) '
    'command of a client' '^delimiter'
)
declare -A accepted
# sort_out STATEMENT: one that is labelled primary and was accepted.
sort_out() {
    local i
    shopt -s nocasematch
    for ((i = 0; i < ${#kinds[@]}; i += 2)); do
        if [[ $1 =~ ${kinds[i + 1]} ]]; then
            accepted[${kinds[i]}]=$((${accepted[${kinds[i]}]:-0} + 1))
            shopt -u nocasematch
            return
        fi
    done
    shopt -u nocasematch
    fail "labelled primary, of no known kind, and accepted: $1"
}

# Its own directory for temporary files: others may install a server at this moment.
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db --tmpdir="$dir/tmp" \
    >install.log 2>&1 || fail "no data"
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --skip-networking --tmpdir="$dir/tmp" --secure-file-priv="$dir/tmp" --log-bin=binlog \
    --innodb-buffer-pool-size=16M --innodb-log-file-size=8M >server.log 2>&1 &
pids+=($!)
until_true can_sql
sql -u root -e "CREATE DATABASE d; CREATE DATABASE db; USE d;
    CREATE TABLE t (a INT, b INT, c INT, id INT, n INT, x INT, note TEXT, d DATETIME,
        \`for\` INT, \`update\` INT, \`a\`\`b\` INT, next INT, nextval INT, KEY i (a), KEY j (b),
        FULLTEXT (note));
    CREATE TABLE u (a INT, b INT); CREATE SEQUENCE s; CREATE TABLE \`1for\` (a INT);
    CREATE USER asker; GRANT ALL ON *.* TO asker;
    REVOKE SUPER, READ_ONLY ADMIN, SHUTDOWN, REPLICATION SLAVE ADMIN ON *.* FROM asker;
    SET GLOBAL read_only=1" || fail "no tables"
answer=$(say 'DELETE FROM t') || true
[[ $answer == *'ERROR 1290'*read-only* ]] || fail "a write passes: $answer"

asked=0 ran=0 refused=0 accepted_count=0
while IFS=$'\t' read -r dialect text expected _; do
    [ "$dialect" = mysql ] || continue
    # Behind a dot, so that a newline at the end stays.
    statement=$(printf '%b.' "$text")
    statement=${statement%.}
    answer=$(say "$statement") || true
    case $answer in
    *'ERROR 1290'*read-only* | *'ERROR 1792'* | *'ERROR 1836'*)
        [ "$expected" = primary ] || fail "$expected, but refused: $statement: $answer"
        refused=$((refused + 1))
        ;;
    *'ERROR '[0-9]*) ;;
    *)
        if [ "$expected" = primary ]; then
            sort_out "$statement"
            accepted_count=$((accepted_count + 1))
        else
            ran=$((ran + 1))
        fi
        ;;
    esac
    [ "$expected" = primary ] || asked=$((asked + 1))
done <"$cases"
for kind in "${!accepted[@]}"; do
    echo "accepted, and for the primary all the same: $kind, ${accepted[$kind]} statements"
done | sort
[ "$asked" -gt 90 ] && [ "$ran" -gt 80 ] || fail "only $ran of $asked statements ran"
[ "$refused" -gt 30 ] || fail "only $refused statements were refused"
passed "$asked statements for a replica, $ran ran and none was refused; of those for the
    primary $refused were refused as writes, and $accepted_count accepted"
