/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of OpenAI's dialect does not grant: wishes that its profile
 * says it lacks, and forms of an answer.
 *
 * Where a server has no schema for answers, it is asked for a JSON object, and
 * the schema is told to the model in a message: the answer mostly keeps to it,
 * but nobody holds it to that, which is told as a `strict` that was left out.
 * Servers with json_object want the word JSON somewhere in the messages; where
 * a client of another dialect did not say it, a message of ours does.
 */
#include "dialect/limits.h"
#include "dialect/openai_internal.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* ---- wishes ---- */

static const llm_word_t wishes[] = {
    {"format_beside_tools", LLM_LACKS_TOOL_FORMAT},
    {"frequency_penalty", LLM_LACKS_FREQUENCY_PENALTY},
    {"logit_bias", LLM_LACKS_LOGIT_BIAS},
    {"logprobs", LLM_LACKS_LOGPROBS},
    {"metadata", LLM_LACKS_METADATA},
    {"n", LLM_LACKS_SEVERAL},
    {"presence_penalty", LLM_LACKS_PRESENCE_PENALTY},
    {"seed", LLM_LACKS_SEED},
    {"service_tier", LLM_LACKS_TIER},
    {"stop", LLM_LACKS_STOP},
    {"tools", LLM_LACKS_TOOLS},
    {"top_k", LLM_LACKS_TOP_K},
    {"user", LLM_LACKS_USER},
    {NULL, 0},
};

/* Can it not be made to call what the client wants called? */
static int lacks_choice(const llm_ask_t *ask, unsigned quirks)
{
    int single = ask->tools && !ask->tools->next;

    if (quirks & LLM_OPENAI_AUTO_CHOICE) {
        return 1;
    }
    return !single
           && (quirks
               & (ask->choose == LLM_CHOOSE_ANY ? LLM_OPENAI_NO_REQUIRED
                                                : LLM_OPENAI_NO_NAMED_CHOICE));
}

llm_problem_t *llm_openai_fit(const llm_ask_t **pask, llm_request_t *req,
                              const llm_habits_t *habits, apr_pool_t *pool)
{
    llm_limits_t limits = {.who = habits->profile->title,
                           .names = {"_-", 64, 0}};
    const llm_word_t *wish;
    llm_ask_t *ask;

    if (habits->quirks & LLM_OPENAI_GENUINE) {
        limits.who = "openai";
        limits.modalities = LLM_SHOW_SOUND;
        limits.takes_custom = limits.takes_barred = 1;
    }
    if (llm_profile_lists(habits->profile->own, "modalities")) {
        limits.modalities = LLM_SHOW_IMAGE | LLM_SHOW_SOUND;
        limits.shows = 1;
    }
    for (wish = wishes; wish->word; ++wish) {
        if (llm_profile_lacks(habits, wish->word)) {
            limits.lacks |= (unsigned)wish->value;
        }
    }
    if (lacks_choice(*pask, habits->quirks)) {
        limits.lacks |= LLM_LACKS_FORCED_CALL;
    }
    if ((*pask)->parallel && llm_profile_lacks(habits, "parallel_tool_calls")) {
        if (llm_json_is((*pask)->parallel, LLM_JSON_FALSE)) {
            llm_request_drop(req, "parallel_tool_calls");
        }
        ask = apr_pmemdup(pool, *pask, sizeof(*ask));
        ask->parallel = NULL;
        *pask = ask;
    }
    return llm_ask_fit(pask, req, &limits, pool);
}

/* OpenAI's models that reason refuse any, even one that says nothing. */
void llm_openai_put_top_p(llm_buf_t *out, llm_request_t *req,
                          const llm_ask_t *ask, unsigned quirks)
{
    const unsigned fixed = LLM_OPENAI_REASONS | LLM_OPENAI_GENUINE;

    if (ask->usual_top_p && (quirks & fixed) == fixed) {
        llm_request_drop(req, "top_p");
        return;
    }
    llm_put_member(out, "top_p", ask->top_p);
}

/* ---- forms of an answer ---- */

static int has_schemas(unsigned quirks)
{
    return !(quirks & LLM_OPENAI_NO_SCHEMA) || (quirks & LLM_OPENAI_HAS_SCHEMA);
}

static void put_schema(llm_buf_t *out, const llm_ask_t *ask)
{
    llm_put_name(out, "response_format");
    llm_buf_lit(out, "{\"type\":\"json_schema\",\"json_schema\":{");
    llm_put_text_member(out, "name",
                        ask->format_name.data ? ask->format_name
                                              : LLM_TEXT_LITERAL("answer"));
    if (ask->format_strict) {
        llm_put_member(out, "strict", ask->format_strict);
    }
    else if (ask->format_held && llm_schema_is_strict(ask->format_schema)) {
        llm_put_raw_member(out, "strict", "true");
    }
    llm_put_member(out, "schema", ask->format_schema);
    llm_buf_lit(out, "}}");
}

