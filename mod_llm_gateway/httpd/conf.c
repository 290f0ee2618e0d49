/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain settings: structures, defaults, merging and setters, all made of
 * settings.def. A new setting is a line there and its page in the docs.
 *
 * A directory's settings are born with their defaults and `set` 0, so that
 * whoever reads them asks for `value` and nothing else. The defaults are read
 * by the directives' own parsers: one that does not parse ends the start.
 */
#include "httpd/conf.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_time.h"

/* What SETTING's scope means. */
typedef llmgw_dir_t conf_dir_t;
typedef llmgw_server_t conf_srv_t;
#define CONTEXT_dir (RSRC_CONF | ACCESS_CONF)
#define CONTEXT_srv (RSRC_CONF)

/* ---- the parsers: NULL, or what was expected --------------------------- */

static const char *read_flag(llmgw_flag_t *setting, const char *text)
{
    setting->value = !strcasecmp(text, "on");
    return setting->value || !strcasecmp(text, "off") ? NULL
                                                      : "expected On or Off";
}

static const char *read_denial(llmgw_denial_t *setting, const char *text)
{
    setting->value = !strcasecmp(text, "deny");
    return setting->value || !strcasecmp(text, "allow")
               ? NULL
               : "expected deny or allow";
}

static const char *read_size(llmgw_size_t *setting, const char *text)
{
    const char *what = llm_size_read(&setting->value, text);

    return what              ? what
           : !setting->value ? "expected a size above zero, such as 32m"
                             : NULL;
}

static const char *read_duration(llmgw_duration_t *setting, const char *text)
{
    const char *what = llm_duration_read(&setting->value, text);

    return what              ? what
           : !setting->value ? "expected a duration above zero, such as 30s"
                             : NULL;
}

static const char *read_count(llmgw_count_t *setting, const char *text)
{
    apr_int64_t value;
    char *end;

    errno = 0;
    value = apr_strtoi64(text, &end, 10);
    if (!apr_isdigit(*text) || *end || errno || value > 1000000000) {
        return "expected a number, zero or more";
    }
    setting->value = (int)value;
    return NULL;
}

static const char *read_number(llmgw_number_t *setting, const char *text)
{
    return read_count(setting, text) || !setting->value
               ? "expected a number, one or more"
               : NULL;
}

static const char *read_abort(llmgw_abort_t *setting, const char *text)
{
    return llm_abort_read(&setting->value, text);
}

static const char *read_word(llmgw_word_t *setting, const char *text)
{
    setting->value = text;
    return NULL;
}

static const char *read_path(llmgw_path_t *setting, const char *text)
{
    setting->value = text;
    return *text == '/' ? NULL : "expected a path that begins with '/'";
}

static const char *read_unpriced(llmgw_unpriced_t *setting, const char *text)
{
    static const struct {
        const char *word;
        llm_unknown_price_e value;
    } words[] = {
        {"deny", LLM_UNKNOWN_PRICE_DENY},
        {"estimate", LLM_UNKNOWN_PRICE_ESTIMATE},
        {"zero", LLM_UNKNOWN_PRICE_ZERO},
    };

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (!strcasecmp(text, words[i].word)) {
            setting->value = words[i].value;
            return NULL;
        }
    }
    return "expected deny, estimate or zero";
}

static const char *read_unsupported(llmgw_unsupported_t *setting,
                                    const char *text)
{
    static const char *const words[] = {
        [LLM_UNSUPPORTED_REFUSE] = "refuse",
        [LLM_UNSUPPORTED_DROP] = "drop",
        [LLM_UNSUPPORTED_STRICT] = "strict",
    };

    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); ++i) {
        if (!strcasecmp(text, words[i])) {
            setting->value = (llm_unsupported_e)i;
            return NULL;
        }
    }
    return "expected refuse, drop or strict";
}

/* ---- the setters ------------------------------------------------------- */

static const char *outcome(cmd_parms *cmd, const char *what, const char *text)
{
    return what ? apr_psprintf(cmd->pool, "%s: %s, not '%s'", cmd->cmd->name,
                               what, text)
                : NULL;
}

/* The structure a setting belongs to: the server's where nothing but the
 * server's own configuration may hold it. */
