#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Functions we do not call, because each has an APR function or one of our own
# that knows its limits, and words that mean a thing is not finished.
. "$(dirname "$0")/lint.sh"

banned='strtok|sprintf|vsprintf|strcpy|strcat|gets|atoi|alloca'

c_sources >"$scratch/files"
while read -r file; do
    code_of "$file" | grep -nE "(^|[^A-Za-z0-9_>.])($banned)[ \t]*\(" |
    while IFS=: read -r line text; do
        bad "$file:$line: banned function: $text"
    done
    grep -nwE '(TODO|FIXME|XXX)' "$file" | while IFS=: read -r line text; do
        bad "$file:$line: unfinished: $text"
    done
done <"$scratch/files"
finish "$(count "$scratch/files")" "C files"
