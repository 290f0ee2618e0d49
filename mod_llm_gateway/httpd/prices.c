/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prices in force, in each child, and what llmgwctl is told of the
 * configuration.
 *
 * What was set and imported with llmgwctl lies in a file that the store's
 * owner replaces; the snapshot's generation says that it did. Whoever prices a
 * request looks at that number. One thread that finds a new one reads the
 * file; the others go on with the lists they have, and nobody waits.
 *
 * The lists lie in a few slots. A reader counts itself into the current one
 * and looks once more whether it still is; a slot is filled anew only while it
 * is not the current one and nobody is counted in it. A list is held for as
 * long as one cost is computed, so a slot is nearly always free; if none is,
 * the next request tries again.
 */
#include "httpd/llmgw.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <unixd.h>

#include "store/prices.h"

#define SLOTS       4
#define RETRY_EVERY apr_time_from_sec(1)

typedef struct slot_t {
    int readers;             /* atomic */
    apr_pool_t *pool;        /* of the lists, or NULL */
    apr_uint64_t generation; /* of the snapshot when they were read */
    llm_prices_t *set, *imported;
} slot_t;

/* Of this process. */
static struct desk_t {
    const char *dir; /* the store; NULL: there is none */
    slot_t slots[SLOTS];
    int current;      /* atomic: a slot */
    int loading;      /* atomic: some thread reads the file */
    apr_time_t tried; /* by whoever is loading: the last failure; 0 none */
} desk;

static slot_t *hold(void)
{
    for (;;) {
        int i = __atomic_load_n(&desk.current, __ATOMIC_SEQ_CST);
        slot_t *slot = &desk.slots[i];

        __atomic_add_fetch(&slot->readers, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&desk.current, __ATOMIC_SEQ_CST) == i) {
            return slot;
        }
        __atomic_sub_fetch(&slot->readers, 1, __ATOMIC_SEQ_CST);
    }
}

static void release(slot_t *slot)
{
    __atomic_sub_fetch(&slot->readers, 1, __ATOMIC_SEQ_CST);
}

static int find_free(void)
{
    int current = __atomic_load_n(&desk.current, __ATOMIC_SEQ_CST);

    for (int i = 0; i < SLOTS; ++i) {
        if (i != current
            && !__atomic_load_n(&desk.slots[i].readers, __ATOMIC_SEQ_CST)) {
            return i;
        }
    }
    return -1;
}

/* By the one thread that is loading. */
static void load(apr_uint64_t generation)
{
    int i = find_free();
    slot_t *slot = &desk.slots[i < 0 ? 0 : i];
    const char *wrong;

    if (i < 0 || (desk.tried && apr_time_now() - desk.tried < RETRY_EVERY)) {
        return;
    }
    if (slot->pool) {
        apr_pool_destroy(slot->pool);
        slot->pool = NULL;
    }
    if (apr_pool_create(&slot->pool, NULL) != APR_SUCCESS) {
        return;
    }
    wrong =
        llm_prices_published(&slot->set, &slot->imported, desk.dir, slot->pool);
    if (wrong) {
        desk.tried = apr_time_now();
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                     LLM_LOGNO(0362) "prices that were changed cannot be read, "
                                     "those before stay in force: %s",
                     wrong);
        return;
    }
    desk.tried = 0;
    slot->generation = generation;
    __atomic_store_n(&desk.current, i, __ATOMIC_SEQ_CST);
}

void llmgw_prices_lend(llm_price_book_t *book)
{
    const llm_snapshot_t *snapshot = llmgw_shared_snapshot();
    slot_t *slot = hold();
    apr_uint64_t generation =
        snapshot && desk.dir ? llm_snapshot_prices(snapshot) : 0;

    if (generation != slot->generation
        && !__atomic_exchange_n(&desk.loading, 1, __ATOMIC_ACQUIRE)) {
        load(generation);
        __atomic_store_n(&desk.loading, 0, __ATOMIC_RELEASE);
        release(slot);
        slot = hold();
    }
    book->layer[LLM_PRICES_SET] = slot->set;
    book->layer[LLM_PRICES_IMPORTED] = slot->imported;
    book->slot = (int)(slot - desk.slots);
}

