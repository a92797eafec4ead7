#!/bin/sh
# SPDX-License-Identifier: MIT
# lease_file.sh ELECTOR_NODE: three processes over a lease in a file. They are
# killed, stopped, and told to step down; never are two gates open at a time.
set -eu
node=$1
ttl=3000
# shellcheck source=diary.sh
. "$(dirname "$0")/diary.sh"
store="file $dir/lease"

start a
await 5 0
start b
start c

# In order: at the next look, 50 ms at most, and two small writes.
before=$(token)
kill -USR1 "$(pid_of "$(active)")"
await 3 "$before"
echo "step-down -> active: $(gap "$before") ms"

# Killed: noticed by the lock that ends with it. Then comes the grace of 500 ms.
for _ in 1 2 3; do
    before=$(token)
    who=$(active)
    kill -9 "$(pid_of "$who")"
    await 4 "$before"
    echo "killed -> active: $(gap "$before") ms, 500 of them grace"
    start "$who"
done

# Stopped: it keeps the lock, so that its ttl has to run out.
before=$(token)
who=$(active)
kill -STOP "$(pid_of "$who")"
await 8 "$before"
echo "stopped -> active: $(gap "$before") ms"
kill -CONT "$(pid_of "$who")"
sleep 1
check_diary
check_records
