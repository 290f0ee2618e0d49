/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hugging Face's old Inference API: `inputs` and `parameters` at /models/{id}.
 * Text generation for chats, feature extraction for embeddings. The answers
 * are read in huggingface_generate.c.
 *
 * Text generation continues a text, so a conversation has to become one. A
 * question alone, without system text and history, is sent as it is: that is
 * what base models are asked with. Anything else is written down like this,
 * with the model to go on behind the last colon:
 *
 *     You are a helpful assistant.
 *
 *     User: What is the capital of France?
 *     Assistant: Paris.
 *     User: And of Italy?
 *     Assistant:
 *
 * A model that goes on would next write the user's words, so "\nUser:" is
 * among the stop sequences of a dialogue, where there is room for it. Models
 * that have a chat template of their own are better asked through the router
 * (dialect huggingface).
 *
 * There are no tools, no pictures and no logprobs here; they are refused.
 */
#include "dialect/huggingface_internal.h"
#include "dialect/limits.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"

#define NAME "Hugging Face text-generation"

/* ---- the prompt ---- */

llm_prompt_t llm_huggingface_prompt_of(const llm_ask_t *ask)
{
    llm_prompt_t prompt = {0, 0};
    const llm_turn_t *turn;

    for (turn = ask->turns; turn; turn = turn->next) {
        prompt.is_dialogue |= turn != ask->turns || turn->role != LLM_ROLE_USER;
        prompt.continues = turn->role == LLM_ROLE_ASSISTANT;
    }
    return prompt;
}

/* What a part that is no text is called, when it cannot be sent. */
static const char *unwritable(llm_part_e kind)
{
    switch (kind) {
    case LLM_PART_IMAGE:
        return "pictures";
    case LLM_PART_AUDIO:
        return "sound";
    case LLM_PART_FILE:
        return "files";
    case LLM_PART_TOOL_CALL:
        return "tool calls";
    case LLM_PART_TOOL_RESULT:
        return "tool results";
    case LLM_PART_PROVIDER:
        return "parts of another provider's own";
    default:
        return NULL;
    }
}