void llmgw_prices_return(llm_price_book_t *book)
{
    release(&desk.slots[book->slot]);
}

/* ---- what llmgwctl is told --------------------------------------------- */

static const char *const policies[] = {
    [LLM_UNKNOWN_PRICE_ESTIMATE] = "estimate",
    [LLM_UNKNOWN_PRICE_DENY] = "deny",
    [LLM_UNKNOWN_PRICE_ZERO] = "zero",
};

static void put_target(llm_buf_t *out, const llm_target_t *target,
                       const char *route)
{
    if (!target->provider || !target->model) {
        return; /* whatever the client names */
    }
    llm_buf_puts(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
    llm_buf_lit(out, "{\"provider\":");
    llm_buf_put_string(out, target->provider->name);
    llm_buf_lit(out, ",\"dialect\":");
    llm_buf_put_string(out, llm_dialect_family(target->provider->dialect));
    llm_buf_lit(out, ",\"model\":");
    llm_buf_put_string(out, target->model);
    llm_buf_lit(out, ",\"route\":");
    llm_buf_put_string(out, route);
    llm_buf_lit(out, "}");
}

static void put_providers(llm_buf_t *out, const llmgw_server_t *server)
{
    for (int i = 0; i < server->providers->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(server->providers, i, const llm_provider_t *);

        llm_buf_puts(out, i ? ",\n" : "\n");
        llm_buf_lit(out, "{\"name\":");
        llm_buf_put_string(out, provider->name);
        llm_buf_lit(out, ",\"dialect\":");
        llm_buf_put_string(out, llm_dialect_family(provider->dialect));
        llm_buf_lit(out, "}");
    }
}

static llm_buf_t *describe(server_rec *s, apr_pool_t *p)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    const llmgw_dir_t *dir =
        ap_get_module_config(s->lookup_defaults, &llm_gateway_module);
    llm_buf_t *out = llm_buf_make(0, p);

    llm_buf_lit(out, "{\"prices\":");
    if (server->price_path) {
        llm_buf_put_string(out, server->price_path);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_lit(out, ",\"unknown_price\":");
    llm_buf_put_string(out, policies[dir->unknown_price.value]);
    llm_buf_lit(out, ",\"providers\":[");
    put_providers(out, server);
    llm_buf_lit(out, "],\"models\":[");
    for (int i = 0; i < server->models->nelts; ++i) {
        const llm_model_t *model =
            APR_ARRAY_IDX(server->models, i, const llm_model_t *);

        for (int j = 0; j < model->targets->nelts; ++j) {
            put_target(out, APR_ARRAY_IDX(model->targets, j, llm_target_t *),
                       model->name);
        }
    }
    llm_buf_lit(out, "]}\n");
    return out;
}

/* As root in a folder that is the server's user's: nothing that lies there is
 * followed or written through. */
static apr_status_t write_file(const char *path, const llm_buf_t *text,
                               apr_pool_t *p)
{
    const char *beside = apr_pstrcat(p, path, ".new", NULL);
    apr_status_t status = APR_SUCCESS;
    int fd;

    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              0600);
    if (fd < 0) {
        return errno;
    }
    if (write(fd, text->data, text->len) != (ssize_t)text->len
        || (!geteuid()
            && fchown(fd, ap_unixd_config.user_id, ap_unixd_config.group_id))) {
        status = errno ? errno : APR_ENOSPC;
    }
    close(fd);
    if (!status && rename(beside, path)) {
        status = errno;
    }
    if (status) {
        unlink(beside);
    }
    return status;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    apr_status_t status;

    (void)plog;
    memset(&desk, 0, sizeof(desk));
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        || !server->store_dir) {
        return OK;
    }
    desk.dir = apr_pstrdup(pconf, server->store_dir);
    status =
        write_file(apr_pstrcat(ptemp, desk.dir, "/" LLM_MODELS_PUBLISHED, NULL),
                   describe(s, ptemp), ptemp);
    if (status) { /* only `llmgwctl price check` wants it */
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, s,
                     LLM_LOGNO(0363) "%s/%s cannot be written", desk.dir,
                     LLM_MODELS_PUBLISHED);
    }
    return OK;
}

void llmgw_prices_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
}
