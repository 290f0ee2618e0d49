# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
#
# What a script needs before it can run the gateway: the packages and a build.
# To be sourced. The script that does so has set `top` (the sources) and `log`
# (a file for what the tools say), and defines `say` (a heading) and `die`.

has()
{
    command -v "$1" >/dev/null 2>&1
}

# Debian's package, and how to see whether what it brings is there already.
probe()
{
    case $1 in
        gcc) has gcc ;;
        libc6-dev) [ -f /usr/include/stdlib.h ] ;;
        make) has make ;;
        autoconf) has autoconf ;;
        automake) has automake ;;
        libtool) has libtoolize ;;
        pkg-config) has pkg-config ;;
        apache2-dev) has apxs || has apxs2 || [ -x /usr/bin/apxs ] ;;
        apache2-bin) has apache2 || has httpd || [ -x /usr/sbin/apache2 ] ;;
        libapr1-dev) pkg-config --exists apr-1 ;;
        libaprutil1-dev) pkg-config --exists apr-util-1 ;;
        libcjson-dev) pkg-config --exists libcjson ;;
        libssl-dev) pkg-config --exists openssl ;;
        libcurl4-openssl-dev) pkg-config --exists libcurl ;;
        zlib1g-dev) pkg-config --exists zlib ;;
        libdb5.3-dev) echo '#include <db.h>' | gcc -E - >/dev/null 2>&1 ;;
        check) pkg-config --exists check ;;
        ca-certificates) [ -f /etc/ssl/certs/ca-certificates.crt ] ;;
        curl) has curl ;;
        python3) has python3 ;;
        python3-pytest) find_pytest ;;
        python3-venv) "${python:-python3}" -c 'import ensurepip' 2>/dev/null ;;
        nodejs) has node ;;
        npm) has npm ;;
        *) die "no way to look for $1" ;;
    esac
}

# A Python that has pytest: the one in PATH, or the distribution's.
find_pytest()
{
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import pytest' 2>/dev/null && return 0
    done
    python=
    return 1
}

missing_of()
{
    missing=
    for package; do
        probe "$package" || missing="$missing $package"
    done
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# need PACKAGE ...: installs those whose content is not there yet.
need()
{
    missing_of "$@"
    [ -n "$missing" ] || return 0
    has apt-get || {
        echo "These are missing (names of Debian's packages):$missing" >&2
        die "install what brings them here, then run this again"
    }
    [ "$(id -u)" -eq 0 ] || has sudo ||
        die "as root, run: apt-get install$missing"
    say "installing$missing"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing >"$log" 2>&1 || {
        as_root apt-get update >"$log" 2>&1
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends $missing >>"$log" 2>&1
    } || {
        tail -n 20 "$log" >&2
        die "could not install:$missing; all apt said is in $log"
    }
    missing_of "$@"
    [ -z "$missing" ] || die "installed, but still not found:$missing"
}

# apache2-bin only: nothing is started, nothing of the system's changes.
need_to_build()
{
    need gcc libc6-dev make autoconf automake libtool pkg-config apache2-dev \
        apache2-bin libapr1-dev libaprutil1-dev libcjson-dev libssl-dev \
        libcurl4-openssl-dev libdb5.3-dev zlib1g-dev "$@"
}

# build_in FOLDER FLAG ...: configures when the flags are new, then makes.
build_in()
{
    folder=$1
    shift
    say "building in ${folder#"$top"/}"
    [ ! -f "$top/config.status" ] ||
        die "the sources are configured in place; run 'make distclean' first"
    if [ ! -x "$top/configure" ]; then
        (cd "$top" && autoreconf -i) >"$log" 2>&1 ||
            { tail -n 30 "$log" >&2; die "autoreconf failed; see $log"; }
    fi
    mkdir -p "$folder" || die "cannot make the folder $folder"
    if [ ! -f "$folder/Makefile" ] ||
        [ "$(cat "$folder/.flags" 2>/dev/null)" != "$*" ]; then
        (cd "$folder" && "$top/configure" "$@") >"$log" 2>&1 ||
            { tail -n 30 "$log" >&2; die "configure failed; see $log"; }
        printf '%s' "$*" >"$folder/.flags"
    fi
    make -C "$folder" -j"$(nproc 2>/dev/null || echo 2)" >"$log" 2>&1 || {
        grep -E -A5 'error|Error|\*\*\*' "$log" | tail -n 60 >&2
        die "the build failed; all it said is in $log"
    }
    grep -E 'warning:' "$log" | sort -u
    return 0
}
