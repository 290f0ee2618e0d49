#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The vectors as inputs of fuzz_dialect, one file each:
#
#     sh test/fuzz/seeds.sh FOLDER
#
# What a vector is, is told in test/unit/dialect/test_vectors.c; what the first
# three bytes of an input mean, in fuzz_dialect.c.
set -eu

[ $# -eq 1 ] || { echo "usage: sh test/fuzz/seeds.sh FOLDER" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"

# The byte that stands for a dialect, in octal: its letter in fuzz_dialect.c, or
# its number in dialects.def.
byte_of()
{
    letter=$(sed -n "s/^ *{'\(.\)', \"$1\"},\$/\1/p" \
        "$top/test/fuzz/fuzz_dialect.c")
    if [ -n "$letter" ]; then
        printf '%03o' "'$letter"
        return
    fi
    number=$(sed -n 's/^LLM_DIALECT([^"]*"\(.*\)")$/\1/p' \
        "$top/mod_llm_gateway/dialect/dialects.def" | grep -nxF "$1" |
        cut -d: -f1)
    [ -n "$number" ] || {
        echo "test/fuzz/seeds.sh: there is no dialect '$1'" >&2
        exit 1
    }
    printf '%03o' $((number - 1))
}

# The third byte: the operation, as the case's name tells it, or a default.
operation()
{
    case $1 in
        *embed*) echo e ;;
        *count*) echo c ;;
        *) echo 0 ;;
    esac
}

count=0
for case in "$top"/test/vectors/*/*/; do
    case=${case%/}
    name=${case##*/}
    dialect=${case%/*}
    dialect=${dialect##*/}
    [ "$dialect" != tokens ] || continue
    byte=$(byte_of "$dialect")
    op=$(operation "$name")
    out=$1/${dialect}_$name
    for file in "$case"/request.json "$case"/response.json "$case"/stream.txt \
        "$case"/events.txt; do
        [ -f "$file" ] || continue
        case ${file##*/} in
            request.json) { printf "r\\$byte$op"; cat "$file"; } ;;
            response.json) { printf "a\\$byte$op"; cat "$file"; } ;;
            stream.txt) { printf "s\\${byte}0"; cat "$file"; } ;;
            events.txt)
                printf "s\\${byte}0"
                awk '{ name = $1; sub(/^[^ ]* /, "")
                       printf "event: %s\ndata: %s\n\n", name, $0 }' "$file" ;;
        esac >"$out"
        count=$((count + 1))
    done
done
[ "$count" -gt 0 ] || { echo "there are no vectors" >&2; exit 1; }
echo "$count inputs from vectors in $1"
