/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <LLMProvider> and <LLMModel>, and the directives inside them.
 *
 * While a section is read its object is the server's `provider` or `model`;
 * the directives inside fill that in, and say so when there is none. What a
 * section lacks is told at its end, on its own line; a mistake inside it on
 * the line of the mistake.
 */
#include "httpd/conf.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_pattern.h"
#include "core/llm_redact.h"
#include "dialect/profile.h"

#define NAME_MAX_LENGTH 39 /* what a usage record holds of a provider's name */
#define PRIORITY_MAX    1000
#define WEIGHT_MAX      10000

static const char *const provider_directives[] = {
    "LLMDialect", "LLMBaseURL",      "LLMAPIVersion", "LLMKey",
    "LLMHeader",  "LLMIncludeUsage", "LLMNative",     "LLMProfile",
    "LLMProject", "LLMResponses",    "LLMToken",      NULL,
};
static const char *const model_directives[] = {"LLMTarget", "LLMOnClientAbort",
                                               NULL};

/* First segments of the gateway's own paths: a provider of that name could
 * not be reached by its native route. */
static const char *const reserved_names[] = {"v1", "v1beta", "v2", NULL};

/* Headers that are the wire's, not the configuration's. */
static const char *const fixed_headers[] = {
    "Host",    "Content-Length",    "Content-Type", "Connection",
    "Trailer", "Transfer-Encoding", "Expect",       "Accept-Encoding",
    "TE",      "Upgrade",           "Keep-Alive",   NULL,
};

static int is_one_of(const char *const *list, const char *word)
{
    for (; *list; ++list) {
        if (!strcasecmp(*list, word)) {
            return 1;
        }
    }
    return 0;
}

static const char *join(const char *const *list, apr_pool_t *p)
{
    const char *text = *list;

    for (++list; *list; ++list) {
        text = apr_pstrcat(p, text, ", ", *list, NULL);
    }
    return text;
}

/* ---- sections ---------------------------------------------------------- */

/* The name in `<LLMProvider name>`, quotes taken off. */
static const char *read_name(cmd_parms *cmd, const char *args,
                             const char **pname)
{
    const char *end = ap_strrchr_c(args, '>');
    const char *inside;

    if (!end) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           "> directive missing closing '>'", NULL);
    }
    inside = apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args));
    *pname = ap_getword_conf(cmd->pool, &inside);
    if (!**pname || *inside) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           ">: expected one name, as in ", cmd->cmd->name,
                           " name>", NULL);
    }
    return NULL;
}

/* Runs the directives of the section, which must all be `allowed` ones. */
static const char *read_inside(cmd_parms *cmd, const char *const *allowed)
{
    ap_directive_t *section = cmd->directive;
    const command_rec *command = cmd->cmd;
    const char *what;

    for (ap_directive_t *child = section->first_child; child;
         child = child->next) {
        if (!is_one_of(allowed, child->directive)) {
            cmd->err_directive = child;
            return apr_psprintf(cmd->pool,
                                "%s is not allowed in a %s> section: "
                                "expected %s",
                                child->directive, command->name,
                                join(allowed, cmd->pool));
        }
    }
    what = ap_walk_config(section->first_child, cmd, cmd->context);
    cmd->directive = section;
    cmd->cmd = command;
    return what;
}

static const char *defined_at(cmd_parms *cmd, const char *name,
                              const char *file, int line)
{
    return apr_psprintf(cmd->pool,
                        "%s %s> is already defined on line %d of "
                        "%s",
                        cmd->cmd->name, name, line, file);
}

/* ---- <LLMProvider> ----------------------------------------------------- */

static const char *check_provider_name(cmd_parms *cmd, const char *name)
{
    const llm_provider_t *twin =
        llmgw_provider_find(llmgw_server_of(cmd->server), name);
    const char *c = name;

    if (twin) {
        const llmgw_provider_t *glue = twin->glue;

        return defined_at(cmd, name, glue->file, glue->line);
    }
    while (apr_isalnum(*c) || (*c && strchr("._-", *c))) {
        ++c;
    }
    if (*c || c - name > NAME_MAX_LENGTH) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider>: expected a name of 1 to %d "
                            "letters, digits, '.', '_' or '-', not '%s'",
                            NAME_MAX_LENGTH, name);
    }
    if (is_one_of(reserved_names, name)) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider %s>: the gateway's own paths begin "
                            "with /%s, choose another name",
                            name, name);
    }
    return NULL;
}

static llm_provider_t *make_provider(cmd_parms *cmd, const char *name)
{
    llm_provider_t *provider = apr_pcalloc(cmd->pool, sizeof(*provider));
    llmgw_provider_t *glue = apr_pcalloc(cmd->pool, sizeof(*glue));

    glue->file = cmd->directive->filename;
    glue->line = cmd->directive->line_num;
    provider->name = name;
    provider->ask_usage = 1;
    provider->glue = glue;
    return provider;
}

