/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "httpd -t -D DUMP_LLM_GATEWAY": the configuration as the gateway took it, on
 * standard output, one JSON object a line. llmgwctl's `config` reads it.
 *
 *   {"gateway":{"version","store","prices_as_of","vocabulary"}}
 *   {"setting":{"name","value","set","file","line"}}
 *   {"provider":{"name","dialect","url","key","key_problem","loops","file",
 *                "line"}}
 *   {"target":{"model","provider","upstream_model","priority","weight",
 *              "priced","file","line"}}
 *   {"end":{}}
 *
 * Secrets are not read for it; where they come from is said, and whether they
 * could be had. Headers are left out, their values may be secrets.
 */
#include "httpd/conf.h"

#include <ap_listen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/prices.h"

/* ------------------------------------------------------------------- lines */

static llm_buf_t *begin(const char *what, apr_pool_t *p)
{
    llm_buf_t *line = llm_buf_make(0, p);

    llm_buf_lit(line, "{\"");
    llm_buf_puts(line, what);
    llm_buf_lit(line, "\":{");
    return line;
}

static void name_of(llm_buf_t *line, const char *name)
{
    if (line->data[line->len - 1] != '{') {
        llm_buf_putc(line, ',');
    }
    llm_buf_put_string(line, name);
    llm_buf_putc(line, ':');
}

static void text(llm_buf_t *line, const char *name, const char *value)
{
    name_of(line, name);
    llm_buf_put_string(line, value);
}

static void number(llm_buf_t *line, const char *name, int value)
{
    name_of(line, name);
    llm_buf_printf(line, "%d", value);
}

static void flag(llm_buf_t *line, const char *name, int value)
{
    name_of(line, name);
    llm_buf_puts(line, value ? "true" : "false");
}

static void end(llm_buf_t *line)
{
    llm_buf_lit(line, "}}\n");
    fwrite(line->data, 1, line->len, stdout);
}

/* ----------------------------------------------------------------- settings */

typedef struct setting_t {
    const char *name, *preset;
} setting_t;

