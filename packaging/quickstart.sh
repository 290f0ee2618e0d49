#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The gateway at work, from nothing, on a machine of one's own: installs what
# is missing (Debian, Ubuntu), builds out of tree, starts a private httpd with
# the module and a scripted provider on 127.0.0.1, makes a key, sends two
# requests across dialects and shows what they cost. No account is needed, and
# nothing of the system's is changed but the packages that were missing.
#
# It can be run again: what it started before is stopped first, the store with
# its keys and records stays.
#
# "a && b || die" is meant as it is written: die is for both.
# shellcheck disable=SC2015

usage()
{
    cat <<'USAGE'
usage: sh packaging/quickstart.sh [--port N]
       sh packaging/quickstart.sh --stop

  --port N   where the gateway listens on 127.0.0.1; without it 8080, or the
             next port that is free
  --stop     stop the gateway and the scripted provider of an earlier run
  --help     this text

Without any account the providers openai, anthropic, gemini and huggingface
are all played by a scripted one. Where OPENAI_API_KEY, ANTHROPIC_API_KEY,
GEMINI_API_KEY or HF_TOKEN is set, the real provider is there too, under the
names real-openai, real-anthropic, real-gemini and real-huggingface: ask for a
model as "real-openai/gpt-4o".
USAGE
}

set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
home=$top/build/quickstart
build=$home/build
log=$home/quickstart.log
port=8080
port_was_chosen=