/* scheme://host:port as mod_proxy names its workers: lower case, and without
 * the port where it is the scheme's own. */
static const char *origin_of(const llm_provider_t *provider, apr_pool_t *p)
{
    int is_usual =
        provider->port == (strcmp(provider->scheme, "https") ? 80 : 443);
    int is_ipv6 = strchr(provider->host, ':') != NULL;
    char *host = apr_pstrdup(p, provider->host);

    ap_str_tolower(host);
    return apr_pstrcat(p, provider->scheme, "://", is_ipv6 ? "[" : "", host,
                       is_ipv6 ? "]" : "",
                       is_usual ? NULL : apr_psprintf(p, ":%d", provider->port),
                       NULL);
}

/* Whose server it is, unless that was said: by its host, else by the name of
 * the section. A dialect's name says nothing about the server. */
static void choose_profile(llm_provider_t *provider)
{
    const llm_dialect_t *namesake = llm_dialect_find(provider->name);

    /* one that only clients speak is no provider's (Mistral's) */
    if (!provider->profile && !llm_profile_of_host(provider->host)
        && !(namesake && namesake->provider_ops)) {
        provider->profile = llm_profile_find(provider->name);
    }
    if (!provider->dialect) {
        const llm_profile_t *profile = provider->profile;

        provider->dialect =
            llm_dialect_find(profile ? profile->dialect : provider->name);
    }
}

/* The provider's address where none is given; NULL: there is no public one. */
static const char *public_url(const llm_provider_t *provider)
{
    const llm_profile_t *profile = provider->profile;

    if (!profile) {
        return provider->dialect->default_url;
    }
    return strcmp(profile->dialect, llm_dialect_family(provider->dialect))
               ? NULL
               : profile->url;
}

/* What was not said, and what can be told only now. */
static const char *complete_provider(cmd_parms *cmd, llm_provider_t *provider)
{
    llmgw_provider_t *glue = provider->glue;
    const char *url, *what;

    choose_profile(provider);
    if (!provider->dialect || !provider->dialect->provider_ops) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider %s>: LLMDialect is missing, and no "
                            "dialect is called '%s': expected one of %s; nor "
                            "is a profile: expected one of %s",
                            provider->name, provider->name,
                            llm_dialect_names(2, cmd->pool),
                            llm_profile_names(cmd->pool));
    }
    if (provider->dialect->needs_project && !provider->project) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider %s>: LLMProject is missing",
                            provider->name);
    }
    if (!glue->secret.source) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider %s>: LLMKey is missing: expected "
                            "env:NAME, file:/path, exec:/path, secret:NAME, "
                            "or none",
                            provider->name);
    }
    url = provider->base_url ? provider->base_url : public_url(provider);
    if (!url) {
        return apr_psprintf(cmd->pool,
                            "<LLMProvider %s>: LLMBaseURL is missing, and "
                            "%s has no public address for the dialect %s",
                            provider->name,
                            provider->profile ? provider->profile->title
                                              : provider->name,
                            provider->dialect->name);
    }
    what = llm_provider_set_url(provider, url, cmd->pool);
    if (what) {
        return apr_psprintf(cmd->pool, "LLMBaseURL: %s, not '%s'", what, url);
    }
    provider->profile = llm_profile_of(provider); /* once, not each time */
    glue->url = origin_of(provider, cmd->pool);
    return llmgw_token_complete(cmd, provider);
}

const char *llmgw_conf_provider(cmd_parms *cmd, void *dir, const char *args)
{
    llmgw_server_t *server = llmgw_server_of(cmd->server);
    const char *what = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    llm_provider_t *provider;
    const char *name = NULL;

    (void)dir;
    if (!what) {
        what = read_name(cmd, args, &name);
    }
    if (!what) {
        what = check_provider_name(cmd, name);
    }
    if (what) {
        return what;
    }
    provider = make_provider(cmd, name);
    server->provider = provider;
    what = read_inside(cmd, provider_directives);
    server->provider = NULL;
    if (!what) {
        what = complete_provider(cmd, provider);
    }
    APR_ARRAY_PUSH(server->providers, llm_provider_t *) = provider;
    return what;
}

/* The provider whose section this is; else *pwhat says where this belongs. */
static llm_provider_t *current_provider(cmd_parms *cmd, const char **pwhat)
{
    llm_provider_t *provider = llmgw_server_of(cmd->server)->provider;

    if (!provider) {
        *pwhat =
            apr_pstrcat(cmd->pool, cmd->cmd->name,
                        " is only allowed in a <LLMProvider> section", NULL);
    }
    return provider;
}

