#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The vectors, and mutants of them, through every dialect: what fuzz_dialect.c
# says must hold of any input holds of theirs.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${top_builddir:-.}
folder=$(mktemp -d "${TMPDIR:-/tmp}/llmgw-seeds-XXXXXX")
trap 'rm -rf "$folder"' EXIT
sh "$top/test/fuzz/seeds.sh" "$folder" >&2
"$build/test/fuzz/replay_dialect" "$folder"
