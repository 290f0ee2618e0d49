#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each source is listed in a local.mk (what is not listed is neither built nor
# released), and each file listed is there.
. "$(dirname "$0")/lint.sh"

for makefile in mod_llm_gateway/local.mk llmgwctl/local.mk test/local.mk; do
    [ -f "$makefile" ] || broken "$makefile is not there"
    sed 's/#.*//' "$makefile" | tr -s ' \t\\' '\n\n\n' |
        sed -nE "s,^%D%/(.*\.(c|h|def))\$,${makefile%/*}/\1,p"
done | sort >"$scratch/listed"
[ -s "$scratch/listed" ] || broken "no source is listed in any local.mk"

find mod_llm_gateway llmgwctl test -type f \
    \( -name '*.[ch]' -o -name '*.def' \) | sort >"$scratch/there"

uniq -d "$scratch/listed" | grep -v '^test/' | while read -r file; do
    bad "$file is listed twice"
done
sort -u "$scratch/listed" >"$scratch/once"
comm -13 "$scratch/once" "$scratch/there" | while read -r file; do
    bad "$file is in no local.mk"
done
comm -23 "$scratch/once" "$scratch/there" | while read -r file; do
    bad "$file is in a local.mk but not in the tree"
done
finish "$(count "$scratch/there")" "sources"
