#!/bin/bash
# SPDX-License-Identifier: MIT
# tcp_proxy beside HAProxy and nginx: CPU time per request and requests per second,
# same backends, same client, one core for the proxy.  See --help.
set -eu -o pipefail

usage() {
    cat <<'EOF'
usage: bench/against.sh [OPTION]... TCP_PROXY

Measure the program TCP_PROXY (examples/tcp_proxy/tcp_proxy of a build directory, best of
a release build) beside HAProxy and nginx as TCP proxies.

  --rounds N        rounds; each measures every load with every proxy (5)
  --seconds N       of load in each measurement (2)
  --connections N   of the client (32)
  --format table|tsv
  --help            this text

The loads: "keep-alive", small replies over connections that stay; "connection",
a connection for each small reply; "1 MiB", large replies.  The proxy under test
has one thread and CPU 0 for itself; client and backends have the other CPUs.

The figures are medians of the rounds.  "us/request" is the CPU time of the
proxy's process, "ratio" is ours to the better of the other two.

Needs nginx with its stream module, haproxy, wrk and two CPUs; everything runs on
127.0.0.1 and is gone at the end.
EOF
}

# shellcheck source=measure.sh
. "$(dirname "$0")/measure.sh"

rounds=5 seconds=2 connections=32 format=table
read_options "rounds seconds connections format" "" TCP_PROXY "$@"
ours=$operand
for n in "$rounds" "$seconds" "$connections"; do
    [[ $n =~ ^[1-9][0-9]{0,4}$ ]] || fail "\"$n\": must be 1 to 99999"
done
[ -x "$ours" ] || fail "\"$ours\": no such program"

PATH=$PATH:/usr/sbin
module=
for dir in /usr/lib/nginx/modules /usr/lib64/nginx/modules; do
    [ ! -e $dir/ngx_stream_module.so ] || module=$dir/ngx_stream_module.so
done
missing=
for pair in nginx:nginx-light haproxy:haproxy wrk:wrk taskset:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=" ${pair#*:}"
done
[ -n "$module" ] || missing+=" libnginx-mod-stream"
[ -z "$missing" ] || fail "please install:$missing (Debian's package names)"
cpus=$(getconf _NPROCESSORS_ONLN)
[ "$cpus" -ge 2 ] || fail "two CPUs are needed, one for the proxy alone"
others=1-$((cpus - 1))

dir=$(mktemp -d)
pids=()
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

base=$((20000 + $$ % 10000)) # Below the ports that clients get.
backends=($((base)) $((base + 1)) $((base + 2)))
declare -A port=([tcp_proxy]=$((base + 3)) [haproxy]=$((base + 4))
    [nginx]=$((base + 5))) pid=()
ulimit -n "$(ulimit -Hn)"

# The backends: three ports of one nginx that serves files from memory.  With
# tcp_nopush a small reply is one packet, as it is from most application servers.
mkdir "$dir/www"
chmod 755 "$dir" "$dir/www" # Its worker may run as another user.
echo "hello, world" >"$dir/www/small"
head -c 1048576 /dev/zero >"$dir/www/large"
cat >"$dir/backends.conf" <<EOF
daemon off; master_process off; pid $dir/backends.pid; error_log $dir/backends.log;
events { worker_connections 8192; }
http {
    access_log off; sendfile on; tcp_nopush on; open_file_cache max=10;
    keepalive_requests 100000000; root $dir/www;
    client_body_temp_path $dir/body; proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi; uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:${backends[0]} backlog=4096;
        listen 127.0.0.1:${backends[1]} backlog=4096;
        listen 127.0.0.1:${backends[2]} backlog=4096;
    }
}
EOF

# All three alike: one thread, round robin, no log of connections, 1 s to connect
# and 60 s idle, defaults else.  HAProxy and tcp_proxy check their backends every
# 2 s; nginx has no active checks.  Half-closed connections are passed on by HAProxy
# and tcp_proxy; nginx would on demand, and is measured with its default, the
# cheaper way: it closes both sides as soon as one has ended.
cat >"$dir/nginx.conf" <<EOF
load_module $module;
daemon off; master_process off; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 8192; }
stream {
    upstream backends {
        server 127.0.0.1:${backends[0]};
        server 127.0.0.1:${backends[1]};
        server 127.0.0.1:${backends[2]};
    }
    server {
        listen 127.0.0.1:${port[nginx]} backlog=4096;
        proxy_pass backends; proxy_connect_timeout 1s; proxy_timeout 60s;
    }
}
EOF
cat >"$dir/haproxy.cfg" <<EOF
global
    nbthread 1
    maxconn 4096
defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s
listen proxy
    bind 127.0.0.1:${port[haproxy]} backlog 4096
    balance roundrobin
    default-server check inter 2s
    server a 127.0.0.1:${backends[0]}
    server b 127.0.0.1:${backends[1]}
    server c 127.0.0.1:${backends[2]}
EOF

is_listening() {
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start CPUS PORT COMMAND...: the pid is the last of pids.
start() {
    local on=$1 at=$2
    shift 2
    taskset -c "$on" "$@" >"$dir/out" 2>&1 &
    pids+=($!)
    for _ in {1..100}; do
        ! is_listening "$at" || return 0
        sleep 0.1
    done
    fail "$1 does not listen on port $at: $(cat "$dir/out")"
}

start "$others" "${backends[2]}" nginx -e stderr -p "$dir" -c "$dir/backends.conf"
start 0 "${port[haproxy]}" haproxy -db -f "$dir/haproxy.cfg"
pid[haproxy]=${pids[-1]}
start 0 "${port[nginx]}" nginx -e stderr -p "$dir" -c "$dir/nginx.conf"
pid[nginx]=${pids[-1]}
start 0 "${port[tcp_proxy]}" "$ours" --listen "127.0.0.1:${port[tcp_proxy]}" \
    --connect-timeout 1s --idle-timeout 60s --inter 2s \
    "127.0.0.1:${backends[0]}" "127.0.0.1:${backends[1]}" \
    "127.0.0.1:${backends[2]}"
pid[tcp_proxy]=${pids[-1]}

# Microseconds of CPU that a process has used, user and system, all threads.
cpu_us() {
    local stat
    stat=$(<"/proc/$1/stat")
    # shellcheck disable=SC2086 # Words; the second field may hold blanks.
    set -- ${stat##*) }
    echo $(((${12} + ${13}) * 1000000 / ticks))
}
ticks=$(getconf CLK_TCK)

# measure LOAD PROXY: one line to the file of results.
measure() {
    local load=$1 proxy=$2 args before after
    case $load in
    keep-alive) args=(/small) ;;
    connection) args=(/small -H "Connection: close") ;;
    "1 MiB") args=(/large) ;;
    esac
    args[0]=http://127.0.0.1:${port[$proxy]}${args[0]}
    before=$(cpu_us "${pid[$proxy]}")
    taskset -c "$others" wrk -t1 -c "$connections" -d "$seconds" "${args[@]}" \
        >"$dir/wrk" || fail "wrk: $(cat "$dir/wrk")"
    after=$(cpu_us "${pid[$proxy]}")
    if grep -E 'Socket errors|Non-2xx' "$dir/wrk" >&2; then
        echo "against.sh: $proxy had errors ($load)" >&2
        : >"$dir/errors"
    fi
    awk -v traffic="$load" -v proxy="$proxy" -v us=$((after - before)) '
        $2 == "requests" { requests = $1 }
        $1 == "Requests/sec:" { rate = $2 }
        END { printf "%s\t%s\t%.2f\t%.0f\n", traffic, proxy, us / requests, rate }' \
        "$dir/wrk" >>"$dir/results"
}

total=$((rounds * 9)) step=0
for ((round = 0; round < rounds; round++)); do
    for load in keep-alive connection "1 MiB"; do
        for proxy in tcp_proxy haproxy nginx; do
            progress $((++step)) $total "$load, $proxy"
            measure "$load" "$proxy"
        done
    done
done
progress

widths='%-11s %-10s %11s %11s %6s'
row "$widths" load proxy us/request requests/s ratio
for load in keep-alive connection "1 MiB"; do
    us=$(column_of 3 "$load" tcp_proxy | median)
    ratio=$(printf '%s\n' "$(column_of 3 "$load" haproxy | median)" \
        "$(column_of 3 "$load" nginx | median)" | sort -n |
        awk -v us="$us" 'NR == 1 { printf "%.2f", us / $1 }')
    for proxy in tcp_proxy haproxy nginx; do
        row "$widths" "$load" $proxy "$(column_of 3 "$load" $proxy | median)" \
            "$(column_of 4 "$load" $proxy | median)" "$ratio"
        ratio=-
    done
done
[ ! -e "$dir/errors" ]
