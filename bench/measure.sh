# SPDX-License-Identifier: MIT
# Sourced (bash) by the scripts of bench/: their options, progress, medians and table.
# Needs: usage.

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# read_options VALUES FLAGS OPERAND ARGUMENT...: VALUES and FLAGS are names of options,
# with blanks between; each becomes a variable, and the one operand is in $operand.
read_options() {
    local values=$1 flags=$2 name=$3
    shift 3
    operand=
    while [ $# -gt 0 ]; do
        if [ "$1" = --help ]; then
            usage
            exit 0
        elif [[ $1 = --* && " $flags " = *" ${1#--} "* ]]; then
            declare -g "${1#--}=1"
        elif [[ $1 = --* && " $values " = *" ${1#--} "* ]]; then
            [ $# -ge 2 ] || fail "$1 needs a value (try --help)"
            declare -g "${1#--}=$2"
            shift
        elif [[ $1 = -* ]]; then
            fail "unknown option $1 (try --help)"
        else
            [ -z "$operand" ] || fail "one $name only (try --help)"
            operand=$1
        fi
        shift
    done
    [[ $format = table || $format = tsv ]] ||
        fail "--format \"$format\": must be table or tsv"
    [ -n "$operand" ] || fail "$name is missing (try --help)"
}

# progress STEP TOTAL WHAT: to a terminal only. Without arguments: it is over.
progress() {
    [ -t 2 ] || return 0
    [ $# -eq 0 ] || printf '\r%d of %d: %s' "$@" >&2
    printf '\033[K' >&2
    [ $# -gt 0 ] || printf '\r' >&2
}

# column_of NUMBER WHAT...: sorted, of the results whose first columns are these.
column_of() {
    local number=$1
    shift
    awk -F '\t' -v number="$number" -v want="$(printf '%s\t' "$@")" \
        'index($0, want) == 1 { print $number }' "$dir/results" | sort -n
}
median() { # of the sorted numbers on stdin
    awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

# row WIDTHS CELL...: a line of the table, or of tab-separated values.
row() {
    local line=$1
    shift
    [ "$format" != tsv ] || line=$(printf '%%s\\t%.0s' $(seq $(($# - 1))))%s
    # shellcheck disable=SC2059 # The format is ours.
    printf "$line\n" "$@"
}
