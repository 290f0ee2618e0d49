#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A test that is written is run: each START_TEST is added to a test case, and
# each file's suite is in its folder's suites.def.
. "$(dirname "$0")/lint.sh"

find test/unit -name 'test_*.c' -type f 2>/dev/null | sort >"$scratch/files"
[ -s "$scratch/files" ] || absent "there is no unit test yet"

: >"$scratch/tests"
while read -r file; do
    code_of "$file" >"$scratch/code"
    sed -n 's/^[ \t]*START_TEST[ \t]*(\([A-Za-z0-9_]*\)).*/\1/p' \
        "$scratch/code" | sort >"$scratch/written"
    [ -s "$scratch/written" ] || bad "$file: there is no START_TEST in it"
    sed "s|^|$file |" "$scratch/written" >>"$scratch/tests"
    uniq -d "$scratch/written" | while read -r name; do
        bad "$file: two tests are called $name"
    done
    # The call may be broken over lines.
    tr '\n' ' ' <"$scratch/code" |
        grep -oE 'tcase_add_[a-z_]*test[a-z_]*[ ]*\([^,]*,[ ]*[A-Za-z0-9_]+' |
        sed 's/.*[, ]//' | sort -u >"$scratch/added"
    sort -u "$scratch/written" | comm -23 - "$scratch/added" |
    while read -r name; do
        bad "$file: $name is not added to a test case"
    done

    suite=${file##*/test_}
    suite=${suite%.c}
    table=${file%/*}/suites.def
    grep -qx "SUITE($suite)" "$table" 2>/dev/null ||
        bad "$file: there is no line SUITE($suite) in $table"
    grep -qE "^Suite \*${suite}_suite\(void\)" "$scratch/code" ||
        bad "$file: does not define ${suite}_suite"
done <"$scratch/files"
finish "$(count "$scratch/tests")" "tests"
