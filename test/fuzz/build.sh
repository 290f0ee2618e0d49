#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds every fuzz target for libFuzzer with the address and undefined
# behaviour sanitizers:
#
#     sh test/fuzz/build.sh FOLDER [json...]
#     FOLDER/fuzz_json -max_total_time=60 test/fuzz/corpus/json
#
# It needs clang with its runtime (Debian: clang, libclang-rt-*-dev). CC and
# CFLAGS may be set.
set -eu

[ $# -ge 1 ] || { echo "usage: sh test/fuzz/build.sh FOLDER [TARGET...]" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift

cc=${CC:-clang}
flags="-std=gnu99 -g -O1 -fno-omit-frame-pointer ${CFLAGS:-}
 -fsanitize=address,undefined -fno-sanitize-recover=undefined
 -I$top/mod_llm_gateway -I$top
 -DLLMGW_VERSION=\"fuzz\" -DLLMGW_DATADIR=\"/nowhere\"
 -DLLMGW_FUZZ_VOCABULARY=\"$top/test/vectors/tokens/vocabulary\"
 -DLLM_HAVE_ZLIB
 $(pkg-config --cflags apr-1 apr-util-1 libcjson openssl zlib libcurl) ${DB_CPPFLAGS:-}"
libs="$(pkg-config --libs apr-util-1 apr-1 libcjson openssl zlib libcurl) ${DB_LIBS:--ldb}"

# The layers without httpd become one archive, of which a target takes what
# it uses.
mkdir -p "$out/objects"
rm -f "$out/libfuzzed.a"
for file in "$top"/mod_llm_gateway/core/*.c \
    "$top"/mod_llm_gateway/dialect/*.c \
    "$top"/mod_llm_gateway/net/*.c \
    "$top"/mod_llm_gateway/store/*.c \
    "$top"/mod_llm_gateway/route/*.c \
    "$top"/mod_llm_gateway/flow/*.c \
    "$top"/llmgwctl/*.c; do
    [ -f "$file" ] || continue
    [ "$file" != "$top/llmgwctl/main.c" ] || continue
    name=${file#"$top"/mod_llm_gateway/}
    name=${name#"$top"/}
    object=$out/objects/$(echo "${name%.c}" | tr / -).o
    $cc $flags -fsanitize=fuzzer-no-link -c "$file" -o "$object"
    ar -q "$out/libfuzzed.a" "$object" 2>/dev/null
done

[ $# -gt 0 ] || set -- "$top"/test/fuzz/fuzz_*.c
for target; do
    name=${target##*/}
    name=${name%.c}
    name=fuzz_${name#fuzz_}
    $cc $flags -fsanitize=fuzzer "$top/test/fuzz/$name.c" \
        "$out/libfuzzed.a" $libs -o "$out/$name"
    echo "$out/$name"
done
