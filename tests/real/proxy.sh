#!/bin/bash
# SPDX-License-Identifier: MIT
# tcp_proxy in front of real nginx servers, with curl and wrk as clients, while
# servers come and go.  What is promised:
#  - a server that fails its check before it is stopped costs no request, also
#    under load;
#  - a server that vanishes between two requests costs no request, before any
#    check has noticed: the next backend is tried;
#  - a backup serves when nobody else can, and only then;
#  - with nobody left clients are turned away at once, one line says so, and service
#    comes back by itself;
#  - SIGTERM lets a running download finish;
#  - no descriptor is left behind.
# Requests inside a server when it is killed are lost with any TCP proxy, which
# cannot know whether they may be sent twice; that is not tested here.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tests/real/proxy.sh TCP_PROXY" >&2; exit 2; }
tcp_proxy=$1
# shellcheck source=support.sh
. "$(dirname "$0")/support.sh"
need_programs nginx curl wrk
tell_more() { [ ! -e "$dir/log" ] || sed 's/^/log: /' "$dir/log"; }

base=$((20000 + $$ % 3000 * 4)) # Below the ports that clients get.
port() { echo $((base + $1)); }
proxy_port=$(port 0)
is_listening() { (: <>"/dev/tcp/127.0.0.1/$1"); }
is_not_listening() { ! is_listening "$1"; }

declare -A nginx_pid
start_nginx() { # NUMBER 1 .. 3
    local www=$dir/www$1
    if [ ! -d "$www" ]; then
        mkdir "$www"
        echo "$1" >"$www/name"
        head -c 8388608 /dev/zero >"$www/large"
        chmod 755 "$dir" "$www"
        cat >"$dir/nginx$1.conf" <<EOF
daemon off; master_process off; pid $dir/nginx$1.pid; error_log $dir/nginx$1.log;
events { worker_connections 1024; }
http {
    access_log off; root $www; client_body_temp_path $www/a;
    proxy_temp_path $www/b; fastcgi_temp_path $www/c; uwsgi_temp_path $www/d;
    scgi_temp_path $www/e;
    server { listen 127.0.0.1:$(port "$1") backlog=1024; }
}
EOF
    fi
    echo fine >"$www/health"
    nginx -e stderr -p "$dir" -c "$dir/nginx$1.conf" >"$dir/out$1" 2>&1 &
    nginx_pid[$1]=$!
    pids+=($!)
    until_true is_listening "$(port "$1")"
}
stop_nginx() { # gracefully
    kill -QUIT "${nginx_pid[$1]}"
    wait "${nginx_pid[$1]}" || fail "nginx $1: $(cat "$dir/out$1")"
}

start_proxy() { # OPTION|BACKEND...
    "$tcp_proxy" --listen "127.0.0.1:$proxy_port" "$@" 2>"$dir/log" &
    proxy=$!
    pids+=($!)
    until_true grep -q 'listening on' "$dir/log"
}
stop_proxy() {
    kill -TERM $proxy
    wait $proxy || fail "the proxy ended with status $?"
}
wait_log() { until_true grep -q "$1" "$dir/log"; }
lines() { grep -c "$1" "$dir/log" || true; }
get() { curl -sS --max-time 10 "http://127.0.0.1:$proxy_port/$1"; }
descriptors() { find "/proc/$proxy/fd" -mindepth 1 | wc -l; }

backend() { echo "127.0.0.1:$(port "$1")"; }
often=(--inter 50ms --rise 1 --fall 1)

for i in 1 2 3; do start_nginx $i; done

# --- In turn, and a rolling restart under load.
start_proxy "${often[@]}" --check http:/health "$(backend 1)" "$(backend 2)" \
    "$(backend 3)"
got=$(for _ in 1 2 3 4 5 6; do get name; done | sort | tr -d '\n')
[ "$got" = 112233 ] || fail "six requests went to $got"
passed "requests go to each backend in turn"

before=$(descriptors)
wrk -t1 -c 16 -d 100 -H 'Connection: close' "http://127.0.0.1:$proxy_port/name" \
    >"$dir/wrk" &
wrk=$!
for i in 1 2 3; do
    rm "$dir/www$i/health"
    wait_log "backend $(backend $i) is down: fall (status)"
    sleep 0.3 # Clients that were sent there before are served.
    for _ in 1 2 3 4 5 6; do
        [ "$(get name)" != $i ] || fail "a server that fails its check still serves"
    done
    stop_nginx $i
    start_nginx $i
    wait_log "backend $(backend $i) is up"
done
kill -INT $wrk || fail "the load ended before the restarts did"
wait $wrk
! grep -E 'Socket errors|Non-2xx' "$dir/wrk" || fail "requests were lost"
passed "rolling restart under load:$(sed -n 's/ *\(.* requests\) in.*/ \1, none lost/p' "$dir/wrk")"
none_left() { [ "$(descriptors)" -le "$before" ]; }
until_true none_left
passed "no descriptor is left"
stop_proxy

# --- Gone between two requests, and no check to tell.
start_proxy --inter 600s "$(backend 1)" "$(backend 2)" "$(backend 3)"
for i in 1 2; do
    stop_nginx $i
    for _ in 1 2 3 4 5 6; do get name >/dev/null || fail "request lost"; done
done
[ "$(get name)" = 3 ] || fail "not served by the last one"
passed "a backend that is gone is passed over at once"
start_nginx 1
start_nginx 2
stop_proxy

# --- Backup.
start_proxy "${often[@]}" "$(backend 1)" "$(backend 2),backup"
[ "$(get name)" = 1 ] || fail "the backup serves without need"
stop_nginx 1
for _ in 1 2 3 4 5 6; do
    [ "$(get name)" = 2 ] || fail "the backup does not serve"
done
wait_log "backend $(backend 1) is down: fall (refused)"
start_nginx 1
wait_log "backend $(backend 1) is up: rise (passed)"
served_by_first() { [ "$(get name)" = 1 ]; }
until_true served_by_first
for _ in 1 2 3 4 5 6; do
    [ "$(get name)" = 1 ] || fail "the backup does not give back"
done
passed "the backup takes over and gives back"

# --- Nobody.
stop_nginx 1
stop_nginx 2
wait_log 'no backend is up'
for _ in {1..20}; do ! get name 2>/dev/null || fail "who answered?"; done
[ "$(lines 'clients are refused')" = 1 ] || fail "not one line"
start_nginx 1
wait_log 'clients are served again'
until_true get name >/dev/null
passed "without backends: refused, one line, and back again"

# --- Drain.  The client reads nothing before the listener is closed, and the reply
# is larger than what sockets hold, so that the proxy has work left.
exec 3<>"/dev/tcp/127.0.0.1/$proxy_port"
printf 'GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >&3
read -r status <&3
[[ $status = *" 200 "* ]] || fail "status $status"
kill -TERM $proxy
until_true is_not_listening "$proxy_port"
kill -0 $proxy || fail "the proxy left a client behind"
cat <&3 >"$dir/download"
exec 3<&-
tail -c 8388608 "$dir/download" | cmp - "$dir/www1/large" ||
    fail "the download is not whole"
wait $proxy || fail "the proxy ended with status $?"
passed "a running download outlives SIGTERM"