if [ -t 1 ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    bold='' plain=''
fi

say()
{
    printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

# What failed, and where to look. What this run has started is stopped.
started=
die()
{
    printf '\nquickstart.sh: %s\n' "$*" >&2
    [ -z "$started" ] || stop_all
    exit 1
}

# fail WHAT FILE: the end of the log that tells why.
fail()
{
    if [ -s "$2" ]; then
        printf '\n' >&2
        tail -n 15 "$2" >&2
    fi
    die "$1; see $2"
}

# shellcheck source=packaging/build.sh
. "$top/packaging/build.sh" || exit 1

# ------------------------------------------------------ what runs and where

# The gateway's files: its configuration, logs and store. httpd's children run
# as another user when root starts them, and must be able to get there.
choose_run()
{
    run=$home/run
    user='' group=''
    [ "$(id -u)" -eq 0 ] || return 0
    for user in www-data apache daemon; do
        id "$user" >/dev/null 2>&1 && break
        user=
    done
    [ -n "$user" ] || die "there is no user for httpd: www-data, apache, daemon"
    group=$(id -gn "$user")
    mkdir -p "$home"
    can_reach "$home" && return 0
    run=/var/tmp/llm-gateway-quickstart
    if [ -e "$run" ] || [ -L "$run" ]; then
        # In a folder all can write to, it must be the one we made.
        [ ! -L "$run" ] && [ "$(stat -c %u "$run")" -eq 0 ] ||
            die "$run is not root's; remove it"
    fi
}

can_reach()
{
    if has runuser; then
        runuser -u "$user" -- test -x "$1"
    else
        setpriv --reuid="$user" --regid="$group" --clear-groups test -x "$1"
    fi
}

# pid_of FILE PATTERN: of a process that still is what the file says. A number
# alone may have become somebody else's.
pid_of()
{
    pid=$(cat "$1" 2>/dev/null) || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -e "$2"
}

# stop_one FILE PATTERN NAME
stop_one()
{
    pid_of "$1" "$2" || return 0
    kill -TERM "$pid" 2>/dev/null
    waited=0
    while pid_of "$1" "$2"; do
        waited=$((waited + 1))
        if [ "$waited" -gt 100 ]; then
            echo "quickstart.sh: $3 (process $pid) does not stop" >&2
            return 1
        fi
        sleep 0.1
    done
    rm -f "$1"
    stopped="$stopped $3"
}

stop_all()
{
    stopped=
    stop_one "$run/httpd.pid" "$run/httpd.conf" gateway
    stop_one "$run/provider.pid" provider/provider.py provider
}

# is_free PORT
is_free()
{
    python3 - "$1" <<'PYTHON'
import socket, sys
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        sys.exit(1)
PYTHON
}

choose_port()
{
    if is_free "$port"; then
        return 0
    fi
    [ -z "$port_was_chosen" ] ||
        die "port $port of 127.0.0.1 is taken; choose another one by --port N"
    wanted=$port
    while [ "$port" -lt $((wanted + 100)) ]; do
        port=$((port + 1))
        if is_free "$port"; then
            say "port $wanted is taken by another program; using $port"
            return 0
        fi
    done
    die "no port from $wanted to $port is free; choose one by --port N"
}

# ---------------------------------------------------------------- providers

start_provider()
{
    : >"$run/logs/provider.log"
    provider_port=9000
    until is_free "$provider_port"; do
        provider_port=$((provider_port + 1))
    done
    python3 "$top/test/provider/provider.py" --port "$provider_port" \
        >"$run/logs/provider.log" 2>&1 </dev/null &
    echo $! >"$run/provider.pid"
    started=yes
    waited=0
    while is_free "$provider_port"; do
        waited=$((waited + 1))
        [ "$waited" -lt 100 ] && kill -0 "$(cat "$run/provider.pid")" 2>/dev/null ||
            fail "the scripted provider did not start" "$run/logs/provider.log"
        sleep 0.1
    done
}

# is_set VARIABLE
is_set()
{
    eval "[ -n \"\${$1:-}\" ]"
}

find_real()
{
    real=
    ! is_set OPENAI_API_KEY || real="$real real-openai"
    ! is_set ANTHROPIC_API_KEY || real="$real real-anthropic"
    ! is_set GEMINI_API_KEY || real="$real real-gemini"
    ! is_set HF_TOKEN || real="$real real-huggingface"
}

# The real one, where there is a key for it: NAME DIALECT VARIABLE.
real_provider()
{
    is_set "$3" || return 0
    cat <<CONF

<LLMProvider $1>
    LLMDialect $2
    LLMKey     env:$3
</LLMProvider>
<LLMModel "$1/*">
    LLMTarget $1 *
</LLMModel>
CONF
}

scripted_provider()
{
    cat <<CONF

<LLMProvider $1>
    LLMDialect $1
    LLMBaseURL http://127.0.0.1:$provider_port/$1
    LLMKey     file:$run/provider.key
</LLMProvider>
<LLMModel "$1/*">
    LLMTarget $1 *
</LLMModel>
CONF
}

# ------------------------------------------------------------ configuration

# load MODULE ...: those that are not built in.
load()
{
    for module; do
        case $builtin in
            *" mod_$module.c "*) ;;
            *)
                [ -f "$modules/mod_$module.so" ] ||
                    die "httpd has no mod_$module in $modules"
                echo "LoadModule ${module}_module $modules/mod_$module.so" ;;
        esac
    done
}

write_conf()
{
    cat <<CONF
# Written by packaging/quickstart.sh; a private httpd, changed by nobody else.
ServerRoot  $run
ServerName  127.0.0.1
Listen      127.0.0.1:$port
PidFile     $run/httpd.pid
DefaultRuntimeDir $run
ErrorLog    $run/logs/error.log
LogLevel    warn
CONF
    load mpm_event unixd log_config authn_core authz_core authz_user
    load proxy proxy_http
    [ -z "$real" ] || {
        load socache_shmcb ssl
        echo "SSLSessionCache shmcb:$run/ssl_sessions(65536)"
    }
    [ -z "$user" ] || printf 'User  %s\nGroup %s\n' "$user" "$group"
    cat <<CONF
LogFormat "%h %u \"%r\" %>s \"%{LLM_MODEL}e\" in=%{LLM_TOKENS_IN}e out=%{LLM_TOKENS_OUT}e cost=%{LLM_COST}e" llm
CustomLog $run/logs/access.log llm

LoadModule llm_gateway_module $module_file
LLMStore   bdb:$run/store
LLMPrices  $top/conf/prices.json
CONF
    [ ! -f "$home/vocabulary" ] || echo "LLMVocabulary $home/vocabulary"
    for each in openai anthropic gemini huggingface; do
        scripted_provider "$each"
    done
    cat <<'CONF'

# Names a client may ask for.
<LLMModel gpt-4o-mini>
    LLMTarget openai gpt-4o-mini
</LLMModel>
<LLMModel claude-sonnet-4-5>
    LLMTarget anthropic claude-sonnet-4-5
</LLMModel>
<LLMModel gemini-2.5-flash>
    LLMTarget gemini gemini-2.5-flash
</LLMModel>
CONF
    real_provider real-openai openai OPENAI_API_KEY
    real_provider real-anthropic anthropic ANTHROPIC_API_KEY
    real_provider real-gemini gemini GEMINI_API_KEY
    real_provider real-huggingface huggingface HF_TOKEN
    [ -z "$real" ] || cat <<'CONF'

SSLProxyEngine On
SSLProxyVerify require
SSLProxyCheckPeerName On
SSLProxyCACertificateFile /etc/ssl/certs/ca-certificates.crt
CONF
    cat <<'CONF'

<Location "/">
    LLMGateway On
    AuthType   LLMKey
    Require    valid-user
</Location>
CONF
}

