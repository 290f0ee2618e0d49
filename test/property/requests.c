/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: a conversation, written for a provider, is refused by naming a
 * member of it, or it is all there. Where the provider's dialect faces clients
 * too, what was written is read again and says the same; elsewhere each text
 * has to be in it.
 *
 * Two conversations are compared by their facts, conversation.c. What is named
 * in `dropped` may be lacking.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/unit.h"

/* ---- what may differ ---- */

/* Or something in it, where the name ends with a dot. */
static int is_dropped(const llm_request_t *req, const char *name)
{
    apr_size_t len = strlen(name);
    int i;

    for (i = 0; i < req->dropped->nelts; ++i) {
        const char *dropped = APR_ARRAY_IDX(req->dropped, i, const char *);

        if (!strcmp(dropped, name)
            || (len && name[len - 1] == '.' && !strncmp(dropped, name, len))) {
            return 1;
        }
    }
    return 0;
}

/* A fact that may be another: to this dialect (NULL: all), where this is
 * dropped (NULL: always). Numbers in a fact's name are '#' here. */
static const struct allowed_t {
    const char *fact, *dialect, *dropped;
} allowed[] = {
#include "test/property/allowed.def"
};

static const char *without_numbers(const char *name)
{
    char *plain = apr_pstrdup(unit_pool, name), *to = plain;

    for (; *name; ++name) {
        if (!apr_isdigit(*name)) {
            *to++ = *name;
        }
        else if (to == plain || to[-1] != '#') {
            *to++ = '#';
        }
    }
    *to = '\0';
    return plain;
}

static int may_differ(const char *name, const char *dialect,
                      const llm_request_t *req)
{
    const char *plain = without_numbers(name);
    apr_size_t i;

    for (i = 0; i < sizeof(allowed) / sizeof(*allowed); ++i) {
        const struct allowed_t *one = &allowed[i];

        if (!strcmp(one->fact, plain)
            && (!one->dialect || !strcmp(one->dialect, dialect))
            && (!one->dropped || is_dropped(req, one->dropped))) {
            return 1;
        }
    }
    return is_dropped(req, name);
}

static const char *dropped_text(const llm_request_t *req)
{
    return apr_array_pstrcat(unit_pool, req->dropped, ' ');
}

/* Each fact of `wanted` is one of `found` too. */
static void must_have(const facts_t *wanted, const facts_t *found,
                      const char *dialect, const llm_request_t *req,
                      const char *what)
{
    const apr_array_header_t *list = apr_table_elts(wanted->lines);
    const apr_table_entry_t *lines = (const void *)list->elts;
    int i;

    for (i = 0; i < list->nelts; ++i) {
        const char *other = apr_table_get(found->lines, lines[i].key);

        ck_assert_msg((other && !strcmp(other, lines[i].val))
                          || may_differ(lines[i].key, dialect, req),
                      "%s: %s\n  is:  %.1500s\n  was: %.1500s\n  dropped: %s",
                      what, lines[i].key, other ? other : "(nothing)",
                      lines[i].val, dropped_text(req));
    }
}

/* ---- requests ---- */

static const char *some_model(const char *dialect)
{
    static const struct {
        const char *dialect;
        const char *models[8];
    } all[] = {
        {"anthropic",
         {"claude-sonnet-4-5", "claude-3-5-haiku-20241022", "claude-opus-4-6",
          "claude-3-7-sonnet-latest", "claude-opus-4-1-20250805",
          "claude-haiku-4-5", "claude-next", "claude-sonnet-4-20250514"}},
        {"bedrock",
         {"us.anthropic.claude-sonnet-4-20250514-v1:0",
          "amazon.nova-2-lite-v1:0", "amazon.nova-pro-v1:0",
          "anthropic.claude-3-5-sonnet-20241022-v2:0",
          "global.anthropic.claude-opus-4-6-v1", "meta.llama3-3-70b-v1:0",
          "arn:aws:bedrock:us-east-1:1:inference-profile/x", "mistral.m"}},
        {"cohere",
         {"command-a-03-2025", "command-a-reasoning-08-2025", "command-r-plus",
          "command-a-vision-07-2025", "c", "c", "c", "c"}},
        {"gemini",
         {"gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview",
          "gemini-2.0-flash", "gemini-1.5-pro", "models/gemini-2.5-flash-lite",
          "gemma-3-27b-it", "tunedModels/x"}},
    };
    static const char *const others[] = {
        "gpt-4o", "gpt-5-mini", "o3",    "gpt-4.1-nano",
        "llama3", "gpt-oss",    "org/m", "mistral-large-latest"};
    apr_size_t i;

    for (i = 0; i < sizeof(all) / sizeof(*all); ++i) {
        if (!strcmp(all[i].dialect, dialect)) {
            return all[i].models[roll(8)];
        }
    }
    return others[roll(8)];
}

/* What single servers want besides (an answer between results and a user's
 * message, a schema in words) has its tests elsewhere. */
static const char *some_address(const char *dialect)
{
    static const char *const all[] = {"http://localhost/v1",
                                      "https://api.openai.com/v1",
                                      "https://openrouter.ai/api/v1"};

    return strcmp(dialect, "openai") != 0 ? NULL : all[roll(3)];
}

