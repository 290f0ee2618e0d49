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

# The letter of a dialect in fuzz_dialect.c.
letter()
{
    case $1 in
        anthropic) echo A ;;
        bedrock) echo B ;;
        cohere) echo C ;;
        gemini) echo b ;;
        huggingface) echo H ;;
        huggingface-inference) echo I ;;
        ollama) echo O ;;
        openai) echo E ;;
        openai-responses) echo R ;;
        *) echo "test/fuzz/seeds.sh: no letter for the dialect '$1'" >&2
           exit 1 ;;
    esac
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
    letter=$(letter "$dialect")
    op=$(operation "$name")
    out=$1/${dialect}_$name
    for file in "$case"/request.json "$case"/response.json "$case"/stream.txt \
        "$case"/events.txt; do
        [ -f "$file" ] || continue
        case ${file##*/} in
            request.json) { printf 'r%s%s' "$letter" "$op"; cat "$file"; } ;;
            response.json) { printf 'a%s%s' "$letter" "$op"; cat "$file"; } ;;
            stream.txt) { printf 's%s0' "$letter"; cat "$file"; } ;;
            events.txt)
                printf 's%s0' "$letter"
                awk '{ name = $1; sub(/^[^ ]* /, "")
                       printf "event: %s\ndata: %s\n\n", name, $0 }' "$file" ;;
        esac >"$out"
        count=$((count + 1))
    done
done
[ "$count" -gt 0 ] || { echo "there are no vectors" >&2; exit 1; }
echo "$count inputs from vectors in $1"
