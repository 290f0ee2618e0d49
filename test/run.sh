#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# All tests with one command: installs what is missing (Debian, Ubuntu), builds
# out of tree, runs each group and prints `N passed, N failed, N skipped` last.
# The sums are read from what the test tools wrote (automake's .trs, TAP,
# pytest's junit file), never from a tool's exit status alone; a group that
# should have run and left nothing to read counts as failed.

usage()
{
    cat <<'USAGE'
usage: sh test/run.sh [GROUP [ARGUMENT ...]]

Without a group all of them run.

  unit [FOLDER [SUITE]]   libcheck programs, fuzz corpora:  unit core sse
  lint [CHECK]            the checks of the sources:  lint layers
  httpd [PYTEST ...]      a real httpd:  httpd test_010_chat.py -k stream
  pairs [FILE]            the table of client and provider dialects, and what
                          passed of what; also written to FILE
  sdk [PYTEST ...]        the providers' official SDKs as clients
  asan [PYTEST ...]       unit and httpd again, under the sanitizers

In the environment:
  LLMGW_BUILD=DIR         build folder (default: build/test)
  LLMGW_CONFIGURE=FLAGS   more flags for configure
  LLMGW_RECORDED=DIR      recorded exchanges (default: ../shared/recorded)
  LLMGW_SAMPLE=N          only each Nth of them; when all groups run it is 5
                          under the sanitizers
  LLMGW_VOCABULARY=FILE   for counting tokens (default: made with npm)
USAGE
}

set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd "$top" || exit 1
build=${LLMGW_BUILD:-build/test}
case $build in /*) ;; *) build=$top/$build ;; esac
jobs=$(nproc 2>/dev/null || echo 2)
passed=0 failed=0 skipped=0
groups_failed=

say()
{
    printf '\n== %s\n' "$*"
}

die()
{
    printf 'test/run.sh: %s\n' "$*" >&2
    exit 1
}

# add GROUP PASSED FAILED SKIPPED
add()
{
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    echo "$1: $2 passed, $3 failed, $4 skipped"
    [ "$3" -eq 0 ] || groups_failed="$groups_failed $1"
}

# -------------------------------------------------------------------- build

# need, need_to_build, build_in
# shellcheck source=packaging/build.sh
. "$top/packaging/build.sh"

built=
build_once()
{
    [ -z "$built" ] || return 0
    need_to_build check
    # shellcheck disable=SC2086
    build_in "$build" ${LLMGW_CONFIGURE:-}
    built=yes
}

# The vocabulary for counting tokens, where npm can fetch what it is made of;
# without it the tests that need it say that they were left out.
vocabulary_once()
{
    [ -z "${LLMGW_VOCABULARY:-}" ] || return 0
    if [ ! -f "$build/vocabulary" ]; then
        has npm && has python3 &&
            npm_config_fetch_retries=0 timeout 60 sh packaging/vocabulary.sh \
                "$build/vocabulary" >"$log" 2>&1 || return 0
    fi
    LLMGW_VOCABULARY=$build/vocabulary
    export LLMGW_VOCABULARY
}

# ----------------------------------------------------------------- counting

# Of a TAP program what failed, of a check all it says.
show_failure()
{
    if grep -q '^1\.\.' "$1.log"; then
        grep -E -e '^(not ok|Bail out)|:[0-9]+:[FE]:|runtime error' \
            -e '^(==[0-9]+==)?(ERROR|SUMMARY)' "$1.log" | sort -u | head -n 40
    else
        tail -n 40 "$1.log"
    fi
}

# count_trs GROUP NAME ...: what automake wrote about these tests. A program
# that failed ends with an ERROR for its exit status; that is no further test.
count_trs()
{
    group=$1
    shift
    p=0 f=0 s=0
    for name; do
        if [ ! -f "$name.trs" ]; then
            echo "FAIL: ${name##*/} did not run"
            f=$((f + 1))
            continue
        fi
        is_pass=$(grep -c '^:test-result: \(PASS\|XFAIL\)' "$name.trs")
        is_fail=$(grep -c '^:test-result: \(FAIL\|XPASS\)' "$name.trs")
        is_skip=$(grep -c '^:test-result: SKIP' "$name.trs")
        [ "$is_fail" -gt 0 ] ||
            is_fail=$(grep -c '^:test-result: ERROR' "$name.trs")
        [ $((is_pass + is_fail + is_skip)) -gt 0 ] || is_fail=1
        p=$((p + is_pass)) f=$((f + is_fail)) s=$((s + is_skip))
        [ "$is_fail" -eq 0 ] || show_failure "$name"
    done
    add "$group" "$p" "$f" "$s"
}

