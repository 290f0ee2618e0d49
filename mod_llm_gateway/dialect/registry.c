/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to dialects, and the addresses of providers.
 *
 * dialects.def is read twice: to declare the records and to list them. This
 * is the only place that knows which dialects there are.
 */
#include "dialect/profile.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#define LLM_DIALECT(symbol, name)                                              \
    extern const llm_dialect_t llm_dialect_##symbol;
#include "dialect/dialects.def"
#undef LLM_DIALECT

#define LLM_DIALECT(symbol, name) &llm_dialect_##symbol,
static const llm_dialect_t *const dialects[] = {
#include "dialect/dialects.def"
};
#undef LLM_DIALECT

#define DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

const llm_dialect_t *const *llm_dialect_all(apr_size_t *pcount)
{
    *pcount = DIALECTS;
    return dialects;
}

const llm_dialect_t *llm_dialect_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < DIALECTS; ++i) {
        if (!strcmp(dialects[i]->name, name)) {
            return dialects[i];
        }
    }
    return NULL;
}

const char *llm_dialect_names(int which, apr_pool_t *pool)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < DIALECTS; ++i) {
        const llm_dialect_t *dialect = dialects[i];

        if (which == 1 ? dialect->client_ops : dialect->provider_ops) {
            names = apr_pstrcat(pool, names, *names ? ", " : "", dialect->name,
                                NULL);
        }
    }
    return names;
}

int llm_dialect_passes(const llm_dialect_t *client,
                       const llm_dialect_t *provider, llm_op_e op)
{
    return provider->speaks && !strcmp(provider->speaks, client->name)
           && (provider->pass_ops & (unsigned)op);
}

const char *llm_dialect_family(const llm_dialect_t *dialect)
{
    return dialect->family ? dialect->family : dialect->name;
}

const llm_dialect_t *llm_dialect_for(const llm_provider_t *provider,
                                     const llm_dialect_t *client,
                                     const char *model, llm_op_e op)
{
    const llm_dialect_t *own = provider->dialect, *also = NULL;

    if (own->instead) {
        const llm_dialect_t *other = own->instead(provider, model, op);

        if (other) {
            return other;
        }
    }
    if (own->also && !llm_dialect_passes(client, own, op)) {
        also = own->also(provider, client, model);
    }
    return also && llm_dialect_passes(client, also, op) ? also : own;
}

/* The parsed number has 16 bits, whatever was written. */
static int is_port(const char *text)
{
    char *end;
    apr_int64_t port = apr_strtoi64(text, &end, 10);

    return !*end && port >= 1 && port <= 65535;
}

/* NULL, or what is wrong with the parts of an address. */
static const char *check_url(const apr_uri_t *uri)
{
    if (!uri->scheme
        || (strcmp(uri->scheme, "http") && strcmp(uri->scheme, "https"))) {
        return "expected an address that begins with http:// or https://";
    }
    if (!uri->hostname || !*uri->hostname) {
        return "expected a host name after the scheme";
    }
    if (uri->user || uri->password) {
        return "an address must not hold a user name or a password: "
               "use LLMKey";
    }
    if (uri->query || uri->fragment) {
        return "a base address has no query and no fragment (a provider's "
               "api-version is said by LLMAPIVersion)";
    }
    if (uri->port_str && *uri->port_str && !is_port(uri->port_str)) {
        return "expected a port from 1 to 65535";
    }
    return NULL;
}

/* The path of an address that has none: what is known of its host, or usual in
 * the dialect. */
static const char *default_path(const llm_provider_t *provider)
{
    const llm_profile_t *profile = llm_profile_of(provider);
    const char *path =
        provider->dialect ? provider->dialect->default_path : NULL;

    if (path && profile->url
        && !strcmp(profile->dialect, provider->dialect->name)) {
        path = strchr(strstr(profile->url, "://") + 3, '/');
    }
    return path ? path : "";
}

const char *llm_provider_set_url(llm_provider_t *provider, const char *url,
                                 apr_pool_t *pool)
{
    const char *wrong;
    apr_size_t len;
    apr_uri_t uri;
    char *path;

    if (!url || apr_uri_parse(pool, url, &uri)) {
        return "expected an address such as https://api.example.com/v1";
    }
    wrong = check_url(&uri);
    if (wrong) {
        return wrong;
    }
    path = apr_pstrdup(pool, uri.path ? uri.path : "");
    for (len = strlen(path); len && path[len - 1] == '/';) {
        path[--len] = '\0';
    }
    provider->base_url = url;
    provider->scheme = uri.scheme;
    provider->host = uri.hostname;
    provider->port = uri.port ? uri.port : apr_uri_port_of_scheme(uri.scheme);
    provider->base_path = path;
    if (!len) {
        provider->base_path = default_path(provider);
    }
    return NULL;
}

int llm_path_begins_with(const char *path, const char *base)
{
    apr_size_t len = strlen(base);

    return len && !strncmp(path, base, len)
           && (!path[len] || path[len] == '/' || path[len] == '?');
}

const char *llm_provider_path(const llm_provider_t *provider,
                              const char *suffix, apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    const char *last = strrchr(base, '/');

    /* A version is not said twice: ".../v1" + "/v1/messages". */
    if (last && llm_path_begins_with(suffix, last)) {
        suffix += strlen(last);
    }
    return apr_pstrcat(pool, base, suffix, NULL);
}

const char *llm_dialect_native_path(const llm_provider_t *provider,
                                    const char *rest, apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";

    const char *last = strrchr(base, '/');

    if (llm_path_begins_with(rest, base)) {
        return rest;
    }
    /* https://api.groq.com/openai/v1 and /v1/models: the version once */
    if (last && last[1] == 'v' && apr_isdigit(last[2])
        && llm_path_begins_with(rest, last)) {
        rest += strlen(last);
    }
    return apr_pstrcat(pool, base,
                       *rest == '/' || *rest == '?' || !*rest ? "" : "/", rest,
                       NULL);
}
