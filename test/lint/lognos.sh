#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Log tags: LLM_LOGNO(0042) stands in one place of the code and is never used
# for another message later. mod_llm_gateway/docs/log-tags.md remembers them.
#
#   lognos.sh            checks
#   lognos.sh --update   writes new tags into the list, and gives a number to
#                        each LLM_LOGNO(0000)
. "$(dirname "$0")/lint.sh"

list=mod_llm_gateway/docs/log-tags.md

# "file<TAB>number<TAB>message" for each tag; a message may be in several parts.
tags()
{
    c_sources mod_llm_gateway llmgwctl | while read -r file; do
        awk -v file="$file" '
        { text = text $0 "\n" }
        END {
            while (match(text, /LLM_LOGNO\([0-9]+\)/)) {
                number = substr(text, RSTART + 10, RLENGTH - 11)
                text = substr(text, RSTART + RLENGTH)
                message = ""
                while (match(text, /^[ \t\n]*"(\\.|[^"\\])*"/)) {
                    part = substr(text, RSTART, RLENGTH)
                    sub(/^[ \t\n]*"/, "", part)
                    sub(/"$/, "", part)
                    message = message part
                    text = substr(text, RSTART + RLENGTH)
                    # A macro such as APR_UINT64_T_FMT between two parts.
                    if (match(text, /^[ \t\n]+[A-Z][A-Z0-9_]*_FMT[ \t\n]*"/)) {
                        message = message "..."
                        text = substr(text, RSTART + RLENGTH - 1)
                    }
                }
                print file "\t" number "\t" message
            }
        }' "$file"
    done
}

# "number<TAB>message" for each line of the list.
listed()
{
    [ ! -f "$list" ] || sed -n \
        's/^| LLMGW\([0-9]*\) | `\(.*\)` |$/\1\t\2/p' "$list" |
        sed 's/\\|/|/g'
}

next_number()
{
    { tags | cut -f2; listed | cut -f1; } | sort -n | tail -1 |
        awk '{ printf "%04d", $1 + 1 }'
}

update()
{
    c_sources mod_llm_gateway llmgwctl | while read -r file; do
        while grep -q 'LLM_LOGNO(0000)' "$file"; do
            sed -i "0,/LLM_LOGNO(0000)/s//LLM_LOGNO($(next_number))/" "$file"
        done
    done
    { tags | cut -f2-; listed; } | sort -s -k1,1n |
        awk -F'\t' '!seen[$1]++' >"$scratch/all"
    {
        cat <<'HEAD'
# Log tags

Each line the gateway writes to the error log from the level `debug` up begins
with a tag, by which it can be looked up and cited. A tag is never used for
another message. This list is written by `test/lint/lognos.sh --update`; a tag
stays in it when its message is gone from the code.

| tag | message |
| --- | --- |
HEAD
        awk -F'\t' '{ gsub(/\|/, "\\|", $2)
                      print "| LLMGW" $1 " | `" $2 "` |" }' "$scratch/all"
    } >"$scratch/list"
    mkdir -p "${list%/*}"
    cp "$scratch/list" "$list"
    echo "$check: $(count "$scratch/all") tags are in $list"
}

case ${1:-} in
    --update) update; exit 0 ;;
    '') ;;
    *) broken "unknown argument: $1" ;;
esac

tags >"$scratch/tags"
[ -s "$scratch/tags" ] || absent "no message has a tag yet"

cut -f2 "$scratch/tags" | sort | uniq -d | while read -r number; do
    bad "LLMGW$number is used more than once:" $(awk -F'\t' -v n="$number" \
        '$2 == n { print $1 }' "$scratch/tags")
done
listed >"$scratch/listed"
tab=$(printf '\t')
while IFS=$tab read -r file number message; do
    case $number in
        0000) bad "$file: a tag without a number: $message"; continue ;;
        [0-9][0-9][0-9][0-9]) ;;
        *) bad "$file: a tag has four digits, not $number" ;;
    esac
    known=$(sed -n "s/^$number	//p" "$scratch/listed")
    if [ -z "$known" ]; then
        bad "$file: LLMGW$number is not in $list (lognos.sh --update)"
    elif [ "$known" != "$message" ]; then
        bad "$file: LLMGW$number was used for another message, '$known':" \
            "take a new number, or say so with --update if it is a rewording"
    fi
done <"$scratch/tags"
finish "$(count "$scratch/tags")" "log tags"
