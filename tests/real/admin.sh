#!/bin/bash
# SPDX-License-Identifier: MIT
# The operator's listener of tcp_proxy, with curl, and with the parser of Prometheus.
# What is promised:
#  - both formats of the metrics are what Prometheus's own parser reads, with every
#    character in the texts;
#  - /status.json says of each backend what it is and why, and its values change while
#    a backend is stopped and a browser shows them;
#  - marks change where clients go; a page of another site can neither set nor read
#    them;
#  - clients that send nothing do not keep others from an answer.
set -eu -o pipefail

[ $# -eq 2 ] || { echo "usage: tests/real/admin.sh TCP_PROXY EXPOSITION" >&2; exit 2; }
tcp_proxy=$1 exposition=$2
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=support.sh
. "$here/support.sh"
need_programs curl
python=/usr/bin/python3
"$python" -c 'import prometheus_client' 2>/dev/null || skip "no python3-prometheus-client"
tell_more() { [ ! -e "$dir/log" ] || sed 's/^/log: /' "$dir/log"; }

for kind in open old; do
    "$exposition" "$kind" >"$dir/$kind"
    "$python" "$here/exposition.py" "$kind" "$dir/$kind" || fail "$kind: $(cat "$dir/$kind")"
done
! command -v promtool >/dev/null || promtool check metrics <"$dir/old" || fail "promtool"
passed "Prometheus reads every kind of metric, in both formats"

base=$((32100 + $$ % 200 * 3)) # Below the ports that clients get.
start_backend() { # NUMBER
    mkdir -p "$dir/www$1"
    echo "$1" >"$dir/www$1/name"
    "$python" -m http.server $((base + $1)) --bind 127.0.0.1 --directory "$dir/www$1" \
        >"$dir/backend$1.log" 2>&1 &
    backend[$1]=$!
    pids+=($!)
}
declare -a backend
start_backend 1
start_backend 2
a=127.0.0.1:$((base + 1)) b=127.0.0.1:$((base + 2))
"$tcp_proxy" --listen 127.0.0.1:0 --admin 0 --admin-writes --inter 100ms --rise 1 --fall 2 \
    "$a" "$b" 2>"$dir/log" &
proxy=$!
pids+=($proxy)
until_true grep -q 'operator: port' "$dir/log"
admin=127.0.0.1:$(sed -n 's/.*operator: port //p' "$dir/log")
clients=$(sed -n 's/.*listening on //p' "$dir/log")
get() { curl -sS -m 60 "http://$admin/$1"; }
code() { curl -sS -m 60 -o "$dir/body" -w '%{http_code}' "$@"; }
# row BACKEND: its state and why.
row() {
    get status.json | "$python" -c '
import json, sys
for group in json.load(sys.stdin)["groups"]:
    for row in group["rows"]:
        if row["name"] == sys.argv[1]:
            print(row["state"], row["level"], row["why"])' "$1"
}
row_says() { row "$1" | grep -q "$2"; }
value() { # SAMPLE [LABEL=VALUE...]
    curl -sS -m 60 -H 'Accept: application/openmetrics-text; version=1.0.0' \
        "http://$admin/metrics" >"$dir/metrics"
    "$python" "$here/exposition.py" value open "$dir/metrics" "$@"
}

until_true row_says "$a" '^up good'
until_true row_says "$b" '^up good'
[ "$(code "http://$admin/healthz")" = 200 ] || fail "healthz"
began=$(value infra_sessions_started_total)
for _ in {1..10}; do curl -sS -m 60 -o /dev/null "http://$clients/name"; done
[ $(($(value infra_sessions_started_total) - began)) -eq 10 ] || fail "sessions started"
is_ten() { [ $(($(value infra_sessions_ended_total reason=done))) -ge 10 ]; }
until_true is_ten
[ "$(value infra_backend_connect_seconds_count "backend=$a")" -ge 5 ] || fail "connects"
[ "$(value infra_session_bytes_total direction=out)" -gt 1000 ] || fail "bytes"
get metrics >"$dir/metrics"
"$python" "$here/exposition.py" value old "$dir/metrics" infra_backend_up 2>/dev/null &&
    fail "a sample that is none"
! command -v promtool >/dev/null || promtool check metrics <"$dir/metrics" || fail "promtool"
passed "sessions, bytes and connects are counted"

[ "$(code -X POST "http://$admin/mark?name=$a&to=drain")" = 403 ] || fail "no guard"
[ "$(code -H 'Host: evil.example' "http://$admin/status.json")" = 403 ] || fail "other host"
[ "$(code -H 'X-Admin: 1' "http://$admin/mark?name=$a&to=drain")" = 405 ] || fail "GET of a mark"
[ "$(code -H 'X-Admin: 1' -X POST "http://$admin/mark?name=x&to=drain")" = 404 ] || fail "404"
[ "$(code -H 'X-Admin: 1' -X POST "http://$admin/mark?name=$a&to=x")" = 400 ] || fail "400"
row_says "$a" '^up' || fail "a mark that was refused is set"
[ "$(code -H 'X-Admin: 1' -X POST "http://$admin/mark?name=$a&to=drain")" = 200 ] || fail "drain"
row_says "$a" '^draining warn the operator marked it drain' || fail "$(row "$a")"
for _ in {1..6}; do
    [ "$(curl -sS -m 60 "http://$clients/name")" = 2 ] || fail "a draining backend got a client"
done
[ "$(code -H 'X-Admin: 1' -X POST "http://$admin/mark?name=$a&to=up")" = 200 ] || fail "up"
passed "marks of the operator are followed, those of other sites refused"

for _ in {1..20}; do
    exec {fd}<>"/dev/tcp/${admin/:/\/}"
    printf 'GET /heal' >&$fd
done
[ "$(code "http://$admin/healthz")" = 200 ] || fail "silent clients hold the listener"
passed "clients that send nothing hold nobody up"

if command -v chromium >/dev/null; then
    browse() { # WINDOW: the page after its first answer, as HTML
        timeout 100 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
            --user-data-dir="$dir/chromium" --window-size="$1" --virtual-time-budget=1000 \
            --dump-dom "http://$admin/status" 2>/dev/null
    }
    browse 1200,900 >"$dir/dom" || fail "chromium"
    grep -q "class=\"card good\".*$a" "$dir/dom" || fail "no card of $a: $(cat "$dir/dom")"
fi

kill -9 "${backend[1]}"
until_true row_says "$a" '^down bad down by its checks: fall (refused)'
[ "$(value infra_backend_state "backend=$a" infra_backend_state=down)" = 1 ] || fail "state"
[ "$(value infra_backend_state "backend=$a" infra_backend_state=up)" = 0 ] || fail "state"
[ "$(code "http://$admin/healthz")" = 200 ] || fail "healthz"
if command -v chromium >/dev/null; then
    browse 360,740 >"$dir/dom" || fail "chromium"
    grep -q 'class="card bad".*refused' "$dir/dom" || fail "no bad card: $(cat "$dir/dom")"
    passed "a browser shows what is down, and why"
fi
kill -9 "${backend[2]}"
until_true row_says "$b" '^down bad'
[ "$(code "http://$admin/healthz")" = 503 ] || fail "healthz without backends"
grep -q 'no backend is up' "$dir/body" || fail "healthz says $(cat "$dir/body")"
passed "a backend that is stopped shows, with the reason"

kill -TERM "$proxy"
wait "$proxy" || fail "exit status"
