#!/bin/sh
# SPDX-License-Identifier: MIT
# check_vrrp_node.sh VRRP_NODE: a number on its command line that is none, or out of its range, is said by name, with
# status 2, before anything is opened.
set -eu
vrrp_node=$1
failures=0

# wrong WHAT ARGUMENT...: it says WHAT.
wrong() {
    what=$1
    shift
    status=0
    said=$("$vrrp_node" --interface nowhere --local 192.0.2.1 --address 192.0.2.9/24 "$@" 2>&1) || status=$?
    case $status$said in
    "2vrrp_node: $what"*) ;;
    *)
        echo "vrrp_node $*: status $status: $said, and not: $what"
        failures=$((failures + 1))
        ;;
    esac
}

wrong '--address "192.0.2.10/99": must be ADDR/PREFIX, a prefix of 1 to 32' --address 192.0.2.10/99
wrong '--address "2001:db8::1/129": must be ADDR/PREFIX, a prefix of 1 to 128' --address 2001:db8::1/129
wrong '--address "192.0.2.10/24x": must be ADDR/PREFIX, a prefix of 1 to 32' --address 192.0.2.10/24x
wrong '--address "192.0.2.10/": must be ADDR/PREFIX, a prefix of 1 to 32' --address 192.0.2.10/
wrong '--vrid "0": must be 1 to 255' --vrid 0
wrong '--vrid "256": must be' --vrid 256
wrong '--vrid "4294967347": must be' --vrid 4294967347
wrong '--priority "-1": must be 1 to 255' --vrid 51 --priority -1
wrong '--interval "40951": must be 10 to 40950' --vrid 51 --interval 40951
wrong '--interval "99999999999999999999": must be' --vrid 51 --interval 99999999999999999999
wrong '--preempt-delay "1s": must be' --vrid 51 --preempt-delay 1s
wrong '--announce-every "86401": must be 0 to 86400' --vrid 51 --announce-every 86401
exit $((failures > 0))
