#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the vocabulary file (the page of LLMVocabulary tells what it is for) of
# the npm package tiktoken. The package is fetched with npm, as npm is set up
# on this machine, and must be the very one that is named here; a copy of it
# that is there already can be given instead.
set -u

usage()
{
    echo "usage: sh packaging/vocabulary.sh OUTPUT [tiktoken-$version.tgz]" >&2
}

version=1.0.22
sum=55c339e756fdb17604f7c7e3eb35d2bcbffe4d960e8096e50285d1cefa51dd90

die()
{
    echo "vocabulary.sh: $*" >&2
    exit 1
}

case $# in
    1 | 2) ;;
    *) usage; exit 2 ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
output=$1
command -v python3 >/dev/null || die "needs python3"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/vocabulary.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

if [ $# -eq 2 ]; then
    archive=$2
else
    command -v npm >/dev/null || die "needs npm, or the package as a file"
    archive=$scratch/tiktoken-$version.tgz
    (cd "$scratch" && npm pack --silent "tiktoken@$version" >/dev/null) ||
        die "npm could not fetch tiktoken@$version"
fi
[ -f "$archive" ] || die "$archive is not there"
[ "$(sha256sum <"$archive" | cut -d' ' -f1)" = "$sum" ] ||
    die "$archive is not the package tiktoken $version"
tar -xzf "$archive" -C "$scratch" package/encoders ||
    die "$archive cannot be unpacked"
python3 "$top/packaging/vocabulary.py" "$scratch/package/encoders" "$output" ||
    exit 1
