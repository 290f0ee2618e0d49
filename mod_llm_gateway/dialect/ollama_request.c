/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a request to Ollama.
 *
 * A message has its text in one string and its pictures, bytes alone, beside
 * it. Calls have no ids: results name their tool, and follow the calls in
 * their order. A system message may stand anywhere. What the server would not
 * do, it passes over without a word; so what it cannot do is refused here.
 */
#include "dialect/ollama_internal.h"
#include "dialect/limits.h"
#include "dialect/schema.h"

#include <string.h>

#include <apr_strings.h>

#define NAME "ollama"

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    int turn;              /* its number, for error texts */
    const llm_turn_t *row; /* the first of several turns with results */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_problem_unsupported(
        apr_psprintf(place->pool, "messages[%d]%s", place->turn, what), NAME,
        place->pool);
}

/* ---- parts ---- */

static int is_text(const llm_part_t *part)
{
    return part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL;
}

/* Text of the parts of one kind or, for TEXT, of refusals too; in a row. */
static void put_texts(llm_buf_t *out, const char *name, const llm_part_t *parts,
                      llm_part_e kind, const char *between)
{
    const llm_part_t *part;
    int count = 0;

    llm_put_name(out, name);
    llm_buf_putc(out, '"');
    for (part = parts; part; part = part->next) {
        if (part->kind == kind || (kind == LLM_PART_TEXT && is_text(part))) {
            llm_buf_puts(out, count++ ? between : "");
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    llm_buf_putc(out, '"');
}

/* What a part has besides, or is, and Ollama has no place for. */
static llm_problem_t *check_part(const place_t *place, const llm_part_t *part)
{
    if (part->cache) {
        llm_request_drop(place->req, "messages.content.cache_control");
    }
    if (part->citations) {
        llm_request_drop(place->req, "messages.content.citations");
    }
    switch (part->kind) {
    case LLM_PART_REDACTED:
        llm_request_drop(place->req, "messages.content.thinking");
        return NULL;
    case LLM_PART_AUDIO:
        return cannot(place, ".content.audio");
    case LLM_PART_FILE:
        return cannot(place, ".content.file");
    case LLM_PART_PROVIDER:
        return cannot(place, ".content");
    case LLM_PART_IMAGE:
        if (part->media->detail.data) {
            llm_request_drop(place->req, "messages.content.image_url.detail");
        }
        /* the server fetches nothing, and neither do we */
        return part->media->base64.data ? NULL
                                        : cannot(place, ".content.image_url");
    default:
        return NULL;
    }
}

static llm_problem_t *check_parts(const place_t *place, const llm_part_t *parts)
{
    llm_problem_t *problem = NULL;

    for (; parts && !problem; parts = parts->next) {
        problem = check_part(place, parts);
        if (!problem && parts->kind == LLM_PART_TOOL_RESULT) {
            problem = check_parts(place, parts->result);
        }
    }
    return problem;
}

/* `images`, of the parts and, where `results`, of what tools returned. */
static void put_images(llm_buf_t *out, const llm_part_t *parts, int results,
                       int *pcount)
{
    for (; parts; parts = parts->next) {
        if (parts->kind == LLM_PART_TOOL_RESULT && results) {
            put_images(out, parts->result, 0, pcount);
        }
        if (parts->kind != LLM_PART_IMAGE) {
            continue;
        }
        if (!(*pcount)++) {
            llm_put_name(out, "images");
            llm_buf_putc(out, '[');
        }
        llm_put_comma(out);
        llm_buf_put_text(out, parts->media->base64);
    }
}

/* ---- messages ---- */

static void open_message(const place_t *place, const char *role)
{
    llm_put_comma(place->out);
    llm_buf_putc(place->out, '{');
    llm_put_string_member(place->out, "role", role);
}

static void put_said(const place_t *place, const llm_turn_t *turn,
                     const char *role)
{
    int images = 0;

    open_message(place, role);
    put_texts(place->out, "content", turn->parts, LLM_PART_TEXT, "\\n");
    put_images(place->out, turn->parts, 1, &images);
    llm_buf_puts(place->out, images ? "]}" : "}");
}

static void put_result(const place_t *place, const llm_part_t *part)
{
    open_message(place, "tool");
    put_texts(place->out, "content", part->result, LLM_PART_TEXT, "\\n");
    llm_put_text_member(place->out, "tool_name", part->result_name);
    llm_put_string_member(place->out, "tool_call_id", part->result_of);
    llm_buf_putc(place->out, '}');
    if (part->is_error) {
        llm_request_drop(place->req, "messages.content.is_error");
    }
}

/* Is there something beside the results' texts? */
static int has_more(const llm_part_t *parts)
{
    const llm_part_t *inner;

    for (; parts; parts = parts->next) {
        if (parts->kind != LLM_PART_TOOL_RESULT) {
            return 1;
        }
        for (inner = parts->result; inner; inner = inner->next) {
            if (inner->kind == LLM_PART_IMAGE) {
                return 1;
            }
        }
    }
    return 0;
}

/* Results first: they belong to the calls before them. Their pictures come
 * with what the user says, or in a message of their own. */
static void put_user(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part;
    int results = 0;

    for (part = turn->parts; part; part = part->next) {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            ++results;
            put_result(place, part);
        }
    }
    if (results) {
        turn = llm_turn_join(&place->row, turn, place->pool);
    }
    if (turn && (!results || has_more(turn->parts))) {
        put_said(place, turn, "user");
    }
}

static void put_calls(const place_t *place, const llm_part_t *parts)
{
    llm_buf_t *out = place->out;
    int count = 0;

    for (; parts; parts = parts->next) {
        const llm_call_t *call = parts->call;

        if (parts->kind != LLM_PART_TOOL_CALL) {
            continue;
        }
        if (!count++) {
            llm_put_name(out, "tool_calls");
            llm_buf_putc(out, '[');
        }
        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "id", call->id);
        llm_put_name(out, "function");
        llm_buf_putc(out, '{');
        llm_put_needed_text(out, "name", call->name);
        llm_put_name(out, "arguments");
        llm_buf_append(out, call->args.data, call->args.len);
        llm_buf_lit(out, "}}");
    }
    if (count) {
        llm_buf_putc(out, ']');
    }
}

