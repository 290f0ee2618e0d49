#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each directive has its page in docs/directives, and is met somewhere else too
# (the shipped configuration or another page); each page has its directive.
. "$(dirname "$0")/lint.sh"

glue=mod_llm_gateway/httpd
pages=mod_llm_gateway/docs/directives

[ -d "$glue" ] && [ -n "$(find "$glue" -name '*.[ch]' -o -name '*.def')" ] ||
    absent "$glue is still empty"

# SETTING(scope, LLMName, ...) in settings.def and its like; the names in the
# command tables of the C files, a section's with its angle bracket.
{
    find "$glue" -name '*.def' -exec cat {} + |
        sed -nE 's/^SETTING\([^,]*,[ ]*(LLM[A-Za-z]+).*/\1/p'
    find "$glue" -name '*.c' -exec cat {} + | tr '\n' ' ' |
        grep -oE 'AP_INIT_[A-Z0-9_]+\([ ]*"<?LLM[A-Za-z]+' | sed 's/.*["<]//'
} | sort >"$scratch/directives"
[ -s "$scratch/directives" ] || broken "$glue defines no directive"

uniq -d "$scratch/directives" | while read -r name; do
    bad "$name is defined twice"
done
sort -u "$scratch/directives" >"$scratch/known"

{ find "$pages" -name 'LLM*.md' 2>/dev/null || :; } | sed 's|.*/||; s|\.md$||' |
    sort >"$scratch/pages"
comm -13 "$scratch/known" "$scratch/pages" | while read -r name; do
    bad "$pages/$name.md: there is no such directive"
done

find conf mod_llm_gateway/docs README.md -type f \
    \( -name '*.conf' -o -name '*.md' \) 2>/dev/null >"$scratch/texts" || :
while read -r name; do
    page=$pages/$name.md
    if [ ! -f "$page" ]; then
        bad "$name has no page $page"
        continue
    fi
    for field in Name Description Syntax Context Status Module; do
        grep -q "^$field: ." "$page" || bad "$page: has no line '$field:'"
    done
    grep -qE "^Name: <?$name>?\$" "$page" || bad "$page: is not about $name"
    grep -vxF "$page" "$scratch/texts" | tr '\n' '\0' |
        xargs -0 grep -lwF "$name" >/dev/null 2>&1 ||
        bad "$name is mentioned neither in conf/ nor on another page"
done <"$scratch/known"
finish "$(count "$scratch/known")" "directives"
