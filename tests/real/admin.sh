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
#  - the rules of examples/monitoring fire when they should, and they and the dashboard
#    name only what is exported (infra_pair_* by lb_pair: tests/examples/pair_admin.sh);
#  - clients that send nothing do not keep others from an answer.
set -eu -o pipefail

[ $# -eq 2 ] || { echo "usage: tests/real/admin.sh TCP_PROXY EXPOSITION" >&2; exit 2; }
tcp_proxy=$1 exposition=$2
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=support.sh
. "$here/support.sh"
need_programs curl chromium promtool
python=/usr/bin/python3
"$python" -c 'import prometheus_client' 2>/dev/null || skip "no python3-prometheus-client"
tell_more() { [ ! -e "$dir/log" ] || sed 's/^/log: /' "$dir/log"; }

for kind in open old; do
    "$exposition" "$kind" >"$dir/$kind"
    "$python" "$here/exposition.py" "$kind" "$dir/$kind" || fail "$kind: $(cat "$dir/$kind")"
done
promtool check metrics <"$dir/old" || fail "promtool"
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
"$tcp_proxy" --listen 127.0.0.1:0 --admin 0 --admin-writes --inter 100ms --rise 1 --fall 2 --outlier 100 \
    "$a" "$b" 2>"$dir/log" &
proxy=$!
pids+=($proxy)
until_true grep -q 'operator: port' "$dir/log"
admin=127.0.0.1:$(sed -n 's/.*operator: port //p' "$dir/log")
clients=$(sed -n 's/.*listening on //p' "$dir/log")
get() { curl -sS -m 60 "http://$admin/$1"; }
code() { curl -sS -m 60 -o "$dir/body" -w '%{http_code}' "$@"; }
# row BACKEND: its state, level and why.
row() { get status.json | sed -n 's/.*"name":"'"$1"'","state":"\([^"]*\)","level":"\([^"]*\)","why":"\([^"]*\)".*/\1 \2 \3/p'; }
row_says() { row "$1" | grep -q "$2"; }
# value SAMPLE: with its labels, as it is printed.
value() { get metrics | sed -n "s/^$1 //p"; }

until_true row_says "$a" '^up good'
until_true row_says "$b" '^up good'
[ "$(code "http://$admin/healthz")" = 200 ] || fail "healthz"
began=$(value infra_sessions_started_total)
for _ in {1..10}; do curl -sS -m 60 -o /dev/null "http://$clients/name"; done
[ $(($(value infra_sessions_started_total) - began)) -eq 10 ] || fail "sessions started"
is_ten() { [ "$(value 'infra_sessions_ended_total{reason="done"}')" -ge 10 ]; }
until_true is_ten
[ "$(value "infra_backend_connect_seconds_count{backend=\"$a\"}")" -ge 5 ] || fail "connects"
[ "$(value 'infra_session_bytes_total{direction="out"}')" -gt 1000 ] || fail "bytes"
get metrics >"$dir/old"
curl -sS -m 60 -H 'Accept: application/openmetrics-text; version=1.0.0,text/plain;q=0.5' \
    "http://$admin/metrics" >"$dir/open"
for kind in open old; do
    "$python" "$here/exposition.py" "$kind" "$dir/$kind" any || fail "$kind: $(cat "$dir/$kind")"
done
promtool check metrics <"$dir/old" || fail "promtool"
get status.json | "$python" -c 'import json, sys; json.load(sys.stdin)' || fail "JSON"
passed "sessions, bytes and connects are counted"

monitoring=$here/../../examples/monitoring
promtool check rules "$monitoring/rules.yml" >"$dir/rules.log" || fail "rules"
(cd "$monitoring" && promtool test rules rules_test.yml) >"$dir/rules.log" 2>&1 || fail "rules"
for name in $(grep -oh 'infra_[a-z_]*' "$monitoring/rules.yml" "$monitoring/dashboard.json" | sort -u | grep -v infra_pair_); do
    grep -q "^$name[{ ]" "$dir/old" || fail "$name is not exported"
done
passed "alerts fire when they should, on what is exported"

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

kill -9 "${backend[1]}"
until_true row_says "$a" '^down bad down by its checks: fall (refused)'
for state in up=0 down=1; do
    sample="infra_backend_state{backend=\"$a\",infra_backend_state=\"${state%=*}\"}"
    [ "$(value "$sample")" = "${state#*=}" ] || fail "$sample"
done
[ "$(code "http://$admin/healthz")" = 200 ] || fail "healthz"
# As on a telephone; the page after its first answer, as HTML.
timeout 300 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$dir/chromium" \
    --window-size=360,740 --virtual-time-budget=1000 --dump-dom "http://$admin/status" \
    >"$dir/dom" 2>"$dir/chromium.log" || fail "chromium"
grep -q "class=\"card bad\".*$a.*refused" "$dir/dom" || fail "no card says $a is down: $(cat "$dir/dom")"
grep -q "class=\"card good\".*$b" "$dir/dom" || fail "no card says $b is up: $(cat "$dir/dom")"
passed "a browser shows what is down, and why"

kill -9 "${backend[2]}"
until_true row_says "$b" '^down bad'
[ "$(code "http://$admin/healthz")" = 503 ] || fail "healthz without backends"
grep -q 'no backend is up' "$dir/body" || fail "healthz says $(cat "$dir/body")"
passed "a backend that is stopped shows, with the reason"

kill -TERM "$proxy"
wait "$proxy" || fail "exit status"