void llm_openai_put_format(llm_buf_t *out, llm_request_t *req,
                           const llm_ask_t *ask, unsigned quirks)
{
    if (ask->format == LLM_FORMAT_JSON
        && (quirks & LLM_OPENAI_NO_JSON_OBJECT)) {
        llm_put_raw_member(out, "response_format",
                           "{\"type\":\"json_schema\",\"json_schema\":{"
                           "\"name\":\"answer\",\"schema\":{\"type\":"
                           "\"object\"}}}");
    }
    else if (ask->format == LLM_FORMAT_SCHEMA && has_schemas(quirks)) {
        put_schema(out, ask);
    }
    else if (ask->format == LLM_FORMAT_JSON
             || ask->format == LLM_FORMAT_SCHEMA) {
        llm_put_raw_member(out, "response_format",
                           "{\"type\":\"json_object\"}");
        if (ask->format_name.data) {
            llm_request_drop(req, "response_format.json_schema.name");
        }
        if (ask->format == LLM_FORMAT_SCHEMA
            && !llm_json_is(ask->format_strict, LLM_JSON_FALSE)) {
            llm_request_drop(req, "response_format.json_schema.strict");
        }
    }
}

/* Is "JSON" said, in whatever case? */
static int says_json(llm_text_t text)
{
    apr_size_t i;

    for (i = 0; i + 4 <= text.len; ++i) {
        if (!strncasecmp(text.data + i, "json", 4)) {
            return 1;
        }
    }
    return 0;
}

static int turns_say_json(const llm_turn_t *turn)
{
    const llm_part_t *part;

    for (; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            if (part->kind == LLM_PART_TEXT && says_json(part->text)) {
                return 1;
            }
        }
    }
    return 0;
}

llm_bytes_t llm_openai_format_prompt(const llm_json_t *schema, apr_pool_t *pool)
{
    llm_buf_t *text = llm_buf_make(0, pool), *out = llm_buf_make(0, pool);

    llm_buf_puts(text, "Answer with a JSON object and nothing else.");
    if (schema) {
        llm_buf_puts(text, " It has to be valid by this JSON Schema:\n");
        llm_json_put(text, schema);
    }
    llm_buf_lit(out, "{\"role\":\"system\",\"content\":");
    llm_buf_put_quoted(out, (llm_bytes_t){text->data, text->len});
    llm_buf_putc(out, '}');
    return (llm_bytes_t){out->data, out->len};
}

void llm_openai_put_format_prompt(llm_buf_t *out, const llm_ask_t *ask,
                                  unsigned quirks, apr_pool_t *pool)
{
    const llm_json_t *schema = NULL;
    llm_bytes_t prompt;

    if (ask->format == LLM_FORMAT_SCHEMA && !has_schemas(quirks)) {
        schema = ask->format_schema;
    }
    else if (ask->format != LLM_FORMAT_JSON
             || (quirks & LLM_OPENAI_NO_JSON_OBJECT)
             || turns_say_json(ask->turns)) {
        return;
    }
    prompt = llm_openai_format_prompt(schema, pool);
    llm_put_comma(out);
    llm_buf_append(out, prompt.data, prompt.len);
}

/* ---- sides ---- */

/* The parts of both, in copies of the first one's. */
static llm_part_t *joined(const llm_part_t *first, llm_part_t *second,
                          apr_pool_t *pool)
{
    llm_part_t *head = second, **plast = &head;

    for (; first; first = first->next) {
        *plast = apr_pmemdup(pool, first, sizeof(*first));
        plast = &(*plast)->next;
    }
    *plast = second;
    return head;
}

const llm_turn_t *llm_openai_alternate(const llm_turn_t *turns,
                                       apr_pool_t *pool)
{
    llm_turns_t list = {NULL, NULL};

    for (; turns; turns = turns->next) {
        if (list.last && list.last->role == turns->role
            && (turns->role == LLM_ROLE_USER
                || turns->role == LLM_ROLE_ASSISTANT)) {
            list.last->parts = joined(list.last->parts, turns->parts, pool);
        }
        else {
            llm_turn_t *turn = llm_turns_add(&list, turns->role, pool);

            turn->parts = turns->parts;
            turn->name = turns->name;
        }
    }
    return list.first;
}