static void put_assistant(const place_t *place, const llm_turn_t *turn)
{
    int images = 0;

    open_message(place, "assistant");
    put_texts(place->out, "content", turn->parts, LLM_PART_TEXT, "");
    if (llm_parts_have(turn->parts, LLM_PART_THINKING)) {
        put_texts(place->out, "thinking", turn->parts, LLM_PART_THINKING, "");
    }
    put_images(place->out, turn->parts, 0, &images);
    if (images) {
        llm_buf_putc(place->out, ']');
    }
    put_calls(place, turn->parts);
    llm_buf_putc(place->out, '}');
}

static llm_problem_t *put_messages(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask, apr_pool_t *pool)
{
    place_t place = {out, req, 0, NULL, pool};
    llm_problem_t *problem = NULL;
    const llm_turn_t *turn;

    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    for (turn = ask->turns; turn && !problem; turn = turn->next) {
        problem = check_parts(&place, turn->parts);
        if (problem) {
            break;
        }
        if (turn->name.data) {
            llm_request_drop(req, "messages.name");
        }
        if (turn->role == LLM_ROLE_ASSISTANT) {
            put_assistant(&place, turn);
        }
        else if (turn->role == LLM_ROLE_SYSTEM) {
            put_said(&place, turn, "system");
        }
        else {
            put_user(&place, turn);
        }
        ++place.turn;
    }
    llm_buf_putc(out, ']');
    return problem;
}

/* ---- tools ---- */

/* A choice of none is granted by naming no tools. */
static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    const llm_tool_t *tool;

    if (!ask->tools || ask->choose == LLM_CHOOSE_NONE) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"type\":\"function\",\"function\":{");
        llm_put_text_member(out, "name", tool->name);
        llm_put_text_member(out, "description", tool->description);
        llm_put_name(out, "parameters");
        llm_put_tool_schema(out, tool->schema); /* templates expect one */
        llm_buf_lit(out, "}}");
        if (llm_json_is_true(tool->strict)) {
            llm_request_drop(req, "tools.function.strict");
        }
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
    }
    llm_buf_putc(out, ']');
}

/* ---- options ---- */

/* The server's own words: what clients of the other dialects add to ask for
 * them. Those behind the NULL stand in the request itself. */
static const char *const in_options[] = {
    "num_ctx",      "num_keep",       "num_batch", "num_gpu",
    "main_gpu",     "num_thread",     "use_mmap",  "min_p",
    "typical_p",    "repeat_last_n",  "mirostat",  "mirostat_eta",
    "mirostat_tau", "repeat_penalty", NULL,
};
static const char *const in_request[] = {"keep_alive", "truncate", NULL};
static const char *const handled[] = {
    "num_ctx",      "num_keep",       "num_batch",  "num_gpu",
    "main_gpu",     "num_thread",     "use_mmap",   "min_p",
    "typical_p",    "repeat_last_n",  "mirostat",   "mirostat_eta",
    "mirostat_tau", "repeat_penalty", "keep_alive", "truncate",
    NULL,
};

