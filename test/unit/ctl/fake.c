/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/ctl/fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_env.h>
#include <apr_strings.h>

/* The type is the store's secret, so a test can have its own. */
struct llm_client_t {
    int unused;
};

fake_t fake;
static struct llm_client_t client;

static apr_status_t fake_client_open(llm_client_t **pclient, const char *dir,
                                     const char **pwhat, apr_pool_t *pool)
{
    fake.dir = apr_pstrdup(pool, dir);
    *pwhat = fake.what;
    if (fake.open_status == APR_SUCCESS) {
        *pclient = &client;
        ++fake.open;
    }
    return fake.open_status;
}

/* While an owner lives there is a way through its socket. */
static apr_status_t fake_client_connect(llm_client_t **pclient, const char *dir,
                                        const char **pwhat, apr_pool_t *pool)
{
    return fake.is_online ? fake_client_open(pclient, dir, pwhat, pool)
                          : ECONNREFUSED;
}

/* Each turn takes what it waits; the user ends it after `turns` of them. */
static apr_time_t fake_clock(void)
{
    return fake.world.now + fake.waited;
}

static int fake_wait(apr_interval_time_t time)
{
    fake.waited += time;
    if (time && fake.turns) {
        fake.turns -= 1;
        if (fake.on_turn) {
            fake.on_turn();
        }
    }
    return !fake.turns;
}

static apr_status_t fake_client_open_apart(llm_client_t **pclient,
                                           const char *dir,
                                           void (*forget)(void *baton),
                                           void *baton, const char **pwhat,
                                           apr_pool_t *pool)
{
    ck_assert(!forget && !baton);
    return fake_client_open(pclient, dir, pwhat, pool);
}

/* What is typed; nothing, unless the test says so. */
static apr_status_t fake_secret(const char *prompt, char *bytes,
                                apr_size_t size, apr_size_t *plen)
{
    const char *typed = fake.typed ? fake.typed : "";

    fake.prompt = apr_pstrdup(unit_pool, prompt);
    *plen = strlen(typed);
    ck_assert_uint_lt(*plen, size);
    memcpy(bytes, typed, *plen);
    return APR_SUCCESS;
}

static int fake_client_is_online(const llm_client_t *which)
{
    ck_assert_ptr_eq(which, &client);
    return fake.is_online;
}

static apr_status_t fake_client_call(llm_client_t *which, const char *request,
                                     llm_line_cb *line, void *baton,
                                     const char **pwhat)
{
    const char *const *each;

    ck_assert_ptr_eq(which, &client);
    fake.request = apr_pstrdup(unit_pool, request);
    fake.calls += 1;
    each = fake.answers ? fake.answers[fake.calls - 1] : fake.answer;
    for (; each && *each; ++each) {
        /* Lines are not terminated for the one who reads them. */
        char *copy = malloc(strlen(*each));
        int stop;

        memcpy(copy, *each, strlen(*each));
        fake.waited += fake.takes;
        if (fake.on_line) {
            fake.on_line((unsigned)(each - fake.answer));
        }
        stop = line(baton, copy, strlen(*each));
        free(copy);
        if (stop) {
            break;
        }
    }
    *pwhat = fake.what;
    return fake.call_status;
}

static void fake_client_close(llm_client_t *which)
{
    ck_assert_ptr_eq(which, &client);
    --fake.open;
}

static const char *fake_env(const char *name)
{
    char *value;

    return apr_env_get(&value, name, unit_pool) == APR_SUCCESS ? value : NULL;
}

static const ctl_door_t door = {
    .open = fake_client_open,
    .connect = fake_client_connect,
    .open_apart = fake_client_open_apart,
    .is_online = fake_client_is_online,
    .call = fake_client_call,
    .close = fake_client_close,
};

void fake_open(void)
{
    unit_pool_open();
    memset(&fake, 0, sizeof(fake));
    fake.world.now = FAKE_NOW;
    fake.world.env = fake_env;
    fake.world.door = &door;
    fake.world.clock = fake_clock;
    fake.world.wait = fake_wait;
    fake.world.secret = fake_secret;
    fake.is_online = 1;
    apr_env_delete("LLMGW_STORE", unit_pool);
    apr_env_delete("LLMGW_PRICES", unit_pool);
    /* no test may touch the machine's own */
    apr_env_set("LLMGW_MASTER_KEY", "/nonexistent/folder/key", unit_pool);
}

void fake_close(void)
{
    ck_assert_uint_eq(fake.open, 0);
    free(fake.out);
    free(fake.err);
    unit_pool_close();
}

int fake_run(const char *words)
{
    const char *argv[32] = {"llmgwctl"};
    char *state, *word, *blank;
    char *copy = apr_pstrdup(unit_pool, words);
    int argc = 1, status;

    for (; (word = apr_strtok(copy, " ", &state)); copy = NULL) {
        ck_assert_int_lt(argc, 31);
        while ((blank = strchr(word, '_'))) {
            *blank = ' ';
        }
        argv[argc++] = word;
    }
    free(fake.out);
    free(fake.err);
    fake.world.out = open_memstream(&fake.out, &fake.out_len);
    fake.world.err = open_memstream(&fake.err, &fake.err_len);
    status = ctl_run(&fake.world, argc, argv, unit_pool);
    fclose(fake.world.out);
    fclose(fake.world.err);
    return status;
}

void fake_expect(const char *words, int status, const char *out,
                 const char *err)
{
    int is = fake_run(words);

    ck_assert_str_eq(fake.err, err);
    ck_assert_str_eq(fake.out, out);
    ck_assert_int_eq(is, status);
}

const char *fake_asked(const char *member)
{
    const llm_json_t *doc, *value;

    ck_assert_ptr_nonnull(fake.request);
    ck_assert_int_eq(llm_json_read(&doc, fake.request, strlen(fake.request),
                                   NULL, unit_pool),
                     APR_SUCCESS);
    value = llm_json_get(doc, member);
    return value ? apr_pstrmemdup(unit_pool, value->raw.data, value->raw.len)
                 : "absent";
}