static const char *find_conf(cmd_parms *cmd, void *dir, void **pconf)
{
    if (cmd->cmd->req_override != CONTEXT_srv) {
        *pconf = dir;
        return NULL;
    }
    *pconf = llmgw_server_of(cmd->server);
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

/* set_size() and its like: cmd->info says where in the structure. */
#define SETTER(type)                                                           \
    static const char *set_##type(cmd_parms *cmd, void *dir, const char *text) \
    {                                                                          \
        void *conf;                                                            \
        const char *what = find_conf(cmd, dir, &conf);                         \
        llmgw_##type##_t *setting =                                            \
            (void *)((char *)conf + (apr_size_t)cmd->info);                    \
                                                                               \
        setting->set = 1;                                                      \
        return what ? what : outcome(cmd, read_##type(setting, text), text);   \
    }
SETTER(flag)
SETTER(denial)
SETTER(size)
SETTER(duration)
SETTER(count)
SETTER(number)
SETTER(word)
SETTER(path)
SETTER(unpriced)
SETTER(unsupported)
#undef SETTER

/* In a <LLMModel> it is the model's own. */
static const char *set_abort(cmd_parms *cmd, void *dir, const char *text)
{
    llm_model_t *model = llmgw_server_of(cmd->server)->model;
    llmgw_abort_t *setting = (void *)((char *)dir + (apr_size_t)cmd->info);

    if (model) {
        return outcome(cmd, llm_abort_read(&model->on_abort, text), text);
    }
    setting->set = 1;
    return outcome(cmd, read_abort(setting, text), text);
}

/* ---- the structures ---------------------------------------------------- */

/* The defaults, by the directives' own parsers. They are constants of ours: one
 * that cannot be read is a mistake of whoever built the module. */
static void must_read(const char *what, const char *name)
{
    if (what) {
        ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
                     LLM_LOGNO(0301) "the default of %s: %s", name, what);
        ap_assert(!what);
    }
}

#define PRESET(field, name, type, preset)                                      \
    must_read(read_##type(&conf->field, preset), #name);

void *llmgw_dir_create(apr_pool_t *p, char *path)
{
    llmgw_dir_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)path;
#define SETTING_dir PRESET
#define SETTING_srv(field, name, type, preset)
#define SETTING(scope, name, field, type, preset, help)                        \
    SETTING_##scope(field, name, type, preset)
#include "httpd/settings.def"
#undef SETTING
#undef SETTING_dir
#undef SETTING_srv
    conf->prefix = "";
    return conf;
}

void *llmgw_server_create(apr_pool_t *p, server_rec *s)
{
    llmgw_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
#define SETTING_srv PRESET
#define SETTING_dir(field, name, type, preset)
#define SETTING(scope, name, field, type, preset, help)                        \
    SETTING_##scope(field, name, type, preset)
#include "httpd/settings.def"
#undef SETTING
#undef SETTING_dir
#undef SETTING_srv
    conf->providers = apr_array_make(p, 4, sizeof(llm_provider_t *));
    conf->models = apr_array_make(p, 4, sizeof(llm_model_t *));
    conf->mentions = apr_array_make(p, 4, sizeof(llmgw_mention_t));
    return conf;
}

void *llmgw_dir_merge(apr_pool_t *p, void *basev, void *addv)
{
    const llmgw_dir_t *base = basev, *add = addv;
    llmgw_dir_t *conf = apr_pmemdup(p, base, sizeof(*base));

#define MERGE(field)                                                           \
    if (add->field.set) {                                                      \
        conf->field = add->field;                                              \
    }
#define SETTING_dir(field) MERGE(field)
#define SETTING_srv(field)
#define SETTING(scope, name, field, type, preset, help) SETTING_##scope(field)
#include "httpd/settings.def"
#undef SETTING
#undef SETTING_dir
#undef SETTING_srv
    MERGE(gateway)
    MERGE(meter)
    MERGE(provider_for)
#undef MERGE
    if (add->gateway.set || add->meter.set) {
        conf->prefix = add->prefix;
    }
    /* one of the two answers in a place: the one that was said last */
    if (add->gateway.value && !add->meter.set) {
        conf->meter.value = 0;
    }
    if (add->meter.value && !add->gateway.set) {
        conf->gateway.value = 0;
    }
    return conf;
}

/* There is one for the whole server: what a virtual host has is the same. */
void *llmgw_server_merge(apr_pool_t *p, void *base, void *add)
{
    (void)p;
    (void)add;
    return base;
}

llmgw_dir_t *llmgw_dir_of(request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &llm_gateway_module);
}