static void put_own(llm_buf_t *out, const llm_ask_t *ask,
                    const char *const *names)
{
    int i;

    for (; *names; ++names) {
        for (i = 0; i < ask->unknown->nelts; ++i) {
            const llm_json_t *member =
                APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

            if (llm_text_equals(member->name, *names)) {
                llm_put_member(out, *names, member);
            }
        }
    }
}

static void put_options(llm_buf_t *out, const llm_ask_t *ask)
{
    apr_size_t before = out->len, open;

    llm_put_name(out, "options");
    llm_buf_putc(out, '{');
    open = out->len;
    llm_put_member(out, "num_predict", ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    llm_put_member(out, "top_p", ask->top_p);
    llm_put_member(out, "top_k", ask->top_k);
    llm_put_member(out, "seed", ask->seed);
    llm_put_member(out, "frequency_penalty", ask->frequency_penalty);
    llm_put_member(out, "presence_penalty", ask->presence_penalty);
    llm_put_list_member(out, "stop", ask->stop);
    put_own(out, ask, in_options);
    if (out->len == open) {
        llm_buf_cut(out, before); /* nothing was said */
        return;
    }
    llm_buf_putc(out, '}');
}

/* Three words, or whether at all. A model that cannot think is not asked to
 * stop: it refuses either. */
static void put_think(llm_buf_t *out, const llm_ask_t *ask)
{
    static const llm_word_t words[] = {
        {"minimal", 0}, {"low", 0}, {"medium", 1}, {"high", 2},
        {"xhigh", 2},   {"max", 2}, {NULL, 0},
    };
    static const char *const names[] = {"low", "medium", "high"};
    int level = llm_word_value(words, ask->effort, -1);

    if (ask->thinking < 0) {
        llm_put_raw_member(out, "think", "false");
    }
    else if (level >= 0) {
        llm_put_string_member(out, "think", names[level]);
    }
    else if (ask->thinking > 0) {
        llm_put_raw_member(out, "think", "true");
    }
}

/* The server holds the model to the format from its first token on: it could
 * not call a tool any more. */
static void put_format(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA) {
        return;
    }
    if (ask->format == LLM_FORMAT_JSON) {
        llm_put_string_member(out, "format", "json");
        return;
    }
    llm_put_member(out, "format", ask->format_schema);
    if (ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
}

/* ---- what cannot be done ---- */

static const llm_limits_t limits = {
    .who = NAME,
    .lacks = LLM_LACKS_SEVERAL | LLM_LACKS_LOGIT_BIAS | LLM_LACKS_FORCED_CALL
             | LLM_LACKS_TOOL_FORMAT | LLM_LACKS_BUDGET | LLM_LACKS_LABELS,
    .shows = 1,
};

/* ---- requests ---- */

static llm_problem_t *put_chat(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_problem_t *problem = put_messages(out, req, ask, pool);

    if (!problem) {
        put_tools(out, req, ask);
        put_format(out, req, ask);
    }
    put_think(out, ask);
    put_options(out, ask);
    if (llm_json_is_true(ask->logprobs)) {
        llm_put_raw_member(out, "logprobs", "true");
        llm_put_member(out, "top_logprobs", ask->top_logprobs);
    }
    put_own(out, ask, in_request);
    /* streaming is the server's default: it has to be told */
    llm_put_raw_member(out, "stream", ask->stream ? "true" : "false");
    return problem;
}

static llm_problem_t *put_embed(llm_buf_t *out, const llm_ask_t *ask,
                                apr_pool_t *pool)
{
    const llm_json_t *node = ask->embed_input;

    if (node->type == LLM_JSON_ARRAY) {
        for (node = node->child; node && node->type == LLM_JSON_STRING;
             node = node->next) {
        }
        if (node) {
            return llm_problem_field(pool, "input",
                                     "expected a string or an array of "
                                     "strings");
        }
    }
    llm_put_member(out, "input", ask->embed_input);
    llm_put_member(out, "dimensions", ask->dimensions);
    put_own(out, ask, in_request);
    return NULL;
}

llm_problem_t *llm_ollama_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool)
{
    int is_embed = ask->op == LLM_OP_EMBED;
    llm_buf_t *out = llm_request_buf(pool);
    llm_problem_t *problem = llm_ask_fit(&ask, req, &limits, pool);

    if (!problem) {
        problem = llm_request_settle_unknown(req, ask, handled, pool);
    }
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    problem =
        is_embed ? put_embed(out, ask, pool) : put_chat(out, req, ask, pool);
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path =
        llm_ollama_path(provider, is_embed ? "/api/embed" : "/api/chat", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