const char *llmgw_conf_dialect(cmd_parms *cmd, void *dir, const char *name)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (what) {
        return what;
    }
    provider->dialect = llm_dialect_find(name);
    if (!provider->dialect || !provider->dialect->provider_ops) {
        return apr_psprintf(cmd->pool,
                            "LLMDialect: expected one of %s, not '%s'",
                            llm_dialect_names(2, cmd->pool), name);
    }
    return NULL;
}

const char *llmgw_conf_base_url(cmd_parms *cmd, void *dir, const char *url)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (what) {
        return what;
    }
    what = llm_provider_set_url(provider, url, cmd->pool);
    if (what && strchr(url, '@')) { /* a password, most likely */
        return apr_psprintf(cmd->pool, "LLMBaseURL: %s", what);
    }
    return what ? apr_psprintf(cmd->pool, "LLMBaseURL: %s, not '%s'", what,
                               llm_redact(url, cmd->pool))
                : NULL;
}

/* Somebody may have written the key itself there. */
static const char *shown_source(const char *source, apr_pool_t *p)
{
    if (!strncmp(source, "secret:", 7)) {
        return llm_redact(source, p);
    }
    return strncmp(source, "env:", 4) && strncmp(source, "file:", 5)
                   && strncmp(source, "exec:", 5)
               ? "(what was given is not shown)"
               : source;
}

const char *llmgw_conf_key(cmd_parms *cmd, void *dir, const char *source)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);
    llmgw_provider_t *glue;

    (void)dir;
    if (what) {
        return what;
    }
    glue = provider->glue;
    if (glue->secret.source) {
        return "LLMKey: there is one already in this section";
    }
    glue->secret.source = source;
    glue->secret.file = cmd->directive->filename;
    glue->secret.line = cmd->directive->line_num;
    if (!llmgw_secret_is_due(cmd->server->process, source)) {
        return NULL;
    }
    what = llmgw_secret_read(&glue->secret.value, source, cmd->pool);
    return what ? apr_psprintf(cmd->pool, "LLMKey %s: %s",
                               shown_source(source, cmd->pool), what)
                : NULL;
}

static int is_header_name(const char *name)
{
    const char *c = name;

    while (apr_isalnum(*c) || (*c && strchr("!#$%&'*+-.^_`|~", *c))) {
        ++c;
    }
    return *name && !*c;
}

static int is_header_value(const char *value)
{
    for (; *value; ++value) {
        if (apr_iscntrl(*value) && *value != '\t') {
            return 0;
        }
    }
    return 1;
}

const char *llmgw_conf_header(cmd_parms *cmd, void *dir, const char *name,
                              const char *value)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (what) {
        return what;
    }
    if (!is_header_name(name) || !is_header_value(value)) {
        return "LLMHeader: expected a header's name and its value";
    }
    if (is_one_of(fixed_headers, name)) {
        return apr_psprintf(cmd->pool,
                            "LLMHeader: %s is set by the gateway itself", name);
    }
    if (llm_redact_is_secret_header(name)) {
        return apr_psprintf(cmd->pool,
                            "LLMHeader: %s carries a secret: use LLMKey, "
                            "which keeps it out of the configuration",
                            name);
    }
    if (!provider->headers) {
        provider->headers = apr_table_make(cmd->pool, 4);
    }
    apr_table_setn((apr_table_t *)provider->headers, name, value);
    return NULL;
}

const char *llmgw_conf_include_usage(cmd_parms *cmd, void *dir, int on)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (!what) {
        provider->ask_usage = on ? 2 : 0;
    }
    return what;
}

const char *llmgw_conf_profile(cmd_parms *cmd, void *dir, const char *name)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (what) {
        return what;
    }
    provider->profile = llm_profile_find(name);
    return provider->profile
               ? NULL
               : apr_psprintf(cmd->pool,
                              "LLMProfile: expected one of %s, not '%s'",
                              llm_profile_names(cmd->pool), name);
}

const char *llmgw_conf_native(cmd_parms *cmd, void *dir, const char *what)
{
    const char *wrong = NULL;
    llm_provider_t *provider = current_provider(cmd, &wrong);
    llmgw_provider_t *glue;

    (void)dir;
    if (wrong) {
        return wrong;
    }
    if (strcasecmp(what, "known") != 0 && strcasecmp(what, "all") != 0) {
        return apr_psprintf(cmd->pool,
                            "LLMNative: expected known or all, not '%s'", what);
    }
    glue = provider->glue;
    glue->native_all = !strcasecmp(what, "all");
    return NULL;
}

