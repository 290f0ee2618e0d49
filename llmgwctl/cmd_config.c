/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl config: the gateway's part of httpd's configuration.
 *
 * httpd reads it, with the module: `httpd -t` says whether it is valid, and
 * `httpd -t -D DUMP_LLM_GATEWAY` what the gateway made of it. Nothing is
 * parsed here a second time.
 */
#include "llmgwctl/findings.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* -------------------------------------------------------------------- check */

enum {
    MODEL,
    PROVIDER,
    UPSTREAM,
    DIALECT,
    URL,
    KEY,
    PRIORITY,
    WEIGHT,
    PRICED,
    PLACE,
    TARGETS
};

static const ctl_column_t target_columns[TARGETS + 1] = {
    [MODEL] = {"model", "MODEL", CTL_TEXT, 0},
    [PROVIDER] = {"provider", "PROVIDER", CTL_TEXT, 0},
    [UPSTREAM] = {"upstream_model", "AS", CTL_TEXT, 0},
    [DIALECT] = {"dialect", "DIALECT", CTL_TEXT, 0},
    [URL] = {"url", "URL", CTL_TEXT, 0},
    [KEY] = {"key", "KEY FROM", CTL_TEXT, CTL_HIDE},
    [PRIORITY] = {"priority", "PRIORITY", CTL_COUNT, CTL_HIDE},
    [WEIGHT] = {"weight", "WEIGHT", CTL_COUNT, CTL_HIDE},
    [PRICED] = {"priced", "PRICED", CTL_FLAG, 0},
    [PLACE] = {"place", "PLACE", CTL_TEXT, CTL_HIDE},
    [TARGETS] = {NULL, NULL, CTL_TEXT, 0},
};

typedef struct looked_t {
    ctl_t *ctl;
    ctl_findings_t *findings;
    apr_array_header_t *targets; /* of const llm_json_t * */
    apr_hash_t *providers;       /* name to const llm_json_t * */
    apr_hash_t *used;            /* names of providers with a target */
    const llm_json_t *gateway;
    ctl_config_t config;
} looked_t;

static const char *member(const looked_t *looked, const llm_json_t *object,
                          const char *name)
{
    return llm_json_string(llm_json_want(object, name), looked->ctl->pool);
}

static const char *place_of(const looked_t *looked, const llm_json_t *object)
{
    const char *file = member(looked, object, "file");
    apr_int64_t line = 0;

    llm_json_int(llm_json_get(object, "line"), &line);
    return file ? apr_psprintf(looked->ctl->pool, "%s:%d", file, (int)line)
                : NULL;
}

static int is_true(const llm_json_t *object, const char *name)
{
    return llm_json_is(llm_json_get(object, name), LLM_JSON_TRUE);
}

static void look_at_provider(looked_t *looked, const llm_json_t *provider)
{
    apr_pool_t *pool = looked->ctl->pool;
    const char *name = member(looked, provider, "name");
    const char *about = apr_psprintf(pool, "provider %s", name);
    const char *problem = member(looked, provider, "key_problem");
    const char *key = member(looked, provider, "key");

    apr_hash_set(looked->providers, name, APR_HASH_KEY_STRING, provider);
    looked->config.needs_ssl |=
        !strncmp(member(looked, provider, "url"), "https:", 6);
    looked->config.needs_master_key |= key && !strncmp(key, "secret:", 7);
    if (problem) {
        int is_env = key && !strncmp(key, "env:", 4);

        ctl_find(looked->findings, is_env ? CTL_WARN : CTL_FAIL, about,
                 apr_psprintf(pool, "LLMKey %s: %s", key, problem),
                 is_env ? "set it in the environment httpd is started with"
                        : "give the file, or LLMKey another source, at the "
                          "place named by --json");
    }
    if (is_true(provider, "loops")) {
        ctl_find(looked->findings, CTL_FAIL, about,
                 apr_psprintf(pool,
                              "its address %s is this server's own: "
                              "requests would come back",
                              member(looked, provider, "url")),
                 "LLMBaseURL of the provider, or another Listen");
    }
}

static void look_at_target(looked_t *looked, const llm_json_t *target)
{
    apr_pool_t *pool = looked->ctl->pool;
    const char *provider = member(looked, target, "provider");
    const char *upstream = member(looked, target, "upstream_model");

    APR_ARRAY_PUSH(looked->targets, const llm_json_t *) = target;
    apr_hash_set(looked->used, provider, APR_HASH_KEY_STRING, "");
    if (llm_json_is(llm_json_get(target, "priced"), LLM_JSON_FALSE)) {
        ctl_find(
            looked->findings, CTL_WARN,
            apr_psprintf(pool, "model %s", member(looked, target, "model")),
            apr_psprintf(pool, "%s has no price at %s", upstream, provider),
            "add it to the file of LLMPrices, or llmgwctl price");
    }
}

