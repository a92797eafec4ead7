#!/bin/sh
# SPDX-License-Identifier: MIT
# Plain English, as far as it can be counted:
#   - who, whom, whose and whoever: at most 0.5 in 1000 words of the public headers,
#     which speak of machines;
#   - "so many", "so long", "so often", "so much" never stand for a number or a time
#     ("so long as" and "so long that" are English);
#   - a line has at most 80 columns in code, 100 in Markdown, outside of tables;
#   - a comment whose text begins beside its opening ends beside its text.
#
#   check_english.sh SOURCE_ROOT
set -eu
cd "$1"
code=$(find include lib examples tests bench -name '*.[ch]' -o -name '*.cpp' | sort)
pages=$(find README.md .github include lib examples tests bench -name '*.md' | sort)
status=0

# Columns, where a letter of several bytes (UTF-8) is one.
too_long() {
    limit=$1
    shift
    LC_ALL=C awk -v limit="$limit" '
        FNR == 1 || /clang-format on/ { is_table = 0 }
        /clang-format off/ { is_table = 1 }
        { line = $0; gsub(/[\200-\277]/, "", line) }
        length(line) > limit && !is_table && !/^\|/ { printf "%s:%d: %d columns\n", FILENAME, FNR, length(line); bad = 1 }
        END { exit bad }
    ' "$@" || status=1
}

too_long 80 $code
too_long 100 $pages

awk '
    FNR == 1 { inside = 0 }
    /^[ \t]*\*\/[ \t]*$/ && inside { printf "%s:%d: a lone */\n", FILENAME, FNR; bad = 1 }
    /\*\// { inside = 0 }
    /\/\*/ && !/\/\*.*\*\// { inside = !/\/\*\*?[ \t]*$/ }
    END { exit bad }
' $code || status=1

# The noun may stand on the next line.
LC_ALL=C awk '
    FNR == 1 { before = "" }
    {
        line = $0
        gsub(/^[ \t]*\/?\*+|^[ \t]*#/, "", line)
        text = " " before " " line " "
        gsub(/[^A-Za-z]+/, " ", text)
        text = tolower(text)
        gsub(/ so (many|long|often|much) (as|that) /, " ", text)
        if (text ~ / so (many|long|often|much) /) {
            printf "%s:%d: %s\n", FILENAME, FNR, $0
            bad = 1
            line = ""
        }
        before = line ~ /[Ss]o[ \t]*$/ ? "so" : ""
    }
    END { exit bad }
' $code $pages || status=1

awk '
    {
        gsub(/[^A-Za-z]+/, " ")
        count = split(tolower($0), word, " ")
        words[FILENAME] += count
        for (i = 1; i <= count; i++) {
            if (word[i] ~ /^(who|whom|whose|whoever)$/) {
                whos[FILENAME]++
                all_whos++
            }
        }
        all_words += count
    }
    END {
        for (file in words) {
            printf "%-32s %5d words, %2d who: %.2f\n", file, words[file], whos[file], 1000 * whos[file] / words[file]
        }
        printf "%-32s %5d words, %2d who: %.2f in 1000\n", "all", all_words, all_whos, 1000 * all_whos / all_words
        exit 1000 * all_whos > all_words / 2
    }
' include/infra/*.h || status=1
exit $status