const char *llmgw_conf_responses(cmd_parms *cmd, void *dir, int on)
{
    const char *what = NULL;
    llm_provider_t *provider = current_provider(cmd, &what);

    (void)dir;
    if (!what) {
        provider->responses = on ? 1 : -1;
    }
    return what;
}

/* ---- <LLMModel> -------------------------------------------------------- */

static const char *check_model_name(cmd_parms *cmd, const char *name)
{
    const llmgw_server_t *server = llmgw_server_of(cmd->server);
    const char *what = llm_pattern_check(name);

    if (what) {
        return apr_psprintf(cmd->pool,
                            "<LLMModel>: expected a name with at most one "
                            "'*', but '%s' %s",
                            name, what);
    }
    for (int i = 0; i < server->models->nelts; ++i) {
        const llmgw_model_t *twin =
            (const void *)APR_ARRAY_IDX(server->models, i, llm_model_t *);

        if (!strcmp(twin->model.name, name)) {
            return defined_at(cmd, name, twin->file, twin->line);
        }
    }
    return NULL;
}

const char *llmgw_conf_model(cmd_parms *cmd, void *dir, const char *args)
{
    llmgw_server_t *server = llmgw_server_of(cmd->server);
    const char *what = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *name = NULL;
    llmgw_model_t *model;

    (void)dir;
    if (!what) {
        what = read_name(cmd, args, &name);
    }
    if (!what) {
        what = check_model_name(cmd, name);
    }
    if (what) {
        return what;
    }
    model = apr_pcalloc(cmd->pool, sizeof(*model));
    model->model.name = name;
    model->model.targets = apr_array_make(cmd->pool, 4, sizeof(llm_target_t *));
    model->file = cmd->directive->filename;
    model->line = cmd->directive->line_num;
    server->model = &model->model;
    what = read_inside(cmd, model_directives);
    server->model = NULL;
    if (!what && !model->model.targets->nelts) {
        what = apr_psprintf(
            cmd->pool, "<LLMModel %s>: expected at least one LLMTarget", name);
    }
    APR_ARRAY_PUSH(server->models, llm_model_t *) = &model->model;
    return what;
}

/* The number in "priority=2", or NULL and the number where it is in range. */
static const char *read_number(cmd_parms *cmd, const char *option,
                               apr_size_t skip, int least, int most,
                               int *pvalue)
{
    const char *text = option + skip;
    apr_int64_t value;
    char *end;

    value = apr_strtoi64(text, &end, 10);
    if (!apr_isdigit(*text) || *end || value < least || value > most) {
        return apr_psprintf(cmd->pool,
                            "LLMTarget: expected %.*s and a number from %d to "
                            "%d, not '%s'",
                            (int)skip, option, least, most, option);
    }
    *pvalue = (int)value;
    return NULL;
}

static const char *read_option(cmd_parms *cmd, const char *option,
                               llm_target_t *target)
{
    if (!strncmp(option, "priority=", 9)) {
        return read_number(cmd, option, 9, 1, PRIORITY_MAX, &target->priority);
    }
    if (!strncmp(option, "weight=", 7)) {
        return read_number(cmd, option, 7, 0, WEIGHT_MAX, &target->weight);
    }
    return apr_psprintf(cmd->pool,
                        "LLMTarget: expected priority=N or weight=N, not "
                        "'%s'",
                        option);
}

static const char *check_target(cmd_parms *cmd, const llm_model_t *model,
                                const char *name)
{
    const char *what = llm_pattern_check(name);

    if (what) {
        return apr_psprintf(cmd->pool,
                            "LLMTarget: expected a model name with at most "
                            "one '*', but '%s' %s",
                            name, what);
    }
    if (strchr(name, '*') && !strchr(model->name, '*')) {
        return apr_psprintf(cmd->pool,
                            "LLMTarget: '%s' stands for what the '*' of the "
                            "<LLMModel> matched, and '%s' has none",
                            name, model->name);
    }
    return NULL;
}

const char *llmgw_conf_target(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    llm_model_t *model = llmgw_server_of(cmd->server)->model;
    llm_target_t *target;
    const char *what;

    (void)dir;
    if (!model) {
        return "LLMTarget is only allowed in a <LLMModel> section";
    }
    if (argc < 2) {
        return "LLMTarget: expected a provider's name and a model's name";
    }
    what = check_target(cmd, model, argv[1]);
    target = apr_pcalloc(cmd->pool, sizeof(*target));
    target->model = argv[1];
    target->priority = 1;
    target->weight = 100;
    for (int i = 2; i < argc && !what; ++i) {
        what = read_option(cmd, argv[i], target);
    }
    if (!what) {
        llmgw_conf_mention(cmd, argv[0], target);
        APR_ARRAY_PUSH(model->targets, llm_target_t *) = target;
    }
    return what;
}
