# SPDX-License-Identifier: MIT
# Sourced by scripts: need WHAT:PACKAGE[|PACKAGE...] ... installs a Debian package for
# each WHAT that is missing: the first PACKAGE that apt offers. WHAT is a command, a
# file (with a slash; * and ? match), or a pkg-config name (with a leading +).

is_there() {
    case $1 in
    */*)
        for file in $1; do [ ! -e "$file" ] || return 0; done
        return 1
        ;;
    +*) pkg-config --exists "${1#+}" 2>/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# first_offered PACKAGES: the first that can be installed, or the first.
first_offered() {
    for package in $(echo "$1" | tr '|' ' '); do
        if apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then
            echo "$package"
            return
        fi
    done
    echo "${1%%|*}"
}

need() {
    missing=
    for pair in "$@"; do
        is_there "${pair%%:*}" || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Please install:$missing" >&2
        return 1
    fi
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "Please run as root: apt-get install$missing" >&2
            return 1
        fi
        sudo=sudo
    fi
    echo "Installing:$missing"
    log=$(mktemp)
    # Debian starts a server when it is installed; nobody asked for that here.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
        $sudo chmod +x $policy
        made_policy=1
    else
        made_policy=0
    fi
    status=0
    $sudo apt-get update -qq >"$log" 2>&1 || status=$?
    packages=
    for names in $missing; do packages="$packages $(first_offered "$names")"; done
    # shellcheck disable=SC2086 # A list of words.
    [ $status -ne 0 ] || $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $packages >"$log" 2>&1 || status=$?
    [ $made_policy -eq 0 ] || $sudo rm -f $policy
    if [ $status -ne 0 ]; then
        tail -n 20 "$log" >&2
        echo "Could not install:$missing" >&2
    fi
    rm -f "$log"
    return $status
}
