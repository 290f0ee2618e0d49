/* SPDX-License-Identifier: Apache-2.0 */
/* Shorthand for tests of what providers are known to send; see facts.h. */
#include "test/unit/dialect/facts.h"

#include "test/unit/messages.h"

const char *facts_text(const char *text)
{
    char *copy = apr_pstrdup(unit_pool, text), *at = copy;

    while ((at = strchr(at, '\''))) {
        *at++ = '"';
    }
    return copy;
}

const llm_ask_t *facts_ask(const char *client)
{
    static const char chat[] =
        "{'model':'m','max_tokens':99,'stream':true,'messages':[{'role':"
        "'user','content':'x'}],'tools':[{%s}]%s}";
    const char *tool = "'type':'function','function':{'name':'f',"
                       "'parameters':{'type':'object'}}";
    const char *more = "";

    if (!strcmp(client, "gemini")) {
        return exchange_ask(client, LLM_OP_CHAT,
                            facts_text("{'contents':[{'parts':[{'text':'x'}]}"
                                       "],'generationConfig':{"
                                       "'thinkingConfig':{'includeThoughts':"
                                       "true}}}"));
    }
    if (!strcmp(client, "bedrock")) {
        return exchange_ask(client, LLM_OP_CHAT,
                            facts_text("{'messages':[{'role':'user','content':"
                                       "[{'text':'x'}]}]}"));
    }
    if (!strcmp(client, "anthropic")) {
        tool = "'name':'f','input_schema':{'type':'object'}";
    }
    else {
        more = ",'stream_options':{'include_usage':true}";
    }
    return exchange_ask(client, LLM_OP_CHAT,
                        facts_text(apr_psprintf(unit_pool, chat, tool, more)));
}

/* ---- answers ---- */

void facts_whole(const char *provider, const char *body, const char *said)
{
    const char *bytes = facts_text(body);

    ck_assert_str_eq(exchange_show(exchange_read(provider, facts_ask("openai"),
                                                 bytes, strlen(bytes))),
                     facts_text(said));
}

/* The stream's bytes; of AWS's messages the text has a line each. */
static llm_bytes_t bytes_of(const char *provider, const char *text)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    text = facts_text(text);
    if (exchange_dialect(provider)->framing != LLM_FRAMING_EVENTSTREAM) {
        return (llm_bytes_t){text, strlen(text)};
    }
    messages_put_lines(out, text);
    return (llm_bytes_t){out->data, out->len};
}

void facts_stream(const char *provider, const char *text, const char *said)
{
    static const cuts_t cuts[] = {{0, 0}, {1, 0}, {3, 0}, {40, 9}};
    const char *expected = facts_text(said);
    llm_bytes_t bytes = bytes_of(provider, text);
    apr_size_t i;

    for (i = 0; i < sizeof(cuts) / sizeof(*cuts); ++i) {
        ck_assert_str_eq(
            exchange_show(exchange_read_stream(provider, facts_ask("openai"),
                                               bytes.data, bytes.len, cuts[i])),
            expected);
    }
}

const char *facts_whole_for(const char *client, const char *provider,
                            const char *body)
{
    llm_problem_t *problem = NULL;
    const char *written;

    body = facts_text(body);
    written = exchange_write(provider, client, facts_ask(client), body,
                             strlen(body), &problem);
    ck_assert_msg(written != NULL, "%s", problem ? problem->message : "");
    return written;
}

const char *facts_stream_for(const char *client, const char *provider,
                             const char *text)
{
    static const cuts_t uncut = {0, 0};
    llm_bytes_t bytes = bytes_of(provider, text);

    return exchange_write_stream(provider, client, facts_ask(client),
                                 bytes.data, bytes.len, uncut);
}

void facts_problem(const char *provider, int status, const char *body,
                   const char *said)
{
    const llm_json_t *doc = NULL;
    llm_problem_t *problem;
    llm_bytes_t bytes;
    const char *found;

    bytes.data = facts_text(body);
    bytes.len = strlen(bytes.data);
    llm_json_read(&doc, bytes.data, bytes.len, NULL, unit_pool);
    problem = exchange_dialect(provider)->read_problem(
        status, apr_table_make(unit_pool, 1), doc, bytes, unit_pool);
    found = apr_psprintf(
        unit_pool, "%s %d %s%s%s%s%s%s", llm_problem_name(problem->kind),
        problem->status, problem->message, problem->type ? "; type " : "",
        problem->type ? problem->type : "", problem->code ? "; code " : "",
        problem->code ? problem->code : "",
        problem->retry_after < 0 ? ""
                                 : apr_psprintf(unit_pool, "; retry after %d",
                                                problem->retry_after));
    ck_assert_str_eq(found, facts_text(said));
}

/* ---- requests ---- */

const char *facts_sent(const char *provider, const char *url,
                       const char *request)
{
    return exchange_request(
        exchange_provider(provider, url),
        exchange_ask("openai", LLM_OP_CHAT, facts_text(request)), "m");
}

/* ---- what a text has ---- */

int facts_count(const char *text, const char *part)
{
    const char *found = facts_text(part);
    int count = 0;

    while ((text = strstr(text, found))) {
        text += strlen(found);
        ++count;
    }
    return count;
}

void facts_has(const char *text, const char *part)
{
    ck_assert_msg(facts_count(text, part) > 0, "no %s in %s", part, text);
}

void facts_lacks(const char *text, const char *part)
{
    ck_assert_msg(!facts_count(text, part), "%s in %s", part, text);
}
