# SPDX-License-Identifier: MIT
# Sourced by the tests of lb_pair (bash): a client that hammers one address while
# nodes come and go, and what its diary must say. The server behind each node answers
# with the node's name. Needs: lb_pair, tcp_proxy, hammer (the programs).

# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"

tell_more() {
    echo "--- diary"
    awk '$3 != last { print; last = $3 }' "$dir/diary" 2>/dev/null | tail -n 30
}
end_of() { # PID: it was killed.
    { wait "$1" || true; } 2>/dev/null
}

now() { "$hammer" now; }

# say_name NAMESPACE NAME PORT: a server that answers with its name. NAMESPACE -: here.
say_name() {
    cat >"$dir/$2.conf" <<END
daemon off; master_process off; pid $dir/$2.nginx; error_log $dir/$2.error;
events { worker_connections 1024; }
http {
    access_log off; client_body_temp_path $dir/$2.a; proxy_temp_path $dir/$2.b;
    fastcgi_temp_path $dir/$2.c; uwsgi_temp_path $dir/$2.d; scgi_temp_path $dir/$2.e;
    server { listen 127.0.0.1:$3; location / { return 200 "$2\n"; } }
}
END
    local -a inside=()
    [ "$1" = - ] || inside=(ip netns exec "$1")
    "${inside[@]}" nginx -e stderr -p "$dir" -c "$dir/$2.conf" >"$dir/$2.nginx.log" 2>&1 &
    pids+=($!)
}

# hammer_start COMMAND...: with it before the program, and ADDRESS PORT at the end.
hammer_start() {
    : >"$dir/diary"
    "$@" >>"$dir/diary" &
    hammer_pid=$!
    pids+=($hammer_pid)
    until_true is_served
}
hammer_stop() {
    kill $hammer_pid
    wait $hammer_pid 2>/dev/null || true
}

is_served() { [ -n "$(awk '$3 != "failed"' "$dir/diary" | tail -n 1)" ]; }
serving() { awk '$3 != "failed" { who = $3 } END { print who }' "$dir/diary"; }

# Since when is somebody else than $1 serving who began after time $2? Nothing: not.
served_at() {
    awk -v old="$1" -v t="$2" \
        '$1 >= t && $3 != "failed" && $3 != old { print $2; exit }' "$dir/diary"
}
is_served_by_other() { [ -n "$(served_at "$@")" ]; }

# recovered WHAT OLD TIME SECONDS: another serves at last; what it cost. Not longer
# than SECONDS. Sets: outage.
recovered() {
    until_true is_served_by_other "$2" "$3"
    local at
    at=$(served_at "$2" "$3")
    outage=$(awk -v a="$at" -v t="$3" 'BEGIN { printf "%.3f", a - t }')
    echo "$1 -> served again: $outage s; failed requests:" \
        "$(awk -v t="$3" -v a="$at" '$2 >= t && $2 <= a && $3 == "failed"' "$dir/diary" | wc -l)"
    moves=$((moves + 1))
    awk -v x="$outage" -v m="$4" 'BEGIN { exit !(x <= m) }' || fail "$1: more than $4 s"
}

# handed_over OLD NEW: from when it was told to when the other serves, by their logs.
handed_over() {
    awk '/ ends$/ && FILENAME ~ /'"$1"'/ { told = $1 }
        / serves, / && FILENAME ~ /'"$2"'/ { serves = $1 }
        END { printf "    of these, until the other had the lease: %.3f s\n", serves - told }' \
        "$dir/$1.log" "$dir/$2.log"
}

# The client met one node at a time: each name once for each move.
check_diary() {
    local changes
    changes=$(awk '$3 != "failed" { if (last != "" && $3 != last) n++; last = $3 }
        END { print n + 0 }' "$dir/diary")
    [ "$changes" = "$moves" ] || {
        awk '$3 != "failed" && $3 != last { print; last = $3 }' "$dir/diary" >&2
        fail "$changes changes of who serves, and not $moves: two served"
    }
    echo "ok: $(awk '$3 != "failed"' "$dir/diary" | wc -l) requests were served," \
        "$moves times by another node, never by two"
}
moves=0

# The last line about a role in a node's log.
log_says() { [[ "$(grep "^[0-9.]* $2: [a-z-]*: [a-z]*" "$dir/$1.log" | tail -n 1)" = *" $2: $3"* ]]; }
stands_by() { log_says "$1" "${2:-web}" standby; }
child_of() { pgrep -P "$1" tcp_proxy; }
