/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl price set, price unset: prices of the operator's own. */
#include "llmgwctl/prices.h"

#include <string.h>

#include <apr_strings.h>

/* Options that are prices, and the members they become. */
static const struct {
    const char *option, *member;
} prices[] = {
    {"input", "input"},
    {"cache-read", "cache_read"},
    {"cache-write", "cache_write"},
    {"cache-write-1h", "cache_write_1h"},
    {"output", "output"},
    {"reasoning", "reasoning"},
    {"audio-in", "audio_in"},
    {"audio-out", "audio_out"},
    {"images", "images"},
    {"request", "request"},
};
#define PRICES (sizeof(prices) / sizeof(prices[0]))

/* "openai/gpt-4o": the provider ends at the first slash. */
static int read_name(const char **pprovider, const char **pmodel, ctl_t *ctl)
{
    const char *name = ctl_argument(ctl, 0), *slash = strchr(name, '/');

    if (!slash || slash == name || !slash[1]) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "expected PROVIDER/MODEL, such as openai/gpt-4o, not "
                        "'%s'",
                        name);
    }
    *pprovider = apr_pstrmemdup(ctl->pool, name, (apr_size_t)(slash - name));
    *pmodel = slash + 1;
    return CTL_DONE;
}

static int put_prices(llm_buf_t *entry, ctl_t *ctl)
{
    llm_money_t money;
    unsigned given = 0;
    apr_size_t i;

    for (i = 0; i < PRICES; ++i) {
        const char *text = ctl_option(ctl, prices[i].option);

        if (text && !llm_money_read(&money, text, strlen(text))) {
            return ctl_fail(ctl, CTL_USAGE, "usage",
                            "--%s: expected dollars such as 2.50, not '%s'",
                            prices[i].option, text);
        }
        if (text) {
            ctl_request_text(entry, prices[i].member, text);
            ++given;
        }
    }
    return given ? CTL_DONE
                 : ctl_fail(ctl, CTL_USAGE, "usage",
                            "price set: expected a price, such as --input "
                            "2.50");
}

/* An option that is JSON. */
static int put_json(llm_buf_t *entry, ctl_t *ctl, const char *option,
                    const char *member)
{
    const char *text = ctl_option(ctl, option);
    const llm_json_t *doc;

    if (text
        && llm_json_read(&doc, text, strlen(text), NULL, ctl->pool)
               != APR_SUCCESS) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--%s: expected JSON, not '%s'", option, text);
    }
    ctl_request_raw(entry, member, text);
    return CTL_DONE;
}

/* Returns a ctl_exit_e, and the entry's JSON. */
static int make_entry(const char **pentry, ctl_t *ctl)
{
    llm_buf_t *entry = llm_buf_make(0, ctl->pool);
    const char *provider, *model;
    int status = read_name(&provider, &model, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    llm_buf_lit(entry, "{\"provider\":");
    llm_buf_put_string(entry, provider);
    ctl_request_text(entry, "model", model);
    status = put_prices(entry, ctl);
    if (status == CTL_DONE) {
        status = put_json(entry, ctl, "tiers", "tiers");
    }
    if (status == CTL_DONE) {
        status = put_json(entry, ctl, "service-tiers", "service_tiers");
    }
    ctl_request_text(entry, "as_of", ctl_option(ctl, "as-of"));
    ctl_request_text(entry, "note", ctl_option(ctl, "note"));
    llm_buf_append(entry, "}", 2); /* its end, and a string's */
    *pentry = entry->data;
    return status;
}

static int say(ctl_t *ctl, const llm_json_t *done, const char *what)
{
    if (ctl->face == CTL_JSON) {
        fprintf(ctl->world->out, "%.*s\n", (int)done->raw.len, done->raw.data);
    }
    else {
        fprintf(ctl->world->out, "%s: %s, in force now\n",
                ctl_safe_text(ctl_argument(ctl, 0), ctl->pool), what);
    }
    return CTL_DONE;
}

int ctl_price_set(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "price.set");
    const llm_json_t *done;
    const char *entry;
    int status = make_entry(&entry, ctl);

    if (status == CTL_DONE) {
        ctl_request_raw(request, "entry", entry);
        status = ctl_ask(ctl, request, NULL, NULL, &done);
    }
    return status == CTL_DONE ? say(ctl, done, "set") : status;
}

int ctl_price_unset(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "price.unset");
    const llm_json_t *done;
    const char *provider, *model;
    int status = read_name(&provider, &model, ctl);

    if (status == CTL_DONE) {
        ctl_request_text(request, "provider", provider);
        ctl_request_text(request, "model", model);
        status = ctl_ask(ctl, request, NULL, NULL, &done);
    }
    return status == CTL_DONE ? say(ctl, done, "no longer set") : status;
}

const ctl_option_t ctl_price_set_options[] = {
    {"input", "DOLLARS", "fresh input"},
    {"cache-read", "DOLLARS", "input read from a cache (else as input)"},
    {"cache-write", "DOLLARS", "input written to a cache (else as input)"},
    {"cache-write-1h", "DOLLARS", "the same for an hour (else cache-write)"},
    {"output", "DOLLARS", "output"},
    {"reasoning", "DOLLARS", "reasoning (else as output)"},
    {"audio-in", "DOLLARS", "audio that is heard (else as input)"},
    {"audio-out", "DOLLARS", "audio that is spoken (else as output)"},
    {"images", "DOLLARS", "each image"},
    {"request", "DOLLARS", "each request, besides its tokens"},
    {"tiers", "JSON", "prices of larger inputs, as in a price list"},
    {"service-tiers", "JSON", "prices of service tiers, as in a price list"},
    {"as-of", "DATE", "since when it is known (today)"},
    {"note", "TEXT", "a remark for people"},
    {NULL, NULL, NULL},
};
