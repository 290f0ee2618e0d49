#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows that each check can fail: it is run on a small tree with one mistake
# and must name it, and on the same tree without the mistake and must pass.
. "$(dirname "$0")/lint.sh"

checks=$(pwd)/test/lint
shown=$scratch/shown
: >"$shown"

spdx='/* SPDX-License-Identifier: Apache-2.0 */'

# A tree in which every check has something to find and finds it in order.
sound_tree()
{
    rm -rf "$scratch/tree"
    mkdir "$scratch/tree"
    cd "$scratch/tree" || exit 99
    mkdir -p mod_llm_gateway/core mod_llm_gateway/flow mod_llm_gateway/httpd \
        mod_llm_gateway/store mod_llm_gateway/docs/directives \
        llmgwctl test/unit/core test/lint conf packaging
    cp "$checks"/*.sh test/lint/
    echo '# SPDX-License-Identifier: Apache-2.0' >Makefile.am
    cp Makefile.am configure.ac
    cp Makefile.am llmgwctl/local.mk
    echo 'x = %D%/commands.def' >>llmgwctl/local.mk
    cat >mod_llm_gateway/core/llm_a.c <<END
$spdx
#include "core/llm_log.h"

int answer(int question)
{
    llm_log(LLM_LOG_ERR, 0, LLM_LOGNO(0001) "no sprintf(%d)", question);
    return question;
}
END
    cat >mod_llm_gateway/flow/flow.c <<END
$spdx
#include "core/llm_log.h"
#include "store/store.h"
END
    cat >mod_llm_gateway/httpd/settings.def <<END
$spdx
SETTING(dir, LLMRetries, retries, count, "2", "how many more are tried")
END
    cat >mod_llm_gateway/httpd/conf.c <<END
$spdx
#include <httpd.h>
const command_rec commands[] = {
    AP_INIT_RAW_ARGS("<LLMModel", section, NULL, RSRC_CONF, "a model"),
};
END
    for name in LLMRetries LLMModel; do
        printf '%s\n' "Name: $name" 'Description: d' 'Syntax: s' 'Context: c' \
            'Status: Extension' 'Module: mod_llm_gateway' \
            >mod_llm_gateway/docs/directives/$name.md
    done
    printf '<LLMModel a>\n</LLMModel>\nLLMRetries 2\n' >conf/llm_gateway.conf
    cat >test/unit/core/test_a.c <<END
$spdx
#include "test/unit/unit.h"

START_TEST(it_holds)
{
}
END_TEST

Suite *a_suite(void)
{
    tcase_add_test(cases, it_holds);
}
END
    printf '%s\nSUITE(a)\n' "$spdx" >test/unit/core/suites.def
    cat >mod_llm_gateway/local.mk <<'END'
# SPDX-License-Identifier: Apache-2.0
x = \
	%D%/core/llm_a.c \
	%D%/flow/flow.c \
	%D%/httpd/conf.c \
	%D%/httpd/settings.def
END
    cat >test/local.mk <<'END'
# SPDX-License-Identifier: Apache-2.0
x = %D%/unit/core/suites.def %D%/unit/core/test_a.c
END
    printf '%s\nNOUN(a)\n' "$spdx" >llmgwctl/commands.def
    printf '# llmgwctl(1)\n\n### a NAME\n' >llmgwctl/llmgwctl.1.md
    printf '# Tree\n\n[conf](conf/llm_gateway.conf) [up](#tree)\n' >README.md
    env -u top_srcdir sh test/lint/lognos.sh --update >/dev/null
}

run()
{
    status=0
    env -u top_srcdir sh "test/lint/$1.sh" >"$scratch/said" 2>&1 || status=$?
}

# must_fail CHECK WHAT-IT-SAYS: after a mistake was made in the tree.
must_fail()
{
    echo "$1: $2" >>"$shown"
    run "$1"
    if [ "$status" -ne 1 ]; then
        bad "$1 passed a tree in which: $2 (exit $status)"
    elif ! grep -qF -e "$2" "$scratch/said"; then
        bad "$1 failed but did not say '$2': $(cat "$scratch/said")"
    fi
    sound_tree
}

sound_tree
for each in "$checks"/*.sh; do
    each=${each##*/}
    each=${each%.sh}
    case $each in lint | selftest) continue ;; esac
    run "$each"
    [ "$status" -eq 0 ] ||
        bad "$each fails a tree that is in order: $(cat "$scratch/said")"
    grep -q "^must_fail $each \|must_fail $each '" "$checks/selftest.sh" ||
        bad "no mistake is shown to $each"
