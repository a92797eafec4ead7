# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: sessions, each one client process (psql, mariadb) for
# all questions of an order to one server.
#
# To start a client costs many times what a question costs. So a client stays
# connected and reads statements from a pipe. A client ends at the first
# statement that fails; the next question starts another one.
#
#   own      the node's server, as the administrator
#   source   the server that the node is to follow
#   second   the node's server again, for a statement that has to wait
#
# The engine's file provides: client_of SESSION, which sets the arrays client
# and client_env; and end_mark, text that makes the client print the line
# end_of_answer.
declare -A session_to=([own]=3 [source]=5 [second]=20)
declare -A session_from=([own]=4 [source]=6 [second]=21)
declare -A session_pid=() session_reply=() session_rest=()

# nap SECONDS: sleep without a process. Descriptor 7 is a pipe that stays empty.
nap() {
    [ -e /proc/self/fd/7 ] || exec 7<> <(:)
    read -r -t "$1" -u 7 || true
}
# In a subshell: a server must not keep the locks, nor another client a pipe.
let_go() {
    local fd
    for fd in 7 8 9 "${session_to[@]}" "${session_from[@]}"; do
        eval "exec $fd>&-"
    done
}

# The agent holds both ends of the first pipe, so a client that has ended is no
# SIGPIPE for it; and the only end for writing, so the client ends with the
# agent.
open_session() { # SESSION
    local client client_env
    client_of "$1"
    eval "exec ${session_to[$1]}<> <(:)"
    eval "exec ${session_from[$1]}< <(
        exec 0</proc/self/fd/${session_to[$1]} 2>&1
        let_go
        export \"\${client_env[@]}\"
        exec \"\${become[@]}\" \"\${client[@]}\")"
    session_pid[$1]=$! session_reply[$1]='' session_rest[$1]=''
}
close_session() { # SESSION
    [ -n "${session_pid[$1]:-}" ] || return 0
    eval "exec ${session_to[$1]}>&- ${session_from[$1]}<&-"
    unset "session_pid[$1]"
}
# It has not answered.
kill_session() { # SESSION
    [ -z "${session_pid[$1]:-}" ] || kill "${session_pid[$1]}" 2>/dev/null ||
        true
    close_session "$1"
}
close_sessions() {
    local session
    for session in "${!session_pid[@]}"; do close_session "$session"; done
}

send() { # SESSION STATEMENT
    [ -n "${session_pid[$1]:-}" ] || open_session "$1"
    session_reply[$1]=''
    printf '%s;\n%s\n' "$2" "$end_mark" >&"${session_to[$1]}"
}
# receive SESSION SECONDS: 0: answered, 1: failed, 2: no further line in that
# time.
receive() {
    local line status
    while :; do
        status=0
        IFS= read -r -t "$2" -u "${session_from[$1]}" line || status=$?
        session_rest[$1]+=$line
        [ $status -le 128 ] || return 2
        [ $status -eq 0 ] || break
        line=${session_rest[$1]} session_rest[$1]=''
        [ "$line" != end_of_answer ] || return 0
        [ "$line" != before_end ] || continue # The name of MariaDB's column.
        session_reply[$1]+=$line$'\n'
    done
    printf %s "${session_reply[$1]}${session_rest[$1]}" >&2
    close_session "$1"
    return 1
}
# ask SESSION STATEMENT: sets answer, without its last newline. A line of it may
# take ask_timeout seconds.
ask_timeout=20
ask() {
    answer=''
    send "$@"
    receive "$1" "$ask_timeout" || {
        kill_session "$1"
        return 1
    }
    answer=${session_reply[$1]%$'\n'}
}
# Of an answer of two lines, names and values between tabs (MariaDB). Sets: row,
# an associative array of the caller.
split_row() {
    local names values i
    [ -n "$answer" ] || return 0
    # An empty value would vanish between two tabs.
    IFS=$'\x1f' read -r -a names <<<"${answer//$'\t'/$'\x1f'}"
    answer=${answer#*$'\n'}
    IFS=$'\x1f' read -r -a values <<<"${answer//$'\t'/$'\x1f'}"
    for i in "${!names[@]}"; do row[${names[i]}]=${values[i]:-}; done
}
