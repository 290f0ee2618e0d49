#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# No file past 650 lines, no function past 80. Where a longer one reads better
# it is named in length.except, with the reason.
. "$(dirname "$0")/lint.sh"

excepted()
{
    [ -f test/lint/length.except ] &&
        grep -v '^#' test/lint/length.except | grep -qE "^$1[ \t]+[^ \t]"
}

c_sources mod_llm_gateway llmgwctl test >"$scratch/files"
find mod_llm_gateway llmgwctl -name '*.def' -type f 2>/dev/null |
    sort >>"$scratch/files"
while read -r file; do
    lines=$(count "$file")
    if [ "$lines" -gt 650 ] && ! excepted "$file"; then
        bad "$file: $lines lines, more than 650"
    fi
    # A function's body opens and closes in the first column; its name is the
    # last one before a parenthesis above.
    awk '
    /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
                       first = NR }
    /^\{/            { open = NR; if (!first) { first = NR } }
    /^\}/ && open    { if (NR - first + 1 > 80) { print name, NR - first + 1 }
                       open = 0; first = 0 }
    ' "$file" | while read -r name lines; do
        excepted "$file:$name" ||
            bad "$file: $name: $lines lines, more than 80"
    done
done <"$scratch/files"

if [ -f test/lint/length.except ]; then
    grep -v '^#' test/lint/length.except | while read -r what reason; do
        [ -f "${what%%:*}" ] ||
            bad "length.except: ${what%%:*} is not there any more"
    done
fi
finish "$(count "$scratch/files")" "files"