static const setting_t settings[] = {
#define SETTING(scope, name, field, type, preset, help) {#name, preset},
#include "httpd/settings.def"
#undef SETTING
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* Each place that sets it; how many there are. */
static int dump_places(const ap_directive_t *tree, const char *name,
                       apr_pool_t *p)
{
    int count = 0;

    for (; tree; tree = tree->next) {
        if (!strcasecmp(tree->directive, name)) {
            llm_buf_t *line = begin("setting", p);

            text(line, "name", name);
            text(line, "value", tree->args);
            flag(line, "set", 1);
            text(line, "file", tree->filename);
            number(line, "line", tree->line_num);
            end(line);
            ++count;
        }
        count += dump_places(tree->first_child, name, p);
    }
    return count;
}

static void dump_settings(apr_pool_t *p)
{
    for (apr_size_t i = 0; i < SETTINGS; ++i) {
        if (!dump_places(ap_conftree, settings[i].name, p)) {
            llm_buf_t *line = begin("setting", p);

            text(line, "name", settings[i].name);
            text(line, "value", settings[i].preset);
            flag(line, "set", 0);
            end(line);
        }
    }
}

/* ---------------------------------------------------------------- providers */

/* What is in the way of a secret, or NULL. The source is no secret. */
static const char *key_problem(const char *source, apr_pool_t *p)
{
    apr_finfo_t info;

    if (!source) {
        return NULL;
    }
    if (!strncmp(source, "env:", 4)) {
        return getenv(source + 4)
                   ? NULL
                   : apr_psprintf(p,
                                  "the environment variable %s is not set "
                                  "here",
                                  source + 4);
    }
    if (!strncmp(source, "file:", 5)) {
        const char *path = source + 5;

        if (access(path, R_OK) < 0) {
            return apr_psprintf(p, "the file %s cannot be read", path);
        }
        if (!apr_stat(&info, path, APR_FINFO_PROT, p)
            && (info.protection & (APR_WREAD | APR_WWRITE))) {
            return apr_psprintf(p, "the file %s is open to everybody", path);
        }
        return NULL;
    }
    if (!strncmp(source, "exec:", 5)) {
        const char *path =
            apr_pstrmemdup(p, source + 5, strcspn(source + 5, " \t"));

        return access(path, X_OK) < 0
                   ? apr_psprintf(p, "the program %s cannot be run", path)
                   : NULL;
    }
    return NULL;
}

static int is_this_host(const char *host, const server_rec *s)
{
    return !strcasecmp(host, "localhost") || !strcmp(host, "127.0.0.1")
           || !strcmp(host, "::1") || !strcmp(host, "[::1]")
           || (s->server_hostname && !strcasecmp(host, s->server_hostname));
}

/* A request to this provider would come back here. */
static int loops(const llm_provider_t *provider, const server_rec *s)
{
    const ap_listen_rec *listener;

    if (!is_this_host(provider->host, s)) {
        return 0;
    }
    for (listener = ap_listeners; listener; listener = listener->next) {
        if (listener->bind_addr
            && listener->bind_addr->port == provider->port) {
            return 1;
        }
    }
    return 0;
}

static void dump_provider(const llm_provider_t *provider, const server_rec *s,
                          apr_pool_t *p)
{
    const llmgw_provider_t *glue = provider->glue;
    llm_buf_t *line = begin("provider", p);

    text(line, "name", provider->name);
    text(line, "dialect", provider->dialect->name);
    text(line, "url", provider->base_url);
    text(line, "key", glue->secret.source);
    text(line, "key_problem", key_problem(glue->secret.source, p));
    flag(line, "loops", loops(provider, s));
    text(line, "file", glue->file);
    number(line, "line", glue->line);
    end(line);
}

/* ------------------------------------------------------------------- models */

/* The prices as a gateway that is started now would have them. */
static llm_price_book_t book_of(const llmgw_server_t *server, apr_pool_t *p)
{
    llm_price_book_t book = {{[LLM_PRICES_FILE] = server->price_list}, 0};
    llm_prices_t *set, *imported;

    /* A store that nobody set a price in has no such file. */
    if (server->store_dir
        && !llm_prices_published(&set, &imported, server->store_dir, p)) {
        book.layer[LLM_PRICES_SET] = set;
        book.layer[LLM_PRICES_IMPORTED] = imported;
    }
    return book;
}

/* Of the list that most prices come from; NULL: there is none. */
static const char *as_of(const llm_price_book_t *book)
{
    const llm_prices_t *list = book->layer[LLM_PRICES_IMPORTED]
                                   ? book->layer[LLM_PRICES_IMPORTED]
                                   : book->layer[LLM_PRICES_FILE];

    return list ? llm_prices_as_of(list) : NULL;
}

/* -1: its name is not known before a request. */
static int is_priced(const llm_price_book_t *book, const llm_target_t *target)
{
    llm_price_ask_t ask = {
        .provider = target->provider->name,
        .dialect = llm_dialect_family(target->provider->dialect),
        .model = target->model,
    };
    llm_price_t price;

    return strchr(target->model, '*') ? -1 : llm_price_find(&price, book, &ask);
}

static void dump_target(const llm_price_book_t *book,
                        const llmgw_model_t *model, const llm_target_t *target,
                        apr_pool_t *p)
{
    llm_buf_t *line = begin("target", p);
    int priced = is_priced(book, target);

    text(line, "model", model->model.name);
    text(line, "provider", target->provider->name);
    text(line, "upstream_model", target->model);
    number(line, "priority", target->priority);
    number(line, "weight", target->weight);
    if (priced >= 0) {
        flag(line, "priced", priced);
    }
    text(line, "file", model->file);
    number(line, "line", model->line);
    end(line);
}

static void dump_models(const llmgw_server_t *server,
                        const llm_price_book_t *book, apr_pool_t *p)
{
    for (int i = 0; i < server->models->nelts; ++i) {
        const llmgw_model_t *model =
            APR_ARRAY_IDX(server->models, i, const llmgw_model_t *);
        const apr_array_header_t *targets = model->model.targets;

        for (int j = 0; j < targets->nelts; ++j) {
            dump_target(book, model,
                        APR_ARRAY_IDX(targets, j, const llm_target_t *), p);
        }
    }
}

static void dump(apr_pool_t *p, server_rec *s)
{
    const llmgw_server_t *server;
    llm_price_book_t book;
    llm_buf_t *line;

    if (!ap_exists_config_define(LLMGW_DUMP_DEFINE)) {
        return;
    }
    server = llmgw_server_of(s);
    book = book_of(server, p);
    line = begin("gateway", p);
    text(line, "version", LLMGW_VERSION);
    text(line, "store", server->store_dir);
    text(line, "prices_as_of", as_of(&book));
    flag(line, "vocabulary", server->vocabularies != NULL);
    end(line);
    dump_settings(p);
    for (int i = 0; i < server->providers->nelts; ++i) {
        dump_provider(
            APR_ARRAY_IDX(server->providers, i, const llm_provider_t *), s, p);
    }
    dump_models(server, &book, p);
    end(begin("end", p));
    fflush(stdout);
}

void llmgw_dump_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_test_config(dump, NULL, NULL, APR_HOOK_MIDDLE);
}
