#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs one fuzz target that build.sh built, for some seconds:
#
#     sh test/fuzz/run.sh FOLDER NAME SECONDS
#
# It begins with the corpus, for `dialect` with the vectors as well, and with
# what runs before found new, which is kept in FOLDER/found/NAME. An input that
# breaks something is saved as FOLDER/failed/NAME-..., and ends the run with
# status 255, at which xargs stops. Prints one line, and all of a failure.
set -eu

[ $# -eq 3 ] || { echo "usage: sh test/fuzz/run.sh FOLDER NAME SECONDS" >&2; exit 2; }
top=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1 name=$2 seconds=$3

[ -x "$folder/fuzz_$name" ] || {
    echo "there is no $folder/fuzz_$name; test/fuzz/build.sh makes it" >&2
    exit 2
}
mkdir -p "$folder/found/$name" "$folder/failed"
set -- "$folder/found/$name" "$top/test/fuzz/corpus/$name"
if [ "$name" = dialect ]; then
    rm -rf "$folder/seeds"
    sh "$top/test/fuzz/seeds.sh" "$folder/seeds" >/dev/null
    set -- "$@" "$folder/seeds"
fi

# What the readers look for: a fuzzer seldom makes a whole word by chance.
words=$folder/$name.words
grep -ohE '"[A-Za-z_][A-Za-z0-9_.:-]{1,40}"' \
    "$top"/mod_llm_gateway/core/*.c "$top"/mod_llm_gateway/dialect/*.c |
    sort -u | sed 's/^"\(.*\)"$/"\\"\1\\""/' >"$words"

log=$folder/$name.log
status=0
"$folder/fuzz_$name" -max_total_time="$seconds" -timeout=10 -max_len=6000 \
    -rss_limit_mb=2048 -dict="$words" -print_final_stats=1 \
    -artifact_prefix="$folder/failed/$name-" "$@" >"$log" 2>&1 || status=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
if [ "$status" -ne 0 ]; then
    tail -n 60 "$log"
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "$name: failed after ${runs:-some} runs; the input is ${input:-in $log}"
    exit 255
fi
echo "$name: $runs runs in $seconds s," \
    "$(find "$folder/found/$name" -type f | wc -l) inputs kept"