# count_junit GROUP FILE: what pytest wrote.
count_junit()
{
    counts=$("$python" - "$2" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
try:
    cases = list(tree.parse(sys.argv[1]).iter("testcase"))
except (OSError, tree.ParseError):
    cases = []
# A test that failed and whose end failed too is there twice: the worst counts.
worst = {}
for case in cases:
    name = (case.get("classname"), case.get("name"))
    said = {child.tag for child in case}
    state = 2 if said & {"failure", "error"} else 1 if "skipped" in said else 0
    worst[name] = max(state, worst.get(name, 0))
states = list(worst.values())
print(states.count(0), states.count(2), states.count(1))
PYTHON
    ) || counts='0 1 0'
    # shellcheck disable=SC2086
    set -- "$1" $counts
    # An exit status that the file does not explain is a failure of its own:
    # nothing was collected, or pytest was stopped.
    if [ "$status" -ne 0 ] && [ "$3" -eq 0 ]; then
        echo "$1: pytest ended with status $status"
        set -- "$1" "$2" 1 "$4"
    fi
    add "$@"
}

# ------------------------------------------------------------------- groups

# make's list of a group's tests, relative to the build folder.
names_of()
{
    make -s -C "$1" print-"$2"
}

# in_build FOLDER TARGET: make's own lines about each test are left out.
in_build()
{
    make -C "$1" -k -j"$jobs" "$2" >"$1/$2.out" 2>&1
    grep -vE '^(PASS|FAIL|SKIP|ERROR)' "$1/$2.out" |
        grep -E 'warning:|error:|\*\*\* .*\.(l?o|la)\]'
    return 0
}

# unit_in GROUP FOLDER
unit_in()
{
    names=$(names_of "$2" unit-programs)
    [ -n "$names" ] || die "make lists no unit test program"
    (cd "$2" && for name in $names; do rm -f "$name.trs"; done)
    in_build "$2" check-unit
    here=$(pwd)
    cd "$2" || exit 1
    # shellcheck disable=SC2086
    count_trs "$1" $names
    cd "$here" || exit 1
}

group_unit()
{
    build_once
    vocabulary_once
    say "unit tests"
    if [ $# -eq 0 ]; then
        unit_in unit "$build"
        return
    fi
    program=test/unit/test_$1
    shift
    make -s -C "$build" "$program" >"$log" 2>&1 ||
        { cat "$log"; die "could not make $program"; }
    "$build/$program" "$@" >"$log" 2>&1
    status=$?
    cat "$log"
    p=$(grep -c '^ok ' "$log") f=$(grep -c '^not ok ' "$log")
    [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    add unit "$p" "$f" 0
}

group_lint()
{
    build_once
    say "checks of the sources"
    names=$(names_of "$build" lint-checks)
    if [ $# -gt 0 ]; then
        names=test/lint/$1.sh
        [ -f "$names" ] || die "there is no check $1"
    fi
    names=$(for name in $names; do echo "${name%.sh}"; done)
    (cd "$build" && for name in $names; do rm -f "$name.trs"; done)
    if [ $# -gt 0 ]; then
        make -s -C "$build" "$names.log" >"$log" 2>&1
    else
        in_build "$build" check-lint
    fi
    cd "$build" || exit 1
    # shellcheck disable=SC2086
    count_trs lint $names
    cd "$top" || exit 1
}

# run_pytest FOLDER-OF-TESTS BUILD-FOLDER JUNIT-FILE ARGUMENT ...
run_pytest()
{
    (
        cd "$1" || exit 1
        folder=$2 junit=$3
        shift 3
        rm -f "$junit"
        LLMGW_BUILD=$folder PYTHONDONTWRITEBYTECODE=1 \
            "$python" -m pytest -q -p no:cacheprovider --junitxml="$junit" "$@"
    )
}

# pytest_in GROUP FOLDER-OF-TESTS BUILD-FOLDER ARGUMENT ...
pytest_in()
{
    group=$1 tests=$2 folder=$3
    shift 3
    run_pytest "$tests" "$folder" "$folder/$group.xml" "$@"
    status=$?
    count_junit "$group" "$folder/$group.xml"
}

# The tests with a real httpd in parts that run at once, since much of their
# time is waiting: what is translated, made up and recorded, and the rest.
parts='translation recorded serving keeping'

# The files of a part, in the tests' folder.
files_of()
{
    case $1 in
    translation) echo test_030_translation.py ;;
    recorded) echo test_130_recorded.py ;;
    serving) ls test_0*.py | grep -v test_030_ ;;
    keeping) ls test_[1-9]*.py | grep -v test_130_ ;;
    esac
}