static void look_at_setting(looked_t *looked, const llm_json_t *setting)
{
    const char *value = member(looked, setting, "value");

    if (llm_json_equals(llm_json_get(setting, "name"), "LLMMasterKey") && value
        && *value) {
        looked->config.master_key = value;
    }
}

static void look_at_line(looked_t *looked, const char *line)
{
    const llm_json_t *doc, *object;

    if (strncmp(line, "{\"", 2) != 0
        || llm_json_read(&doc, line, strlen(line), NULL, looked->ctl->pool)
               != APR_SUCCESS) {
        return;
    }
    if ((object = llm_json_get(doc, "provider"))) {
        look_at_provider(looked, object);
    }
    else if ((object = llm_json_get(doc, "target"))) {
        look_at_target(looked, object);
    }
    else if ((object = llm_json_get(doc, "gateway"))) {
        looked->gateway = object;
        looked->config.store = member(looked, object, "store");
        looked->config.prices_as_of = member(looked, object, "prices_as_of");
        looked->config.has_vocabulary = is_true(object, "vocabulary");
    }
    else if ((object = llm_json_get(doc, "setting"))) {
        look_at_setting(looked, object);
    }
    else if (llm_json_get(doc, "end")) {
        looked->config.is_read = 1;
    }
}

static int run_httpd(ctl_said_t *said, ctl_t *ctl, const char *httpd,
                     int is_dump)
{
    const char *argv[8] = {httpd, "-t"};
    const char *file = ctl_argument(ctl, 0);
    apr_status_t status;
    char text[200];
    int i = 2;

    if (is_dump) {
        argv[i++] = "-D";
        argv[i++] = "DUMP_LLM_GATEWAY";
    }
    if (file) {
        argv[i++] = "-f";
        argv[i++] = file;
    }
    status = ctl_program_run(said, argv, ctl->pool);
    return status == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail(ctl, CTL_UNREACHABLE, "unreachable", "%s: %s", httpd,
                          apr_strerror(status, text, sizeof(text)));
}

/* What httpd says of it, line by line; secrets are read for this. */
static int look_at_syntax(looked_t *looked, const char *httpd)
{
    ctl_said_t said;
    const char *text = "";
    int i, status = run_httpd(&said, looked->ctl, httpd, 0);

    if (status != CTL_DONE) {
        return status;
    }
    for (i = 0; i < said.lines->nelts; ++i) {
        const char *line = APR_ARRAY_IDX(said.lines, i, const char *);

        text =
            apr_pstrcat(looked->ctl->pool, text, *text ? "; " : "", line, NULL);
    }
    ctl_find(looked->findings, said.code ? CTL_FAIL : CTL_OK, "httpd -t",
             said.code ? text : "the configuration is valid",
             said.code ? "the directive at the line it names" : NULL);
    return CTL_DONE;
}

/* 1 when the module is there and said all it had to. */
static int look_at_dump(looked_t *looked, const char *httpd)
{
    ctl_said_t said;
    int i, status = run_httpd(&said, looked->ctl, httpd, 1);

    for (i = 0; status == CTL_DONE && i < said.lines->nelts; ++i) {
        look_at_line(looked, APR_ARRAY_IDX(said.lines, i, const char *));
    }
    if (status == CTL_DONE && !looked->config.is_read && !said.code) {
        ctl_find(looked->findings, CTL_FAIL, "mod_llm_gateway",
                 "httpd does not load it, or loads an older one",
                 "a2enmod llm_gateway, or LoadModule llm_gateway_module");
    }
    return status;
}

static void look_for_unused(looked_t *looked)
{
    apr_pool_t *pool = looked->ctl->pool;
    apr_hash_index_t *at;

    if (looked->config.is_read && !member(looked, looked->gateway, "store")) {
        ctl_find(looked->findings, CTL_WARN, "LLMStore",
                 "no gateway is configured: it has no store",
                 "LLMStore bdb:" CTL_STORE_DEFAULT);
    }
    if (!looked->targets->nelts) {
        return;
    }
    for (at = apr_hash_first(pool, looked->providers); at;
         at = apr_hash_next(at)) {
        const char *name = apr_hash_this_key(at);

        if (!apr_hash_get(looked->used, name, APR_HASH_KEY_STRING)) {
            ctl_find(looked->findings, CTL_OK,
                     apr_psprintf(pool, "provider %s", name),
                     "no model names it; it answers to its own prefix only",
                     NULL);
        }
    }
}

