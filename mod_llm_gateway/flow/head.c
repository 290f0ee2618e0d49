/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers across the gateway: which of the client's go on to a provider,
 * which of a provider's come back, and the request's head as bytes.
 *
 * What is not known to be harmful passes, as through any proxy. Never pass:
 * hop-by-hop headers (RFC 9110, 7.6.1), whatever carries a credential of the
 * client's, cookies, and what the gateway sets itself.
 */
#include "flow/head.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "core/llm_redact.h"

static const char *const hop_by_hop[] = {
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
    NULL,
};

static const char *const not_to_providers[] = {
    "Host",
    "Content-Length",
    "Accept-Encoding",
    "Content-Encoding",
    "Authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "X-Client-API-Key",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
    "Cookie",
    "Forwarded",
    "Via",
    "X-Real-IP",
    "Origin",
    "Referer",
    NULL,
};

static const char *const not_to_clients[] = {
    "Content-Length",
    "Content-Type",
    "Date",
    "Server",
    "Set-Cookie",
    "Via",
    "Alt-Svc",
    "Strict-Transport-Security",
    "x-request-id",
    "WWW-Authenticate",
    NULL,
};

static int is_listed(const char *const *list, const char *name)
{
    for (; *list; ++list) {
        if (!strcasecmp(*list, name)) {
            return 1;
        }
    }
    return 0;
}

/* Is it named by a Connection header, and so meant for one hop only? */
static int is_named(const char *connection, const char *name)
{
    apr_size_t len = strlen(name);

    while (connection && *connection) {
        apr_size_t n = strcspn(connection, ", \t");

        if (n == len && !strncasecmp(connection, name, n)) {
            return 1;
        }
        connection += n;
        connection += strspn(connection, ", \t");
    }
    return 0;
}

static int begins_with(const char *name, const char *prefix)
{
    return !strncasecmp(name, prefix, strlen(prefix));
}

void llm_head_from_client(apr_table_t *out, const apr_table_t *in)
{
    const apr_array_header_t *list = apr_table_elts(in);
    const apr_table_entry_t *entry = (const void *)list->elts;
    const char *connection = apr_table_get(in, "Connection");

    for (int i = 0; i < list->nelts; ++i) {
        const char *name = entry[i].key;

        if (!is_listed(hop_by_hop, name) && !is_listed(not_to_providers, name)
            && !is_named(connection, name) && !begins_with(name, "x-llm-")
            && !begins_with(name, "x-forwarded-")
            && !llm_redact_is_secret_header(name)) {
            apr_table_addn(out, name, entry[i].val);
        }
    }
}

/* Limits and ids help every client; the rest is for those who speak the
 * provider's own dialect. */
static int is_for_all(const char *name)
{
    return begins_with(name, "x-ratelimit-")
           || begins_with(name, "anthropic-ratelimit-")
           || !strcasecmp(name, "request-id")
           || !strcasecmp(name, "Retry-After");
}

void llm_head_from_provider(apr_table_t *out, const apr_table_t *in, int status,
                            int pass)
{
    const apr_array_header_t *list = apr_table_elts(in);
    const apr_table_entry_t *entry = (const void *)list->elts;
    const char *connection = apr_table_get(in, "Connection");
    const char *id = apr_table_get(in, "x-request-id");

    if (id) {
        apr_table_setn(out, "x-llm-upstream-request-id", id);
    }
    for (int i = 0; i < list->nelts; ++i) {
        const char *name = entry[i].key;

        /* providers send Retry-After with good answers too, where a client
         * that obeys it would wait for nothing */
        if (is_listed(hop_by_hop, name) || is_listed(not_to_clients, name)
            || is_named(connection, name) || begins_with(name, "x-llm-")
            || begins_with(name, "access-control-")
            || (!strcasecmp(name, "Retry-After") && status < 400)) {
            continue;
        }
        if (pass || is_for_all(name)) {
            apr_table_addn(out, name, entry[i].val);
        }
    }
}

/* A value from outside must not end the line it stands in. */
static void put_line(llm_buf_t *out, const char *name, const char *prefix,
                     const char *value)
{
    llm_buf_puts(out, name);
    llm_buf_lit(out, ": ");
    llm_buf_puts(out, prefix);
    for (; *value; ++value) {
        llm_buf_putc(out, apr_iscntrl(*value) && *value != '\t' ? ' ' : *value);
    }
    llm_buf_lit(out, "\r\n");
}

static const char *host_of(const llm_provider_t *provider, apr_pool_t *pool)
{
    int usual = strcmp(provider->scheme, "https") ? 80 : 443;

    return provider->port == usual
               ? provider->host
               : apr_psprintf(pool, "%s:%d", provider->host, provider->port);
}

/* What proves who asks: a signature of the request, or the secret itself. */
static void put_secret(llm_buf_t *out, const llm_attempt_t *attempt,
                       const char *host, const char *secret)
{
    const llm_provider_t *provider = attempt->upstream.provider;
    const llm_dialect_t *dialect = provider->dialect;
    const char *prefix = "", *name;

    if (provider->bearer) {
        put_line(out, "Authorization", "Bearer ", secret);
        return;
    }
    if (dialect->sign
        && dialect->sign(out, provider, &attempt->request, host, secret,
                         attempt->began, attempt->pool)) {
        return;
    }
    name = dialect->secret_header(&prefix);
    put_line(out, name, prefix, secret);
}

static apr_size_t body_length(const llm_request_t *request)
{
    apr_size_t len = 0;

    for (int i = 0; i < request->body_count; ++i) {
        len += request->body[i].len;
    }
    return len;
}

void llm_attempt_head(llm_attempt_t *attempt, const char *secret,
                      llm_buf_t *out)
{
    const llm_provider_t *provider = attempt->upstream.provider;
    const llm_request_t *request = &attempt->request;
    const apr_array_header_t *list = apr_table_elts(request->headers);
    const apr_table_entry_t *entry = (const void *)list->elts;
    const char *host = host_of(provider, attempt->pool);

    llm_buf_puts(out, request->method);
    llm_buf_putc(out, ' ');
    llm_buf_puts(out, request->path);
    llm_buf_lit(out, " HTTP/1.1\r\n");
    put_line(out, "Host", "", host);
    if (secret) {
        put_secret(out, attempt, host, secret);
    }
    for (int i = 0; i < list->nelts; ++i) {
        put_line(out, entry[i].key, "", entry[i].val);
    }
    /* compressed answers could neither be metered nor translated */
    llm_buf_lit(out, "Accept-Encoding: identity\r\n");
    if (request->body_count || strcmp(request->method, "GET")) {
        llm_buf_lit(out, "Content-Length: ");
        llm_buf_put_int(out, (apr_int64_t)body_length(request));
        llm_buf_lit(out, "\r\n");
    }
    llm_buf_lit(out, "Connection: keep-alive\r\n\r\n");
}