# begin_httpd GROUP BUILD-FOLDER: all parts; end_httpd waits for them.
begin_httpd()
{
    running=
    for part in $parts; do
        # shellcheck disable=SC2046
        run_pytest "$top/test/httpd" "$2" "$2/$1-$part.xml" \
            $(cd "$top/test/httpd" && files_of "$part") \
            >"$2/$1-$part.out" 2>&1 &
        running="$running $!"
    done
}

end_httpd()
{
    group=$1 folder=$2
    for part in $parts; do
        # shellcheck disable=SC2086
        set -- $running
        wait "$1"
        status=$?
        shift
        running=$*
        cat "$folder/$group-$part.out"
        count_junit "$group, $part" "$folder/$group-$part.xml"
    done
}

need_for_httpd()
{
    need curl python3 python3-pytest
}

group_httpd()
{
    build_once
    need_for_httpd
    say "tests with a real httpd"
    if [ $# -gt 0 ]; then
        pytest_in httpd "$top/test/httpd" "$build" "$@"
    else
        begin_httpd httpd "$build"
        end_httpd httpd "$build"
    fi
}

group_pairs()
{
    build_once
    need_for_httpd
    say "client dialects on provider dialects"
    table=$build/pairs.md
    pytest_in pairs "$top/test/httpd" "$build" --pairs "$table" \
        test_030_translation.py test_130_recorded.py
    [ $# -eq 0 ] || cp "$table" "$1"
}

group_asan()
{
    need_to_build check
    need_for_httpd
    asan=$build/asan
    # shellcheck disable=SC2086
    build_in "$asan" --enable-asan ${LLMGW_CONFIGURE:-}
    say "unit tests and a real httpd, under the sanitizers"
    LLMGW_ASAN=1
    export LLMGW_ASAN
    if [ $# -gt 0 ]; then
        pytest_in asan "$top/test/httpd" "$asan" "$@"
    else
        begin_httpd asan "$asan"
        unit_in asan-unit "$asan"
        end_httpd asan "$asan"
    fi
    unset LLMGW_ASAN
}

# The tests fetch the SDKs into the build folder themselves, and are skipped
# where the registries cannot be reached.
group_sdk()
{
    need_for_sdk
    say "official SDKs as clients"
    pytest_in sdk "$top/test/sdk" "$build" "$@"
}

need_for_sdk()
{
    build_once
    need_for_httpd
    (need python3-venv nodejs npm) ||
        echo "sdk: tests of SDKs whose language is missing will be skipped"
}

# When all groups run, fetching the SDKs and much of what they do is waiting:
# they are tried while the tests with a real httpd run.
begin_sdk()
{
    need_for_sdk
    run_pytest "$top/test/sdk" "$build" "$build/sdk.xml" >"$build/sdk.out" 2>&1 &
    sdk=$!
}

end_sdk()
{
    wait "$sdk"
    status=$?
    say "official SDKs as clients"
    cat "$build/sdk.out"
    count_junit sdk "$build/sdk.xml"
}

# ---------------------------------------------------------------------- all

case ${1:-all} in
    -h | --help | help) usage; exit 0 ;;
    all | unit | lint | httpd | pairs | sdk | asan) ;;
    *) usage >&2; die "there is no group '$1'" ;;
esac

mkdir -p "$build" || exit 1
log=$build/run.log
if [ $# -eq 0 ] || [ "$1" = all ]; then
    group_unit
    group_lint
    begin_sdk
    group_httpd
    end_sdk
    # what each recording shows was shown above: here the code is looked at
    LLMGW_SAMPLE=${LLMGW_SAMPLE:-5}
    export LLMGW_SAMPLE
    group_asan
else
    group=$1
    shift
    "group_$group" "$@"
fi

echo
[ -z "$groups_failed" ] || echo "failed:$groups_failed"
[ "$passed" -gt 0 ] || echo "no test has passed"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