/* The body as one text; NULL where it was refused, as it has to be. */
static const char *write_for(llm_request_t *req, const llm_dialect_t *dialect,
                             const llm_ask_t *ask)
{
    llm_provider_t *provider =
        exchange_provider(dialect->name, some_address(dialect->name));
    const char *model = some_model(dialect->name);
    llm_buf_t *body = llm_buf_make(0, unit_pool);
    llm_problem_t *problem;
    int i;

    memset(req, 0, sizeof(*req));
    req->headers = apr_table_make(unit_pool, 4);
    req->dropped = apr_array_make(unit_pool, 4, sizeof(const char *));
    problem = dialect->write_request(req, ask, model, provider, unit_pool);
    if (problem) {
        tell("%s at %s refuses: %s", model, provider->host, problem->message);
        ck_assert_int_eq(problem->kind, LLM_PROBLEM_BAD_REQUEST);
        ck_assert_msg(problem->param != NULL, "names nothing: %s",
                      problem->message);
        return NULL;
    }
    for (i = 0; i < req->body_count; ++i) {
        llm_buf_append(body, req->body[i].data, req->body[i].len);
    }
    tell("%s at %s gets %s", model, provider->host, bytes_as_text(body));
    return bytes_as_text(body);
}

/* ---- texts in a body ---- */

static void put_strings(llm_buf_t *out, const llm_json_t *node)
{
    const llm_json_t *child;

    if (node->type == LLM_JSON_STRING) {
        put_plain(out, llm_json_text(node));
    }
    if (llm_text_equals(node->name, "response")) { /* Gemini's result, whole */
        llm_buf_append(out, node->raw.data, node->raw.len);
    }
    for (child = node->child; child; child = child->next) {
        put_strings(out, child);
    }
}

static void must_hold_text(const char *body, const llm_part_t *part)
{
    llm_buf_t *text = llm_buf_make(0, unit_pool);

    for (; part; part = part->next) {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            must_hold_text(body, part->result);
        }
        else if (part->kind == LLM_PART_TEXT
                 || part->kind == LLM_PART_REFUSAL) {
            llm_buf_clear(text);
            put_plain(text, part->text);
            ck_assert_msg(strstr(body, bytes_as_text(text)) != NULL,
                          "%s is not in %.2000s", bytes_as_text(text), body);
        }
    }
}

/* Each text is in the body. */
static void must_say(const char *body, const llm_ask_t *ask)
{
    llm_buf_t *strings = llm_buf_make(0, unit_pool);
    const llm_turn_t *turn;

    put_strings(strings, exchange_json(body, strlen(body)));
    for (turn = ask->turns; turn; turn = turn->next) {
        must_hold_text(bytes_as_text(strings), turn->parts);
    }
}

/* ---- the property ---- */

static int is_provider(const llm_dialect_t *dialect)
{
    return (dialect->provider_ops & LLM_OP_CHAT) != 0;
}

int faces_clients(const llm_dialect_t *dialect)
{
    return dialect->read_request && (dialect->client_ops & LLM_OP_CHAT);
}

/* Nobody said anything but the system: then that is asked. */
static int is_system_alone(const facts_t *facts)
{
    return !facts->runs;
}

static llm_ask_t *read_back(const llm_dialect_t *dialect, const char *body)
{
    llm_ask_t *ask = NULL;
    llm_problem_t *problem = dialect->read_request(
        &ask, LLM_OP_CHAT, exchange_json(body, strlen(body)), unit_pool);

    ck_assert_msg(!problem, "what was written is refused: %s",
                  problem ? problem->message : "");
    return ask;
}

static void compare(const facts_t *before, const facts_t *after,
                    const char *dialect, const llm_request_t *req)
{
    if (is_system_alone(before)) {
        apr_table_unset(before->lines, "system");
    }
    must_have(before, after, dialect, req, "lost");
    ck_assert_msg(before->runs == after->runs || is_system_alone(before),
                  "%d runs became %d", before->runs, after->runs);
    ck_assert_int_eq(before->calls, after->calls);
    ck_assert_msg(!after->late, "a result behind what the user says: %s",
                  dialect);
}

static void run_requests(int number)
{
    const llm_dialect_t *dialect = nth_dialect(is_provider, number);
    int is_sound = !rarely(4);
    llm_ask_t *ask = some_ask(is_sound);
    const char *body;
    llm_request_t req;

    body = write_for(&req, dialect, ask);
    if (!body) {
        return;
    }
    exchange_json(body, strlen(body));
    /* Gemma has no system turns: the user says what they said */
    if (!faces_clients(dialect) || strstr(req.path, "gemma")) {
        if (is_sound) {
            must_say(body, ask);
        }
        return;
    }
    if (is_sound) { /* what was none to begin with may be refused there */
        compare(facts_of(ask), facts_of(read_back(dialect, body)),
                dialect->name, &req);
    }
}

static int count(void)
{
    return count_dialects(is_provider);
}

static const char *title(int number)
{
    return nth_dialect(is_provider, number)->name;
}

const property_t requests_property = {
    .name = "requests",
    .says = "a conversation is all there for a provider, or refused",
    .cost = 1,
    .run = run_requests,
    .count = count,
    .title = title,
};
