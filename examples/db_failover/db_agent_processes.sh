# SPDX-License-Identifier: MIT
# Sourced by db_agent.sh: what runs of the server of this node, and how it is
# killed.
#
# That nothing was found proves nothing: the server may run under another path
# of the same directory, in the data directory as it was before somebody moved
# it, or as a user whose processes the agent cannot see. So there are five
# places to look, and what can be seen in one and not be told from the server by
# the others is "hidden": then nobody knows.
#   - the working directory of every process: the data, by device and inode
#   - the server's own pid file
#   - who listens at its TCP address and at its socket
#   - whether a connection to its address is taken
#   - where cgroup v2 can be written, the cgroup in which START has started it
# The engine's file tells: server_names, a pattern of its program's name; and
# server_paths, which sets pid_path and socket_path.

# PROCESS. Sets: name.
name_of() {
    name=
    { read -r name <"/proc/$1/comm"; } 2>/dev/null
}
is_server() {
    local name
    name_of "$1"
    [[ $name =~ ^($server_names) ]]
}
is_alive() { # A corpse is not.
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    line=${line##*) }
    [[ $line != [ZX]* ]]
}
# The agent may have been called from inside the data directory.
find_ancestors() { # Sets: ancestors.
    local pid=$$ line
    ancestors=' '
    while [ "${pid:-0}" -gt 1 ]; do
        ancestors+="$pid "
        { read -r line <"/proc/$pid/stat"; } 2>/dev/null || return 0
        line=${line##*) } line=${line#* } pid=${line%% *}
    done
}
has_seen() { [[ " ${seen[*]} " = *" $1 "* ]]; }

# Could a process of this user have its files open?
may_work_there() { # PROCESS
    local user
    user=$(stat -c %U "/proc/$1" 2>/dev/null) || return 1
    [ "$user" = root ] || [ "$user" = "$owner" ]
}
look_at_directories() { # DIRECTORY
    local wanted='' id path pid shown=' ' name
    while read -r id path; do
        if [ "$path" = "$1" ]; then
            wanted=$id
            continue
        fi
        pid=${path//[!0-9]/} shown+="$pid "
        [ "$id" != "$wanted" ] || [[ $ancestors = *" $pid "* ]] ||
            ! is_alive "$pid" ||
            seen+=("$pid")
    done < <(stat -L -c '%d:%i %n' "$1" /proc/[0-9]*/cwd 2>/dev/null)
    for path in /proc/[0-9]*; do
        pid=${path#/proc/}
        [[ $shown != *" $pid "* ]] && is_server "$pid" && is_alive "$pid" ||
            continue
        # Root in a container may not look, but the owner may.
        if id=$(run stat -L -c '%d:%i' "$path/cwd" 2>/dev/null); then
            [ "$id" != "$wanted" ] || seen+=("$pid")
        elif is_alive "$pid" && may_work_there "$pid"; then
            name_of "$pid"
            hidden="process $pid ($name) does not show where it works"
        fi
    done
}

# Its number may be another's by now: that began after the file was written.
look_at_pid_file() {
    local pid line start began written
    [ -s "$pid_path" ] && read -r pid 2>/dev/null <"$pid_path" || return
    [[ $pid =~ ^[1-9][0-9]*$ ]] && ! has_seen "$pid" || return
    is_server "$pid" && is_alive "$pid" && started "$pid" || return
    read -r line _ </proc/uptime
    began=$((EPOCHSECONDS - ${line%.*} + start / $(getconf CLK_TCK)))
    written=$(stat -c %Y "$pid_path" 2>/dev/null) || return
    [ $began -gt $((written + 2)) ] ||
        hidden="process $pid, which $pid_path names, does not work in $data"
}

# An IP address as /proc/net writes it: words of 32 bits, in the order of this
# machine; both orders that there are will do. Sets: words.
address_words() { # ADDRESS
    local address=${1%%\%*} hex='' part i all=() tail=() swapped=''
    words=''
    if [[ $address = *.*.*.* ]]; then
        IFS=. read -ra all <<<"${address##*:}"
        for part in "${all[@]}"; do
            printf -v hex '%s%02X' "$hex" $((10#$part))
        done
    elif [[ $address = *:* ]]; then
        [[ $address = *::* ]] || address+=:: # It is complete.
        IFS=: read -ra all <<<"${address%%::*}"
        IFS=: read -ra tail <<<"${address#*::}"
        for ((i = ${#all[@]} + ${#tail[@]}; i < 8; i++)); do all+=(0); done
        for part in "${all[@]}" "${tail[@]}"; do
            printf -v hex '%s%04X' "$hex" $((16#$part))
        done
    fi
    for ((i = 0; i < ${#hex}; i += 8)); do
        swapped+=${hex:i+6:2}${hex:i+4:2}${hex:i+2:2}${hex:i:2}
    done
    words="$hex $swapped"
}
# A path that a server was told is relative to its data.
resolve_socket() { # PATH. Sets: resolved.
    local path=$1
    [[ $path = /* ]] || path=$data/$path
    resolve "${path%/*}/"
    resolved=${resolved%/}/${path##*/}
}
# What stays the same from one look to the next.
prepare_look() {
    find_ancestors
    server_paths
    if [ -n "$socket_path" ]; then
        resolve_socket "$socket_path"
        socket_path=$resolved
    fi
    host=${address%:*} host=${host#[} host=${host%]}
    words='' hex_port=''
    [ -z "$address" ] || address_words "$host"
    [ -z "$port" ] || printf -v hex_port %04X "$port"
}
# The sockets that listen where clients find it. Sets: listening.
find_listening() {
    local inode path resolved files=() file
    listening=()
    for file in /proc/net/{tcp,tcp6,unix}; do
        [ ! -e $file ] || files+=($file)
    done
    while read -r inode path; do
        if [ -n "$path" ]; then
            resolve_socket "$path"
            [ "$resolved" = "$socket_path" ] || continue
        fi
        listening+=("$inode")
    done < <(awk -v port="$hex_port" -v words="$words" \
        -v socket="${socket_path##*/}" '
        BEGIN { count = split(words, word) }
        FILENAME ~ /unix$/ {
            if ($4 == "00010000" && socket != "" && $8 != "" &&
                substr($8, match($8, /[^\/]*$/)) == socket) {
                print $7, $8
            }
            next
        }
        $4 == "0A" { split($2, local, ":") }
        $4 == "0A" && port != "" && local[2] == port {
            here = !count || local[1] ~ /^0+$/
            for (i = 1; i <= count; i++) { # IPv4 may be a part of IPv6.
                here = here || (local[1] ~ word[i] "$" &&
                    (length(local[1]) == length(word[i]) ||
                    local[1] ~ /^0000000000000000/))
            }
            if (here) { print $10 }
        }' "${files[@]}")
}
# Who has it open? Of all processes nobody is asked while those that were seen
# have: they are killed, and then there is another look. Sets: holders.
find_holders() { # SOCKET
    local match=(-maxdepth 1 -lname "socket:\[$1\]" -printf '%h\n') found=''
    [ ${#seen[@]} -eq 0 ] ||
        found=$(cd /proc && find "${seen[@]/%//fd}" "${match[@]}" 2>/dev/null)
    [ -n "$found" ] || found=$(find /proc/[0-9]*/fd "${match[@]}" 2>/dev/null)
    [ -n "$found" ] || [ ${#become[@]} -eq 0 ] ||
        found=$(run find /proc/[0-9]*/fd "${match[@]}" 2>/dev/null)
    found=${found//\/proc\//}
    holders=${found//\/fd/}
}
# Servers that listen there are its own, in whichever directory and as whichever
# user they work; but not those of another node.
look_at_listener() { # SOCKET
    local pid other name found=0 holders
    find_holders "$1"
    for pid in $holders; do
        found=1
        ! has_seen "$pid" || continue
        for other in "$root"/*/data; do
            [ ! "$other" -ef "/proc/$pid/cwd" ] || continue 2
        done
        if is_server "$pid"; then
            seen+=("$pid")
        else
            name_of "$pid"
            hidden="process $pid ($name) listens where the server would"
        fi
    done
    [ $found = 1 ] ||
        hidden="something that cannot be seen listens where the server would"
}
takes_connections() {
    [ -n "$address" ] &&
        timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null
}

# The cgroup in which it was started, if that is there and the agent is not in
# it.
own_cgroup() { # Sets: group_path.
    local pid
    { read -r group_path <"$home/cgroup"; } 2>/dev/null &&
        [[ $group_path = /*/infra_db_agent/* ]] &&
        [ -e "$group_path/cgroup.events" ] || return 1
    while read -r pid; do [ "$pid" != $$ ] ||
        return 1; done <"$group_path/cgroup.procs"
}
look_at_cgroup() {
    local pid group_path key value
    own_cgroup || return
    while read -r key value; do
        [ "$key $value" != 'populated 1' ] ||
            hidden="its cgroup $group_path is not empty"
    done <"$group_path/cgroup.events"
    while read -r pid; do has_seen "$pid" ||
        seen+=("$pid"); done <"$group_path/cgroup.procs"
}
# The calling process goes into a cgroup of the server's own, if there can be
# one.
enter_cgroup() {
    local top path
    top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
    [ -n "$top" ] || return
    [ -w "$top/cgroup.procs" ] || top+=$(sed -n 's/^0:://p' /proc/self/cgroup)
    path=$top/infra_db_agent/$node-$(cksum <<<"$home" | cut -d' ' -f1)
    mkdir -p "$path" 2>/dev/null && echo "$path" >"$home/cgroup" || return
    { echo $BASHPID >"$path/cgroup.procs"; } 2>/dev/null || rm -f "$home/cgroup"
}

# Sets: seen, the processes of the server; hidden, why there may be more, or "".
look_for_server() {
    local inode listening
    seen=() hidden=
    [ -n "${ancestors:-}" ] || prepare_look
    look_at_directories "$data"
    look_at_cgroup
    find_listening
    for inode in "${listening[@]}"; do look_at_listener "$inode"; done
    look_at_pid_file
    [ ${#seen[@]} -gt 0 ] || [ -n "$hidden" ] || ! takes_connections ||
        hidden="something takes connections at $address"
    [ -n "$address" ] || [ ! -d "$data" ] ||
        hidden="its file \"address\" has no ADDR:PORT"
}

# Killed is not yet gone. A look costs more than to wait for those it has shown.
wait_for_end() { # PROCESS...
    local pid i=0
    for pid in "$@"; do
        while [ $i -lt 100 ] && is_alive "$pid"; do
            i=$((i + 1))
            nap 0.02
        done
    done
}
# What a power switch does, until nothing is left to see. A server that is asked
# nicely may hang, or let clients finish; and one whose parent was killed may
# have children that still write.
kill_server() {
    local group_path i blind=0
    close_session own
    close_session second
    for i in {1..10}; do
        look_for_server
        if [ ${#seen[@]} -gt 0 ]; then
            blind=0
            ! own_cgroup || [ ! -e "$group_path/cgroup.kill" ] ||
                echo 1 >"$group_path/cgroup.kill"
            kill -9 "${seen[@]}" 2>/dev/null
            wait_for_end "${seen[@]}"
        elif [ -z "$hidden" ]; then
            ! own_cgroup || { rm -f "$home/cgroup" &&
                rmdir "$group_path"; } 2>/dev/null
            return 0
        else # What was killed may leave a socket for a moment.
            blind=$((blind + 1))
            [ $blind -lt 4 ] || break
            nap 0.1
        fi
    done
    say "$order: cannot see that nothing takes writes:" \
        "${hidden:-process ${seen[*]} does not end}"
    return 2
}

# Where data is filled that is not yet the node's: nothing may work there.
kill_in() { # DIRECTORY
    local seen=() hidden='' i
    [ -n "${ancestors:-}" ] || prepare_look
    for i in {1..5}; do
        seen=()
        look_at_directories "$1"
        [ ${#seen[@]} -gt 0 ] || return 0
        kill -9 "${seen[@]}" 2>/dev/null
        wait_for_end "${seen[@]}"
    done
    return 1
}
# An empty directory beside the data, of the same owner.
make_new() {
    ! mountpoint -q "$data" || {
        say "$data is a mount point, and cannot be replaced:" \
            "let \"data\" be a link into it"
        return 1
    }
    kill_in "$data.new" && rm -rf "$data.new" && mkdir -m 700 "$data.new" &&
        { [ "$(id -u)" != 0 ] || chown "$owner:" "$data.new"; }
}
# Put new data in its place; it is to be told when that is complete.
swap_data() {
    begin_replacing && kill_server && rm -rf "$data.old" &&
        { [ ! -e "$data" ] || mv "$data" "$data.old"; } &&
        mv "$data.new" "$data" &&
        sync "$(dirname "$data")"
}
