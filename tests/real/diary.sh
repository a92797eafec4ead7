# SPDX-License-Identifier: MIT
# Sourced by the tests of electors: nodes (elector_node) that share a diary, and
# what it must say. Sets: dir. Needs: node (the program), ttl (ms), store (its
# arguments).

dir=$(mktemp -d)
pids=
cleanup() {
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
    echo "$0: $*" >&2
    grep -v ' open ' "$dir/diary" | tail -40 >&2
    exit 1
}

# start NAME: a node; its pid is in pid_NAME.
start() {
    # shellcheck disable=SC2086
    "$node" "$dir/diary" "$1" "$ttl" $store &
    eval "pid_$1=$!"
    pids="$pids $!"
}

pid_of() {
    eval "echo \$pid_$1"
}

# Who had an open gate last, and with which token.
active() {
    grep ' open ' "$dir/diary" 2>/dev/null | tail -1 | cut -d' ' -f2
}

token() {
    grep ' open ' "$dir/diary" 2>/dev/null | tail -1 | cut -d' ' -f4
}

# await SECONDS TOKEN: a gate opens with a greater token. Sets: waited.
await() {
    i=0
    while now=$(token) && { [ -z "$now" ] || [ "$now" -le "$2" ]; }; do
        i=$((i + 1))
        [ $i -lt $(($1 * 20)) ] || fail "nobody took over after $2 in $1 s"
        sleep 0.05
    done
}

# gap TOKEN: milliseconds from the last "open" with it to the first with the next.
gap() {
    awk -v t="$1" '$3 == "open" && $4 == t && $1 > last { last = $1 }
        $3 == "open" && $4 > t && (!first || $1 < first) { first = $1 }
        END { printf "%.1f", (first - last) / 1e6 }' "$dir/diary"
}

# A node lost the lease after that time, before it became active again.
has_lost() { # NODE TIME
    sort -n "$dir/diary" | awk -v node="$1" -v time="$2" '
        $2 == node && $1 >= time && $3 == "lost" { lost = 1; exit }
        $2 == node && $1 >= time && $3 == "activate" { exit }
        END { exit !lost }'
}

# No two gates were open at a time, each token is one node's, and tokens grow.
# BEAR_MS: where the store breaks its promise the former holder may be one this
# long, if it then hears that it lost the lease; 0.
check_diary() { # [BEAR_MS]
    awk '$3 == "open" {
            key = $4
            if (key in node && node[key] != $2) { print "token of two: " $0; bad = 1 }
            node[key] = $2
            if (!(key in first) || $1 < first[key]) first[key] = $1
            if (!(key in last) || $1 > last[key]) last[key] = $1
        }
        END {
            for (k in first) print first[k], last[k], k, node[k]
            exit bad
        }' "$dir/diary" >"$dir/spans" || fail "$(head -1 "$dir/spans")"
    sort -n "$dir/spans" | awk -v bear="${1:-0}" -v overlaps="$dir/overlaps" '
        BEGIN { printf "" >overlaps }
        NR > 1 && $1 <= until {
            if (until - $1 > bear * 1e6 || bear == 0) {
                print "two gates were open at " $1 " for " (until - $1) / 1e6 " ms"
                exit 1
            }
            print node, until, (until - $1) / 1e6 >overlaps
        }
        NR > 1 && $3 <= token { print "an old token: " $3; exit 1 }
        { until = $2; token = $3; node = $4 }
        END { print NR " activities, one at a time" }' || fail "see above"
    while read -r node_name until ms; do
        has_lost "$node_name" "$until" || fail "$node_name went on, and did not lose the lease"
        echo "$node_name was one for $ms ms more, and then lost the lease"
    done <"$dir/overlaps"
}

# Who became active read what the one before it had written, or later; and all that
# is written is younger.
check_records() {
    grep -E ' (activate|read|written) ' "$dir/diary" | sort -n | awk '
        $3 == "activate" { if ($4 > newest) newest = $4 }
        $3 == "read" {
            reads++
            if ($4 < last || $4 >= newest) { print "an old record: " $0; exit 1 }
        }
        $3 == "written" { writes++; if ($4 > last) last = $4 }
        END {
            if (reads < 2 || writes < 2) { print "no records"; exit 1 }
            print reads " records read, " writes " written"
        }' || fail "see above"
}