static void list_targets(looked_t *looked)
{
    ctl_t *ctl = looked->ctl;
    ctl_list_t *list = ctl_list_begin(ctl, "targets", target_columns);
    int i;

    for (i = 0; i < looked->targets->nelts; ++i) {
        const llm_json_t *target =
            APR_ARRAY_IDX(looked->targets, i, const llm_json_t *);
        const char **cells = ctl_cells(target_columns, target, ctl->pool);
        const llm_json_t *provider =
            cells[PROVIDER] ? apr_hash_get(looked->providers, cells[PROVIDER],
                                           APR_HASH_KEY_STRING)
                            : NULL;

        if (provider) {
            cells[DIALECT] = member(looked, provider, "dialect");
            cells[URL] = member(looked, provider, "url");
            cells[KEY] = member(looked, provider, "key");
        }
        cells[PLACE] = place_of(looked, target);
        ctl_list_add(list, cells);
    }
    ctl_list_end(list);
    if (looked->targets->nelts && ctl->face == CTL_TABLE) {
        fputc('\n', ctl->world->out);
    }
}

static int look(looked_t *looked, const char *httpd)
{
    ctl_t *ctl = looked->ctl;
    int status;

    looked->targets = apr_array_make(ctl->pool, 16, sizeof(llm_json_t *));
    looked->providers = apr_hash_make(ctl->pool);
    looked->used = apr_hash_make(ctl->pool);
    status = look_at_syntax(looked, httpd);
    if (status == CTL_DONE) {
        status = look_at_dump(looked, httpd);
    }
    return status;
}

static int find_and_look(looked_t *looked)
{
    const char *httpd = ctl_httpd_find(looked->ctl);

    looked->findings = ctl_findings_make(looked->ctl);
    return httpd ? look(looked, httpd)
                 : ctl_fail(looked->ctl, CTL_UNREACHABLE, "unreachable",
                            "no httpd was found: name it with --httpd");
}

int ctl_config_look(ctl_config_t *config, ctl_findings_t *findings,
                    const char *httpd)
{
    looked_t looked = {.ctl = findings->ctl, .findings = findings};
    int status = look(&looked, httpd);

    if (status == CTL_DONE) {
        look_for_unused(&looked);
    }
    *config = looked.config;
    return status;
}

static int check(ctl_t *ctl)
{
    looked_t looked = {.ctl = ctl};
    int status = find_and_look(&looked);

    if (status != CTL_DONE) {
        return status;
    }
    look_for_unused(&looked);
    if (ctl->face == CTL_TABLE && looked.targets->nelts) {
        list_targets(&looked);
    }
    return ctl_findings_print(looked.findings, "findings");
}

static int targets(ctl_t *ctl)
{
    looked_t looked = {.ctl = ctl};
    int status = find_and_look(&looked);

    if (status != CTL_DONE) {
        return status;
    }
    if (!looked.config.is_read) {
        return ctl_findings_print(looked.findings, "findings");
    }
    list_targets(&looked);
    return CTL_DONE;
}

/* --------------------------------------------------------------------- list */

typedef struct setting_t {
    const char *scope, *name, *type, *preset, *help;
} setting_t;

static const setting_t settings[] = {
#define SETTING(scope, name, field, type, preset, help)                        \
    {#scope, #name, #type, preset, help},
#include "httpd/settings.def"
#undef SETTING
};

static const ctl_column_t setting_columns[] = {
    {"directive", "DIRECTIVE", CTL_TEXT, 0},
    {"default", "DEFAULT", CTL_TEXT, 0},
    {"type", "TYPE", CTL_TEXT, CTL_HIDE},
    {"scope", "WHERE", CTL_TEXT, CTL_HIDE},
    {"help", "MEANING", CTL_TEXT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static int list(ctl_t *ctl)
{
    ctl_list_t *rows = ctl_list_begin(ctl, "settings", setting_columns);
    apr_size_t i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); ++i) {
        const setting_t *setting = &settings[i];
        const char *cells[] = {
            setting->name, *setting->preset ? setting->preset : NULL,
            setting->type,
            strcmp(setting->scope, "dir") ? "server" : "server, location",
            setting->help};

        ctl_list_add(rows, cells);
    }
    ctl_list_end(rows);
    return CTL_DONE;
}

/* ----------------------------------------------------------------- commands */

static const ctl_option_t check_options[] = {
    {"httpd", "PROGRAM", "httpd, or what controls it; else the one found"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_option_t list_options[] = {
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "check",
     .arguments = "[FILE]",
     .most = 1,
     .summary = "Check httpd's configuration of the gateway",
     .about = "Runs httpd -t, with FILE in the place of its own configuration, "
              "and looks at what\nthe gateway made of it: keys that cannot be "
              "read, models without a price,\nproviders that lead back here. "
              "Ends with 1 when something fails.",
     .example = "llmgwctl config check",
     .options = check_options,
     .run = check},
    {.verb = "targets",
     .arguments = "[FILE]",
     .most = 1,
     .summary = "List the models and which providers answer for them",
     .example = "llmgwctl config targets",
     .options = check_options,
     .run = targets},
    {.verb = "list",
     .summary = "List the plain settings, with their defaults",
     .example = "llmgwctl config list",
     .options = list_options,
     .run = list},
    {.run = NULL},
};

const ctl_noun_t ctl_config = {
    .name = "config",
    .summary = "httpd's configuration of the gateway",
    .commands = commands,
};