# ------------------------------------------------------------------ gateway

prepare_run()
{
    # The folder may be entered, not listed: httpd's children need their store.
    mkdir -p "$run" && chmod 0711 "$run" &&
        mkdir -p "$run/logs" "$run/store" && chmod 0700 "$run/logs" "$run/store" ||
        die "cannot make the folder $run"
    [ -z "$user" ] || chown "$user:$group" "$run/store" ||
        die "cannot give $run/store to $user"
    (umask 077 && printf 'sk-scripted\n' >"$run/provider.key") ||
        die "cannot write to $run"
}

# What the build found: httpd, and where its modules are.
find_httpd()
{
    httpd=$(sed -n 's/^HTTPD = *//p' "$build/Makefile")
    modules=$("$(sed -n 's/^APXS = *//p' "$build/Makefile")" -q LIBEXECDIR)
    module_file=$build/mod_llm_gateway/.libs/mod_llm_gateway.so
    [ -x "$httpd" ] || die "httpd was not found; see $build/config.log"
    [ -f "$module_file" ] || die "the build made no $module_file"
    builtin=" $("$httpd" -l 2>/dev/null | tr -s ' \n' ' ') "
}

start_gateway()
{
    (umask 077 && write_conf >"$run/httpd.conf") || exit 1
    : >"$run/logs/error.log"
    "$httpd" -d "$run" -f "$run/httpd.conf" -t >"$log" 2>&1 ||
        fail "httpd refuses the configuration $run/httpd.conf" "$log"
    "$httpd" -d "$run" -f "$run/httpd.conf" -k start >"$log" 2>&1 ||
        fail "httpd did not start" "$log"
    started=yes
    waited=0
    until [ "$(curl -s -m 2 -o "$run/health" -w '%{http_code}' "$base/health")" \
        = 200 ]; do
        waited=$((waited + 1))
        # httpd tells what is wrong with the store when it has left already.
        [ "$waited" -lt 20 ] || pid_of "$run/httpd.pid" "$run/httpd.conf" ||
            fail "httpd did not start" "$run/logs/error.log"
        if [ "$waited" -gt 150 ]; then
            cat "$run/health" 2>/dev/null >&2
            fail "the gateway does not get ready" "$run/logs/error.log"
        fi
        sleep 0.1
    done
    rm -f "$run/health"
}

ctl()
{
    "$build/llmgwctl/llmgwctl" --store "$run/store" "$@"
}

# --------------------------------------------------------- the job, in front

# show COMMAND-AS-TYPED: what is run next, in a form that can be typed.
show()
{
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
}

# A name that is not taken: demo, demo-2, ...
make_key()
{
    name=demo
    number=1
    while ctl key show "$name" >/dev/null 2>&1; do
        number=$((number + 1))
        name=demo-$number
    done
    say "a key for a client"
    show "llmgwctl key create $name"
    key=$(ctl key create "$name") ||
        fail "llmgwctl could not make a key" "$run/logs/error.log"
    echo "$key"
}