done

# banned
echo 'char *f(void) { return strcpy(a, b); }' >>mod_llm_gateway/core/llm_a.c
must_fail banned 'core/llm_a.c:9: banned function'
printf '/* %s: later */\n' FIX''ME >>mod_llm_gateway/core/llm_a.c
must_fail banned 'unfinished'

# directives
rm mod_llm_gateway/docs/directives/LLMModel.md
must_fail directives 'LLMModel has no page'
cp mod_llm_gateway/docs/directives/LLMRetries.md \
    mod_llm_gateway/docs/directives/LLMGone.md
must_fail directives 'LLMGone.md: there is no such directive'
: >conf/llm_gateway.conf
must_fail directives 'LLMRetries is mentioned neither'
echo 'SETTING(dir, LLMRetries, again, count, "2", "")' \
    >>mod_llm_gateway/httpd/settings.def
must_fail directives 'LLMRetries is defined twice'
rm mod_llm_gateway/httpd/settings.def
: >mod_llm_gateway/httpd/conf.c
must_fail directives 'defines no directive'

# docs
echo '[gone](conf/gone.conf)' >>README.md
must_fail docs 'conf/gone.conf leads nowhere'
echo '[gone](#nowhere)' >>README.md
must_fail docs '#nowhere: there is no such heading'

echo 'NOUN(b)' >>llmgwctl/commands.def
must_fail docs "has no heading for 'b'"
: >llmgwctl/commands.def
must_fail docs 'names no command'

# layers
include_in()
{
    echo "#include $2" >>"mod_llm_gateway/$1"
    must_fail layers "$3"
}
include_in core/llm_a.c '<httpd.h>' 'must not include httpd.h'
include_in core/llm_a.c '<http_log.h>' 'must not include http_log.h'
include_in core/llm_a.c '"store/store.h"' 'core must not include store/store.h'
include_in core/llm_a.c '<cjson/cJSON.h>' 'must not include cjson/cJSON.h'
include_in core/llm_a.c '<openssl/sha.h>' 'must not include openssl/sha.h'
include_in core/llm_a.c '"llm_log.h"' 'does not name its folder'
include_in core/llm_a.c '<curl/curl.h>' 'must not include curl/curl.h'
include_in core/llm_a.c '<zlib.h>' 'must not include zlib.h'
include_in flow/flow.c '<db.h>' 'must not include db.h'
include_in flow/flow.c '"store/bdb.h"' 'flow must not include store/bdb.h'
include_in flow/flow.c '"httpd/llmgw.h"' 'flow must not include httpd/llmgw.h'
rm -r mod_llm_gateway test/unit
must_fail layers 'cannot check'

# length
{ echo 'int long_one(void)'; echo '{'; yes '    x;' | head -79; echo '}'; } \
    >>mod_llm_gateway/core/llm_a.c
must_fail length 'long_one: 82 lines'
yes '/* */' | head -651 >>mod_llm_gateway/core/llm_a.c
must_fail length 'lines, more than 650'

# licence
echo '/* no licence */' >mod_llm_gateway/flow/flow.c
must_fail licence 'flow/flow.c: does not begin'

# lognos
cp mod_llm_gateway/core/llm_a.c mod_llm_gateway/core/llm_b.c
must_fail lognos 'LLMGW0001 is used more than once'
sed -i 's/LLM_LOGNO(0001)/LLM_LOGNO(0002)/' mod_llm_gateway/core/llm_a.c
must_fail lognos 'LLMGW0002 is not in'
sed -i 's/"no sprintf/"another/' mod_llm_gateway/core/llm_a.c
must_fail lognos 'LLMGW0001 was used for another message'

# registration
printf '\nSTART_TEST(forgotten)\n{\n}\nEND_TEST\n' >>test/unit/core/test_a.c
must_fail registration 'forgotten is not added'
echo "$spdx" >test/unit/core/suites.def
must_fail registration 'no line SUITE(a)'

# sources
echo "$spdx" >mod_llm_gateway/core/llm_new.c
must_fail sources 'core/llm_new.c is in no local.mk'
sed -i 's|%D%/flow/flow.c|& &|' mod_llm_gateway/local.mk
must_fail sources 'flow/flow.c is listed twice'
rm mod_llm_gateway/flow/flow.c
must_fail sources 'flow/flow.c is in a local.mk but not in the tree'

finish "$(count "$shown")" "mistakes"
