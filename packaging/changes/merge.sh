#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Moves the change notes of this folder to the top of CHANGES, below the
# heading of the version that configure.ac names; writes that heading when the
# version is a new one.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
version=$(sed -n 's/^AC_INIT(\[[a-z_]*\], *\[\([^]]*\)\].*/\1/p' \
    "$top/configure.ac")
[ -n "$version" ] || { echo "configure.ac names no version" >&2; exit 1; }
heading="Changes with mod_llm_gateway $version"

found=$(find "$here" -name '*.txt' -type f | sort)
[ -n "$found" ] || { echo "there is no change note"; exit 0; }

new=$top/CHANGES.new
trap 'rm -f "$new"' EXIT
{
    head -n 1 "$top/CHANGES"
    printf '%s\n' "$heading"
    for note in $found; do
        echo
        cat "$note"
    done
    if grep -qxF "$heading" "$top/CHANGES"; then
        tail -n +2 "$top/CHANGES" | grep -vxF "$heading"
    else
        echo
        tail -n +2 "$top/CHANGES"
    fi
} >"$new"
mv "$new" "$top/CHANGES"
rm -f $found
echo "merged $(echo "$found" | wc -l) notes into CHANGES for $version"