static llm_problem_t *put_said(llm_buf_t *out, llm_request_t *req,
                               const llm_turn_t *turn, apr_pool_t *pool)
{
    const llm_part_t *part;
    int parts = 0;

    for (part = turn->parts; part; part = part->next) {
        const char *what = unwritable(part->kind);

        if (what) {
            return llm_problem_field(pool, "messages",
                                     NAME " cannot be given %s", what);
        }
        if (part->cache) {
            llm_request_drop(req, "messages.content.cache_control");
        }
        if (part->citations) {
            llm_request_drop(req, "messages.content.citations");
        }
        if (part->kind == LLM_PART_THINKING
            || part->kind == LLM_PART_REDACTED) {
            llm_request_drop(req, "messages.content.thinking");
        }
        else if (part->text.data) {
            if (parts++) {
                llm_buf_lit(out, "\\n");
            }
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    if (turn->name.data) {
        llm_request_drop(req, "messages.name");
    }
    return NULL;
}

/* The conversation inside a JSON string. */
static llm_problem_t *put_prompt(llm_buf_t *out, llm_request_t *req,
                                 const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_prompt_t prompt = llm_huggingface_prompt_of(ask);
    const llm_turn_t *turn;
    llm_problem_t *problem = NULL;

    llm_buf_putc(out, '"');
    for (turn = ask->turns; turn && !problem; turn = turn->next) {
        if (prompt.is_dialogue && turn->role == LLM_ROLE_ASSISTANT) {
            llm_buf_lit(out, "Assistant: ");
        }
        else if (prompt.is_dialogue && turn->role != LLM_ROLE_SYSTEM) {
            llm_buf_lit(out, "User: ");
        }
        problem = put_said(out, req, turn, pool);
        if (turn->next || (prompt.is_dialogue && !prompt.continues)) {
            llm_buf_puts(out, turn->role == LLM_ROLE_SYSTEM ? "\\n\\n" : "\\n");
        }
    }
    if (prompt.is_dialogue && !prompt.continues) {
        llm_buf_lit(out, "Assistant:");
    }
    llm_buf_putc(out, '"');
    return problem;
}

/* ---- parameters ---- */

static void put_limit(llm_buf_t *out, const llm_ask_t *ask,
                      const llm_provider_t *provider)
{
    if (ask->max_tokens) {
        llm_put_member(out, "max_new_tokens", ask->max_tokens);
    }
    else if (provider->max_tokens_default > 0) {
        /* the server's own default ends most answers in mid-sentence */
        llm_put_int_member(out, "max_new_tokens", provider->max_tokens_default);
    }
}

static void put_stops(llm_buf_t *out, const llm_ask_t *ask)
{
    const llm_json_t *stop = ask->stop;
    int is_list = llm_json_is(stop, LLM_JSON_ARRAY);
    unsigned count = !stop ? 0 : is_list ? stop->count : 1;
    int is_dialogue = llm_huggingface_prompt_of(ask).is_dialogue;

    if (!count && !is_dialogue) {
        return;
    }
    llm_put_name(out, "stop");
    llm_buf_putc(out, '[');
    for (stop = is_list ? stop->child : stop; stop; stop = stop->next) {
        llm_put_comma(out);
        llm_json_put(out, stop);
        if (!is_list) {
            break;
        }
    }
    if (is_dialogue && count < LLM_HUGGINGFACE_STOPS_MAX) {
        llm_put_comma(out);
        llm_buf_put_string(out, LLM_HUGGINGFACE_STOP);
    }
    llm_buf_putc(out, ']');
}

/* The server wants a temperature above 0 and a top_p below 1, and draws only
 * where it is told to. */
static void put_sampling(llm_buf_t *out, const llm_ask_t *ask)
{
    double value;

    if (llm_json_double(ask->temperature, &value)) {
        llm_put_raw_member(out, "do_sample", value > 0 ? "true" : "false");
        if (value > 0) {
            llm_put_member(out, "temperature", ask->temperature);
        }
    }
    if (llm_json_double(ask->top_p, &value) && value < 1) {
        llm_put_member(out, "top_p", ask->top_p);
    }
    llm_put_member(out, "top_k", ask->top_k);
    llm_put_member(out, "frequency_penalty", ask->frequency_penalty);
}

/* Without its sign: the server's seeds are not negative. */
static void put_seed(llm_buf_t *out, const llm_json_t *seed)
{
    llm_bytes_t digits;

    if (seed) {
        digits = seed->raw;
        if (digits.len && digits.data[0] == '-') {
            ++digits.data;
            --digits.len;
        }
        llm_put_name(out, "seed");
        llm_buf_append(out, digits.data, digits.len);
    }
}

/* TGI's own words, which clients add to the other dialects' forms. */
static const char *const own[] = {
    "repetition_penalty", "typical_p",  "truncate",
    "watermark",          "adapter_id", NULL,
};
static const char *const handled[] = {
    "repetition_penalty", "typical_p", "truncate", "watermark",
    "adapter_id",         "options",   NULL,
};

/* `options` stands beside the parameters, the others among them. */
static void put_own(llm_buf_t *out, const llm_ask_t *ask, int is_options)
{
    const char *const *name;
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (is_options) {
            if (llm_text_equals(member->name, "options")) {
                llm_put_member(out, "options", member);
            }
            continue;
        }
        for (name = own; *name; ++name) {
            if (llm_text_equals(member->name, *name)) {
                llm_put_member(out, *name, member);
            }
        }
    }
}

/* ---- what cannot be done ---- */

static const llm_limits_t limits = {
    .who = NAME,
    .lacks = LLM_LACKS_TOOLS | LLM_LACKS_FORCED_CALL | LLM_LACKS_SEVERAL
             | LLM_LACKS_LOGPROBS | LLM_LACKS_LOGIT_BIAS
             | LLM_LACKS_PRESENCE_PENALTY | LLM_LACKS_LABELS,
};

static void drop_rest(llm_request_t *req, const llm_ask_t *ask)
{
    if (ask->choose != LLM_CHOOSE_UNSAID) {
        llm_request_drop(req, "tool_choice");
    }
    if (ask->parallel) {
        llm_request_drop(req, "parallel_tool_calls");
    }
    if (ask->effort.data) {
        llm_request_drop(req, "reasoning_effort");
    }
    if (ask->thinking > 0) {
        llm_request_drop(req, "thinking");
    }
    if (ask->format == LLM_FORMAT_SCHEMA && ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
}

/* ---- requests ---- */

static llm_problem_t *put_generate(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask,
                                   const llm_provider_t *provider,
                                   apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_fit(&ask, req, &limits, pool);

    if (!problem) {
        problem = llm_request_settle_unknown(req, ask, handled, pool);
    }
    if (problem) {
        return problem;
    }
    drop_rest(req, ask);
    llm_buf_lit(out, "{\"inputs\":");
    problem = put_prompt(out, req, ask, pool);
    llm_buf_lit(out, ",\"parameters\":{\"return_full_text\":false"
                     ",\"details\":true");
    put_limit(out, ask, provider);
    put_stops(out, ask);
    put_sampling(out, ask);
    put_seed(out, ask->seed);
    if (ask->format == LLM_FORMAT_SCHEMA) {
        llm_put_name(out, "grammar");
        llm_buf_lit(out, "{\"type\":\"json\"");
        llm_put_member(out, "value", ask->format_schema);
        llm_buf_putc(out, '}');
    }
    else if (ask->format == LLM_FORMAT_JSON) { /* any object */
        llm_put_raw_member(out, "grammar",
                           "{\"type\":\"json\",\"value\":{\"type\":"
                           "\"object\"}}");
    }
    put_own(out, ask, 0);
    llm_buf_putc(out, '}');
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
    }
    put_own(out, ask, 1);
    llm_buf_putc(out, '}');
    return problem;
}

static llm_problem_t *put_features(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask, apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input;
    llm_problem_t *problem = llm_request_settle_unknown(req, ask, NULL, pool);
    const llm_json_t *text;

    if (problem) {
        return problem;
    }
    if (ask->dimensions) {
        return llm_problem_unsupported("dimensions",
                                       "Hugging Face feature-extraction", pool);
    }
    if (ask->user.data) {
        llm_request_drop(req, "user");
    }
    text = llm_json_is(input, LLM_JSON_ARRAY) ? input->child : input;
    do {
        if (!llm_json_is(text, LLM_JSON_STRING)) {
            return llm_problem_field(pool, "input",
                                     "expected a string or an array of "
                                     "strings");
        }
    } while (input->type == LLM_JSON_ARRAY && (text = text->next) != NULL);
    llm_buf_lit(out, "{");
    llm_put_member(out, "inputs", input);
    llm_buf_putc(out, '}');
    return NULL;
}

static llm_problem_t *write_request(llm_request_t *req, const llm_ask_t *ask,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool)
{
    int is_embed = ask->op == LLM_OP_EMBED;
    llm_buf_t *body = llm_request_buf(pool);
    llm_problem_t *problem = is_embed
                                 ? put_features(body, req, ask, pool)
                                 : put_generate(body, req, ask, provider, pool);

    if (problem) {
        return problem;
    }
    req->method = "POST";
    /* a sentence model's own task would be to compare sentences */
    req->path = llm_huggingface_model_path(
        provider, model, is_embed ? "/pipeline/feature-extraction" : "", pool);
    if (!req->path) {
        return llm_problem_field(pool, "model",
                                 "not a name Hugging Face can have");
    }
    apr_table_setn(req->headers, "Content-Type", "application/json");
    llm_request_set_body(req, body, pool);
    return NULL;
}

const llm_dialect_t llm_dialect_huggingface_inference = {
    .name = "huggingface-inference",
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE,
    .default_url = "https://router.huggingface.co/hf-inference",
    .framing = LLM_FRAMING_SSE,
    .write_request = write_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_huggingface_read_answer,
    .reader_make = llm_huggingface_reader_make,
    .read_event = llm_huggingface_read_event,
    .reader_end = llm_huggingface_reader_end,
    .read_usage = llm_huggingface_read_usage,
    .read_facts = llm_huggingface_read_facts,
    .read_problem = llm_huggingface_read_problem,
    .event_problem = llm_huggingface_event_problem,
    .is_last = llm_huggingface_is_last,
    .native_model = llm_huggingface_native_model,
    .native_path = llm_huggingface_native_path,
};