llmgw_server_t *llmgw_server_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &llm_gateway_module);
}

const llm_provider_t *llmgw_provider_find(const llmgw_server_t *server,
                                          const char *name)
{
    for (int i = 0; i < server->providers->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(server->providers, i, const llm_provider_t *);

        if (!strcmp(provider->name, name)) {
            return provider;
        }
    }
    return NULL;
}

/* ---- the commands ------------------------------------------------------ */

const command_rec llmgw_commands[] = {
#define SETTING(scope, name, field, type, preset, help)                        \
    AP_INIT_TAKE1(#name, set_##type,                                           \
                  (void *)APR_OFFSETOF(conf_##scope##_t, field),               \
                  CONTEXT_##scope, help),
#include "httpd/settings.def"
#undef SETTING
    AP_INIT_TAKE1("LLMStore", llmgw_conf_store, NULL, RSRC_CONF,
                  "Where usage and keys are kept: bdb:/path of a folder"),
    AP_INIT_FLAG("LLMGateway", llmgw_conf_gateway, NULL,
                 RSRC_CONF | ACCESS_CONF, "Whether the gateway answers here"),
    AP_INIT_FLAG("LLMMeter", llmgw_conf_meter, NULL, RSRC_CONF | ACCESS_CONF,
                 "Whether what mod_proxy carries here is metered"),
    AP_INIT_TAKE1("LLMProviderFor", llmgw_conf_provider_for, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "The provider that mod_proxy reaches here"),

    AP_INIT_RAW_ARGS("<LLMProvider", llmgw_conf_provider, NULL, RSRC_CONF,
                     "Section for a provider, with its name"),
    AP_INIT_TAKE1("LLMDialect", llmgw_conf_dialect, NULL, RSRC_CONF,
                  "The dialect a provider speaks"),
    AP_INIT_TAKE1("LLMBaseURL", llmgw_conf_base_url, NULL, RSRC_CONF,
                  "Where a provider is"),
    AP_INIT_TAKE1("LLMAPIVersion", llmgw_conf_api_version, NULL, RSRC_CONF,
                  "The version of its API that a provider is asked for"),
    AP_INIT_TAKE1("LLMProject", llmgw_conf_project, NULL, RSRC_CONF,
                  "The project of a provider that requests belong to"),
    AP_INIT_TAKE1("LLMKey", llmgw_conf_key, NULL, RSRC_CONF,
                  "A provider's secret: env:NAME, file:/path, exec:/program, "
                  "secret:NAME, or none"),
    AP_INIT_TAKE_ARGV("LLMToken", llmgw_conf_token, NULL, RSRC_CONF,
                      "How a provider's secret becomes a token: a kind, and "
                      "its options as name=value"),
    AP_INIT_TAKE2("LLMHeader", llmgw_conf_header, NULL, RSRC_CONF,
                  "Name and value of a header for each request to a "
                  "provider"),
    AP_INIT_FLAG("LLMIncludeUsage", llmgw_conf_include_usage, NULL, RSRC_CONF,
                 "Whether streams are asked for their usage"),
    AP_INIT_TAKE1("LLMNative", llmgw_conf_native, NULL, RSRC_CONF,
                  "What passes of a provider's own API: known or all"),
    AP_INIT_TAKE1("LLMProfile", llmgw_conf_profile, NULL, RSRC_CONF,
                  "Whose server a provider is, with its habits"),
    AP_INIT_FLAG("LLMResponses", llmgw_conf_responses, NULL, RSRC_CONF,
                 "Whether the provider has OpenAI's Responses API as well"),

    AP_INIT_RAW_ARGS("<LLMModel", llmgw_conf_model, NULL, RSRC_CONF,
                     "Section for a model, with its name or a pattern"),
    AP_INIT_TAKE_ARGV("LLMTarget", llmgw_conf_target, NULL, RSRC_CONF,
                      "A provider, its model, and priority=N, weight=N"),
    {.name = NULL},
};
