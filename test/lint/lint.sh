# SPDX-License-Identifier: Apache-2.0
#
# What the checks of the sources share; read in with `.`, not run.
#
# A check looks at the tree in $top_srcdir (this file's own when it is not
# set), calls `bad` for each thing it finds, and ends with `finish`. One that
# did not see what it is about must end with `absent` where that is still to be
# written (automake counts the exit status 77 as skipped), and with `broken`
# where it should be there: to see nothing is not to find nothing.

set -eu
LC_ALL=C
export LC_ALL

check=${0##*/}
check=${check%.sh}
tree=${top_srcdir:-$(dirname "$0")/../..}
build=${top_builddir:-}
cd "$tree" || exit 99

scratch=$(mktemp -d "${TMPDIR:-/tmp}/lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM
: >"$scratch/bad"

# A function may run in a pipe's subshell, so what is found goes to a file.
bad()
{
    printf '%s: %s\n' "$check" "$*" >>"$scratch/bad"
}

absent()
{
    echo "$check: skipped: $*"
    exit 77
}

broken()
{
    echo "$check: cannot check: $*"
    exit 1
}

# finish COUNT WHAT: the verdict, after COUNT things were looked at.
finish()
{
    if [ -s "$scratch/bad" ]; then
        sort -u "$scratch/bad"
        echo "$check: $(sort -u "$scratch/bad" | wc -l) found in $1 $2"
        exit 1
    fi
    [ "$1" -gt 0 ] || broken "there are no $2"
    echo "$check: $1 $2 are in order"
    exit 0
}

count()
{
    wc -l <"$1" | tr -d ' '
}

# The C sources in the folders given, or in all of ours.
c_sources()
{
    [ $# -gt 0 ] || set -- mod_llm_gateway llmgwctl test
    for folder; do
        [ ! -d "$folder" ] || find "$folder" -name '*.[ch]' -type f
    done | sort
}

# A C file without comments and without what strings say, lines kept in place.
code_of()
{
    awk '
    {
        out = ""
        n = length($0)
        for (i = 1; i <= n; ++i) {
            c = substr($0, i, 1)
            two = substr($0, i, 2)
            if (comment) {
                if (two == "*/") { comment = 0; ++i }
            }
            else if (quote != "") {
                if (c == "\\") { ++i }
                else if (c == quote) { quote = ""; out = out c }
            }
            else if (two == "/*") { comment = 1; ++i }
            else if (two == "//") { break }
            else {
                if (c == "\"" || c == "\047") { quote = c }
                out = out c
            }
        }
        quote = ""
        print out
    }' "$1"
}
