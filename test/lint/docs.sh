#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each relative link in a Markdown file leads to a file, and to a heading of it
# where it names one. Each noun of llmgwctl is in its manual page (its verbs and
# options are looked for by test/unit/ctl/test_manual.c, which knows them).
. "$(dirname "$0")/lint.sh"

# The anchors of a page, made of its headings as the common renderers do.
anchors()
{
    sed -n 's/^##*[ \t][ \t]*//p' "$1" | tr '[:upper:]' '[:lower:]' |
        sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

find . -name '*.md' -type f ! -path './build*' ! -path './.git/*' \
    ! -path '*/node_modules/*' ! -path './mod_llm_gateway-*' |
    sed 's|^\./||' | sort >"$scratch/pages"
[ -s "$scratch/pages" ] || broken "there is no page"

: >"$scratch/links"
while read -r page; do
    # Not in code: neither between fences nor between backticks.
    awk '/^[ \t]*```/ { code = !code; next } !code' "$page" |
        sed 's/`[^`]*`//g' | grep -oE '\]\([^) ]+' | sed 's/^](//' |
    while read -r link; do
        case $link in
            [a-z]*://* | mailto:*) continue ;;
        esac
        echo "$page $link" >>"$scratch/links"
        target=${link%%#*}
        anchor=
        case $link in *'#'*) anchor=${link#*#} ;; esac
        case $target in
            '') file=$page ;;
            /*) bad "$page: $link is not relative"; continue ;;
            *) file=$(dirname "$page")/$target ;;
        esac
        if [ ! -e "$file" ]; then
            bad "$page: $link leads nowhere"
        elif [ -n "$anchor" ] && [ -f "$file" ]; then
            anchors "$file" | grep -qxF -e "$anchor" ||
                bad "$page: $link: there is no such heading"
        fi
    done
done <"$scratch/pages"
if [ -f llmgwctl/commands.def ]; then
    manual=llmgwctl/llmgwctl.1.md
    sed -n 's/^NOUN(\([a-z]*\))$/\1/p' llmgwctl/commands.def >"$scratch/nouns"
    [ -s "$scratch/nouns" ] || broken "llmgwctl/commands.def names no command"
    [ -f "$manual" ] || bad "llmgwctl has no manual page $manual"
    while read -r noun; do
        grep -qE "^### $noun( |\$)" "$manual" 2>/dev/null ||
            bad "$manual: has no heading for '$noun'"
    done <"$scratch/nouns"
fi
finish "$(count "$scratch/pages")" "pages"