# ask EXPECTED PATH BODY: shows the request, its answer, and looks into it.
ask()
{
    show "curl -N $base$2 -H \"Authorization: Bearer \$KEY\" \\
       -H 'Content-Type: application/json' -d '$3'"
    # The key comes by standard input: arguments can be seen by everybody.
    printf 'header = "Authorization: Bearer %s"\n' "$key" |
        curl -s -S -N -m 60 -K - -D "$run/head" "$base$2" \
            -H 'Content-Type: application/json' -d "$3" 2>"$log" |
        tee "$run/answer"
    echo
    status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$run/head" 2>/dev/null)
    [ "$status" = 200 ] && grep -qF -e "$1" "$run/answer" || {
        cat "$log" >&2
        fail "the answer is not what it should be (HTTP status ${status:-none})" \
            "$run/logs/error.log"
    }
    rm -f "$run/answer" "$run/head"
}

do_the_job()
{
    make_key
    say "a chat completion in OpenAI's form, answered by an Anthropic provider"
    ask '"chat.completion"' /v1/chat/completions \
        '{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hello, Claude!"}]}'
    say "a streamed message in Anthropic's form, answered by an OpenAI provider"
    ask message_stop /v1/messages \
        '{"model":"gpt-4o-mini","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello, GPT!"}]}'
    say "what was used, and what it cost"
    show "llmgwctl usage --by key,model"
    # A record is in the store within a tenth of a second.
    waited=0
    while [ "$(ctl usage --key "$name" --format csv 2>/dev/null | wc -l)" -lt 3 ]
    do
        waited=$((waited + 1))
        [ "$waited" -lt 50 ] ||
            fail "the requests are not in the store" "$run/logs/error.log"
        sleep 0.1
    done
    ctl usage --by key,model || fail "llmgwctl usage failed" "$run/logs/error.log"
}

tell()
{
    say "the gateway runs"
    cat <<TELL
Base URL   $base/v1  (OpenAI's SDKs), $base  (Anthropic's)
Key        $key
Logs       $run/logs
Configured $run/httpd.conf${real:+
Accounts  $real; ask for models as real-openai/gpt-4o}

Three commands to try next:

  curl $base/v1/models -H "Authorization: Bearer $key"

  curl -N $base/v1/chat/completions -H "Authorization: Bearer $key" \\
    -H 'Content-Type: application/json' \\
    -d '{"model":"gemini-2.5-flash","stream":true,"messages":[{"role":"user","content":"Hi"}]}'

  $build/llmgwctl/llmgwctl --store $run/store events

To stop it: sh packaging/quickstart.sh --stop
TELL
}

# -------------------------------------------------------------------- words

wants_stop=
while [ $# -gt 0 ]; do
    case $1 in
        --port) [ $# -gt 1 ] || { usage >&2; die "--port: expected a number"; }
            port=$2 port_was_chosen=yes; shift ;;
        --port=*) port=${1#--port=} port_was_chosen=yes ;;
        --stop) wants_stop=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; die "there is no option '$1'" ;;
    esac
    shift
done
case $port in
    '' | *[!0-9]* | ??????*) die "--port: expected a number from 1 to 65535, not '$port'" ;;
esac
[ "$port" -ge 1 ] && [ "$port" -le 65535 ] ||
    die "--port: expected a number from 1 to 65535, not '$port'"

choose_run
if [ -n "$wants_stop" ]; then
    stop_all || exit 1
    echo "stopped:${stopped:- nothing was running}"
    exit 0
fi

mkdir -p "$home" || die "cannot make the folder $home"
need_to_build curl python3 ca-certificates
build_in "$build"
# For counting tokens where a provider does not; it goes without, too.
if [ ! -f "$home/vocabulary" ] && has npm; then
    npm_config_fetch_retries=0 timeout 60 \
        sh "$top/packaging/vocabulary.sh" "$home/vocabulary" >>"$log" 2>&1 ||
        echo "There is no vocabulary: tokens nobody counts are estimated."
fi
stop_all || exit 1
[ -z "$stopped" ] || say "stopped what an earlier run had started"
choose_port
base=http://127.0.0.1:$port
find_httpd
find_real
prepare_run
say "starting the gateway on $base"
start_provider
start_gateway
do_the_job
tell
