#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The jobs that take longer than `sh test/run.sh`, so that a developer runs
# what continuous integration runs. A job is a function job_NAME and the comment
# above it, which is its help; packaging/README.md says how long each takes.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
work=${LLMGW_BUILD:-$top/build}/ci
jobs=$(nproc 2>/dev/null || echo 2)

usage()
{
    echo "usage: sh packaging/ci/run.sh JOB [ARGUMENT ...]"
    echo
    awk '/^# / { text = text (text ? "\n              " : "") substr($0, 3) }
         /^job_/ { sub(/^job_/, ""); sub(/\(.*/, "")
                   printf "  %-11s %s\n", $0, text }
         /^[^#]|^$/ { text = "" }' "$top/packaging/ci/run.sh"
}

die()
{
    printf 'packaging/ci/run.sh: %s\n' "$*" >&2
    exit 1
}

need()
{
    command -v "$1" >/dev/null 2>&1 ||
        die "$1 was not found; it is in the package $2"
}

# configured NAME FLAG ...: a build folder of its own; prints its path.
configured()
{
    folder=$work/$1
    shift
    [ -x configure ] || autoreconf -i >&2
    mkdir -p "$folder"
    (cd "$folder" && "$top/configure" -q "$@") >&2
    echo "$folder"
}

# The release: it builds, passes and cleans up, and holds every file we keep.
job_distcheck()
{
    folder=$(configured distcheck)
    make -C "$folder" -j"$jobs" distcheck
    tarball=$(find "$folder" -maxdepth 1 -name 'mod_llm_gateway-*.tar.gz')
    [ -f "$tarball" ] || die "make distcheck left no tarball"
    [ -e .git ] || { echo "not a clone: what is in it was not compared"; return; }
    tar -tzf "$tarball" | sed 's|^[^/]*/||' | grep -v '/$' | sort >"$folder/in"
    git ls-files | grep -v '^\.gitignore$' | sort >"$folder/kept"
    if comm -13 "$folder/in" "$folder/kept" | grep .; then
        die "these files are missing in ${tarball##*/}"
    fi
    grep -E '(__pycache__|\.pyc$|\.o$|/\.libs/)' "$folder/in" &&
        die "these files do not belong in ${tarball##*/}"
    echo "${tarball##*/}: $(wc -l <"$folder/in") files, all of ours among them"
}

# gcc and clang: no warning with either.
job_werror()
{
    for cc in gcc clang; do
        need $cc $cc
        folder=$(configured "werror-$cc" --enable-werror CC=$cc)
        make -C "$folder" clean >/dev/null
        make -C "$folder" -j"$jobs" all
        make -C "$folder" -j"$jobs" check TESTS=
    done
}

# The unit tests and a real httpd under the sanitizers.
job_asan()
{
    sh test/run.sh asan "$@"
}

# The unit tests under valgrind: leaks and reads of what was never written.
job_valgrind()
{
    need valgrind valgrind
    folder=$(configured valgrind)
    make -C "$folder" -j"$jobs" check TESTS=
    for program in $(make -s -C "$folder" print-unit-programs); do
        echo "== $program"
        (cd "$folder" && CK_FORK=no CK_DEFAULT_TIMEOUT=0 ./libtool --mode=execute \
            valgrind -q --error-exitcode=99 --leak-check=full \
            --errors-for-leak-kinds=definite "$program" >valgrind.out 2>&1) ||
            { tail -n 60 "$folder/valgrind.out"; die "$program failed"; }
    done
}

# Each fuzz target at once on all cores, FUZZ_SECONDS in all (default 3600);
# stops at the first failure, whose input is saved and named.
job_fuzz()
{
    need clang clang
    folder=$work/fuzz
    mkdir -p "$folder"
    sh test/fuzz/build.sh "$folder" "$@" >"$folder/built"
    targets=$(sed 's,.*/fuzz_,,' "$folder/built")
    # the dialects are most of what is read: four times as long
    turns=$(for name in $targets; do
        echo "$name"
        [ "$name" != dialect ] || printf 'dialect\ndialect\ndialect\n'
    done | wc -l)
    share=$((${FUZZ_SECONDS:-3600} * jobs / turns))
    for name in $targets; do
        seconds=$((share > 5 ? share : 5))
        [ "$name" != dialect ] || seconds=$((4 * seconds))
        echo "$name $seconds"
    done | sort -k2nr | xargs -P "$jobs" -n 2 sh test/fuzz/run.sh "$folder" ||
        die "a property is broken; its input is in $folder/failed"
}

# A million cases of each property of translation; with arguments those of
# test/property/property instead: --seed 7 --cases 1 streams.
job_property()
{
    folder=$(configured property CFLAGS='-O2 -g')
    make -C "$folder" -j"$jobs" test/property/property
    program=$folder/test/property/property
    [ $# -eq 0 ] || { "$program" "$@"; return; }
    if printf '%s\n' requests answers streams deltas passing |
        xargs -P "$jobs" -I NAME "$program" --cases 1000000 NAME \
            >"$folder/property.out"; then
        echo "$(grep -c '^ok' "$folder/property.out") hold"
    else
        grep -v '^ok' "$folder/property.out"
        die "a property does not hold"
    fi
}

# Each client dialect to each provider's with a real httpd, and the table of
# what passed, which the docs have as internals/pairs.md.
job_pairs()
{
    sh test/run.sh pairs "${1:-$work/pairs.md}"
}

# Every official SDK on every provider; none may be skipped.
job_sdk()
{
    need npm npm
    need node nodejs
    sh test/run.sh sdk "$@" | tee "$work/sdk.out"
    tail -n 1 "$work/sdk.out" | grep -q ' 0 failed, 0 skipped' ||
        die "not every SDK was tried, or one failed"
}

# The command line agents from npm, in pinned versions, on every provider; with
# arguments those of test/agents/agents.py: --agent codex --provider gemini.
job_agents()
{
    need npm npm
    need node nodejs
    folder=$(configured agents)
    make -C "$folder" -j"$jobs" >/dev/null
    mkdir -p "$folder/npm"
    cp test/agents/package.json "$folder/npm"
    (cd "$folder/npm" && npm install --silent --no-audit --no-fund \
        --no-package-lock &&
        node node_modules/@anthropic-ai/claude-code/install.cjs)
    LLMGW_BUILD=$folder python3 test/agents/agents.py "$folder/npm" "$@"
}

# clang-tidy, cppcheck, clang-format: no remark.
job_tidy()
{
    need clang-format clang-format
    need clang-tidy clang-tidy
    need cppcheck cppcheck
    need bear bear
    folder=$(configured tidy)
    make -C "$folder" clean >/dev/null
    (cd "$folder" && bear -- make -j"$jobs" all >/dev/null)
    sources=$(find mod_llm_gateway llmgwctl -name '*.c')
    # shellcheck disable=SC2086
    clang-format --dry-run -Werror $(find mod_llm_gateway llmgwctl test/unit \
        -name '*.[ch]')
    # shellcheck disable=SC2086
    clang-tidy -p "$folder" --quiet --warnings-as-errors='*' $sources
    cppcheck --project="$folder/compile_commands.json" --quiet \
        --enable=warning,portability --inline-suppr --error-exitcode=1 \
        --suppress='*:/usr/include/*'
}

# Requests per second, latencies and memory beside stock mod_proxy_http.
job_bench()
{
    folder=$(configured bench CFLAGS='-O2 -g')
    make -C "$folder" -j"$jobs"
    make -C "$folder" bench
}

# Times of llmgwctl with a large store: 100,000 keys, 10 million requests.
job_bench_store()
{
    folder=$(configured bench CFLAGS='-O2 -g')
    make -C "$folder" -j"$jobs" all
    make -C "$folder" bench-store
}

# The encoder against the npm package tiktoken, for each character there is,
# and how long it takes; where recordings are, how near counts come elsewhere.
job_tokens()
{
    need npm npm
    need node nodejs
    folder=$(configured tokens CFLAGS='-O2 -g')
    make -C "$folder" -j"$jobs" test/tokens/encode
    (cd "$folder" && npm pack --silent tiktoken@1.0.22 &&
        tar -xzf tiktoken-1.0.22.tgz) >/dev/null
    sh packaging/vocabulary.sh "$folder/vocabulary" \
        "$folder/tiktoken-1.0.22.tgz"
    encode=$folder/test/tokens/encode
    node test/tokens/compare.mjs "$encode" "$folder/vocabulary" \
        "$folder/package" --every-character
    cat mod_llm_gateway/*/*.c | head -c 100000 >"$folder/code"
    cat mod_llm_gateway/docs/*.md mod_llm_gateway/docs/*/*.md |
        head -c 100000 >"$folder/prose"
    for encoding in cl100k_base o200k_base; do
        "$encode" "$folder/vocabulary" $encoding "$folder/code" "$folder/prose"
    done
    recorded=${LLMGW_RECORDED:-../shared/recorded}
    [ -d "$recorded" ] || return 0
    for vocabulary in "$folder/vocabulary" -; do
        python3 test/tokens/accuracy.py --check "$encode" "$vocabulary" "$recorded"
    done
}

# A thousand kills of the store's processes, and a thousand with a real httpd.
job_kill()
{
    folder=$(configured kill CFLAGS='-O2 -g')
    make -C "$folder" -j"$jobs" test/store/storekill
    "$folder/test/store/storekill" --kills "${1:-1000}"
    LLMGW_KILLS=${1:-1000} sh test/run.sh httpd test_080_kills.py
}

# Every corpus, the vectors and what fuzzing found, replayed under the sanitizers.
job_replay()
{
    folder=$(configured replay --enable-asan)
    make -C "$folder" -j"$jobs" check TESTS=
    for program in "$folder"/test/fuzz/replay_*; do
        case $program in *.o | *.log | *.trs) continue ;; esac
        name=${program##*/replay_}
        echo "== $name"
        "$program" | grep -v '^ok' || true
        found=$work/fuzz/found/$name
        [ ! -d "$found" ] || "$program" "$found" | tail -n 1
    done
    (cd "$folder" && top_srcdir=$top top_builddir=. sh "$top/test/fuzz/vectors.sh") |
        tail -n 1
}

# What a newcomer does: the quickstart, and the commands it tells to try next.
job_quickstart()
{
    need git git
    copy=$work/quickstart
    rm -rf "$copy"
    mkdir -p "$work"
    git clone -q "$top" "$copy"
    (cd "$copy" && sh packaging/quickstart.sh) | tee "$work/quickstart.out"
    # In the answers: two models' lines of usage.
    grep -q '^total  *-  *2  *0 ' "$work/quickstart.out" ||
        die "the quickstart did not come to its table of usage"
    sed -n '/^Three commands/,/^To stop it/p' "$work/quickstart.out" |
        sed '1d;$d' >"$work/quickstart.next"
    (cd "$copy" && sh -ex "$work/quickstart.next") >"$work/quickstart.said"
    for word in '"object":"list"' 'data: \[DONE\]' gemini-2.5-flash; do
        grep -q "$word" "$work/quickstart.said" ||
            die "a command to try next did not answer with $word"
    done
    (cd "$copy" && sh packaging/quickstart.sh --stop)
}

job=${1:-}
case $job in
    '' | -h | --help) usage; exit 0 ;;
esac
grep -q "^job_$job()" "$top/packaging/ci/run.sh" || {
    usage >&2
    die "there is no job '$job'"
}
shift
"job_$job" "$@"
