/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's dialect: Chat Completions, Embeddings and Models, as OpenAI and
 * the many servers that copy it speak it. The map of its files is in
 * openai_internal.h.
 *
 * Counts. prompt_tokens include what was read from and written to a cache and
 * audio; completion_tokens include reasoning. Two exceptions show in the
 * total: some servers (xAI) leave reasoning out of completion_tokens, some
 * (Google's endpoint) do not even tell it. What the total has beyond prompt
 * and completion is therefore reasoning; it is billed.
 */
#include "dialect/openai_internal.h"

#include <string.h>

#include <apr_strings.h>

/* ---- words ---- */

/* The first word of a meaning is written to clients. */
static const llm_word_t finish_words[] = {
    {"stop", LLM_FINISH_STOP},
    {"length", LLM_FINISH_LENGTH},
    {"tool_calls", LLM_FINISH_TOOL_CALLS},
    {"content_filter", LLM_FINISH_FILTERED},
    {"function_call", LLM_FINISH_TOOL_CALLS}, /* legacy functions */
    {"tool_use", LLM_FINISH_TOOL_CALLS},
    {"eos", LLM_FINISH_STOP},       /* Together */
    {"eos_token", LLM_FINISH_STOP}, /* TGI 2 */
    {"end_turn", LLM_FINISH_STOP},
    {"stop_sequence", LLM_FINISH_STOP_SEQUENCE},
    {"max_tokens", LLM_FINISH_LENGTH},
    {"model_length", LLM_FINISH_LENGTH},                  /* Mistral */
    {"model_context_window_exceeded", LLM_FINISH_LENGTH}, /* Z.ai */
    {"time_limit", LLM_FINISH_LENGTH},                    /* watsonx */
    {"sensitive", LLM_FINISH_FILTERED},                   /* Z.ai */
    {"refusal", LLM_FINISH_FILTERED},
    {NULL, 0},
};

llm_finish_e llm_openai_finish(const llm_json_t *reason, int calls)
{
    llm_text_t text = llm_json_text(reason);
    llm_finish_e finish;

    if (llm_text_is_empty(text)) {
        return LLM_FINISH_NONE;
    }
    finish = (llm_finish_e)llm_word_value(finish_words, text, LLM_FINISH_OTHER);
    /* A forced function ends with "stop", at OpenAI too. */
    return calls && (finish == LLM_FINISH_STOP || finish == LLM_FINISH_OTHER)
               ? LLM_FINISH_TOOL_CALLS
               : finish;
}

const llm_json_t *llm_openai_stop_of(const llm_json_t *choice)
{
    const llm_json_t *stop = llm_json_want(choice, "stop_reason"); /* vLLM */

    return stop ? stop : llm_json_want(choice, "matched_stop"); /* SGLang */
}

const char *llm_openai_finish_name(llm_finish_e finish)
{
    const char *word = llm_word_of(finish_words, (int)finish);

    /* A stop sequence is "stop" here; a pause (Anthropic's) is a limit the
     * answer ran into: the client may ask on. */
    if (finish == LLM_FINISH_PAUSE) {
        return "length";
    }
    return word && finish != LLM_FINISH_STOP_SEQUENCE ? word : "stop";
}

/* ---- usage ---- */

/* The first of the members that is a count. */
static int take_count(apr_int64_t *value, const llm_json_t *object,
                      const char *const *names)
{
    for (; *names; ++names) {
        apr_int64_t n;

        if (llm_json_int(llm_json_get(object, *names), &n) && n >= 0) {
            *value = n;
            return 1;
        }
    }
    return 0;
}

/* prompt_tokens_details, or input_tokens_details of the Responses API. */
static const llm_json_t *details_of(const llm_json_t *usage, const char *chat,
                                    const char *responses)
{
    const llm_json_t *details = llm_json_want(usage, chat);

    if (!details) {
        details = llm_json_want(usage, responses);
    }
    /* transcriptions have a name of their own, which says the input's */
    return details || strncmp(chat, "prompt", 6) != 0
               ? details
               : llm_json_want(usage, "input_token_details");
}

static apr_int64_t least(apr_int64_t a, apr_int64_t b)
{
    return a < b ? a : b;
}

/* Takes a part that its details tell out of a whole. */
static void take_part(llm_usage_t *usage, llm_class_e class,
                      apr_int64_t *pwhole, apr_int64_t part)
{
    part = least(part, *pwhole);
    *pwhole -= part;
    llm_usage_set(usage, class, part);
}

static void forget(llm_usage_t *usage, llm_class_e class)
{
    usage->n[class] = 0;
    usage->known &= ~(1u << class);
    usage->estimated &= ~(1u << class);
}

static const char *const prompt_names[] = {"prompt_tokens", "input_tokens",
                                           NULL};
static const char *const completion_names[] = {"completion_tokens",
                                               "output_tokens", NULL};

static void take_prompt(llm_usage_t *usage, const llm_json_t *object,
                        apr_int64_t prompt)
{
    /* Mistral, DeepSeek and Moonshot have a name of their own beside the
     * details or in their place. */
    static const char *const own_cached[] = {
        "num_cached_tokens", "prompt_cache_hit_tokens", "cached_tokens", NULL};
    static const char *const cached_names[] = {"cached_tokens", NULL};
    static const char *const write_names[] = {"cache_write_tokens", NULL};
    static const char *const audio_names[] = {"audio_tokens", NULL};
    const llm_json_t *details =
        details_of(object, "prompt_tokens_details", "input_tokens_details");
    apr_int64_t n;

    /* A later count that tells no parts must not keep those of an earlier. */
    forget(usage, LLM_CLASS_CACHE_READ);
    forget(usage, LLM_CLASS_CACHE_WRITE);
    forget(usage, LLM_CLASS_AUDIO_IN);
    if (take_count(&n, details, cached_names)
        || take_count(&n, object, own_cached)) {
        take_part(usage, LLM_CLASS_CACHE_READ, &prompt, n);
    }
    if (take_count(&n, details, write_names)) {
        take_part(usage, LLM_CLASS_CACHE_WRITE, &prompt, n);
    }
    if (take_count(&n, details, audio_names)) {
        take_part(usage, LLM_CLASS_AUDIO_IN, &prompt, n);
    }
    llm_usage_set(usage, LLM_CLASS_INPUT, prompt);
}

/* `beyond`: what the total has that prompt and completion have not. */
static void take_completion(llm_usage_t *usage, const llm_json_t *object,
                            apr_int64_t completion, apr_int64_t beyond)
{
    static const char *const reasoning_names[] = {"reasoning_tokens", NULL};
    static const char *const audio_names[] = {"audio_tokens", NULL};
    const llm_json_t *details = details_of(object, "completion_tokens_details",
                                           "output_tokens_details");
    apr_int64_t whole = completion + beyond, n;

    forget(usage, LLM_CLASS_REASONING);
    forget(usage, LLM_CLASS_AUDIO_OUT);
    if (take_count(&n, details, reasoning_names)
        || take_count(&n, object, reasoning_names)) { /* SGLang */
        take_part(usage, LLM_CLASS_REASONING, &whole, n > beyond ? n : beyond);
    }
    else if (beyond) {
        take_part(usage, LLM_CLASS_REASONING, &whole, beyond);
    }
    if (take_count(&n, details, audio_names)) {
        take_part(usage, LLM_CLASS_AUDIO_OUT, &whole, n);
    }
    llm_usage_set(usage, LLM_CLASS_OUTPUT, whole);
}

/* Counts past this are nonsense; their sums must not overflow. */
#define COUNT_MAX APR_INT64_C(1000000000000)

/* Perplexity's research: what it read is billed as input, and what it thought
 * as output, and neither is in the prompt, the completion or the total. */
static void take_research(const llm_json_t *object, apr_int64_t *pprompt,
                          apr_int64_t *pbeyond)
{
    static const char *const citation_names[] = {"citation_tokens", NULL};
    static const char *const reasoning_names[] = {"reasoning_tokens", NULL};
    apr_int64_t n;

    if (take_count(&n, object, citation_names) && n <= COUNT_MAX) {
        *pprompt += n;
        if (take_count(&n, object, reasoning_names) && n <= COUNT_MAX) {
            *pbeyond = n;
        }
    }
}

/* A usage object (Chat Completions, Responses, embeddings), overwriting what
 * it tells. Returns 1 when it told anything. */
static int take_usage(llm_usage_t *usage, const llm_json_t *object)
{
    static const char *const total_names[] = {"total_tokens", NULL};
    apr_int64_t prompt = 0, completion = 0, total = 0, beyond;
    int has_prompt = take_count(&prompt, object, prompt_names);
    int has_completion = take_count(&completion, object, completion_names);

    if (!has_prompt && !has_completion) { /* vLLM's /rerank */
        has_prompt = take_count(&prompt, object, total_names);
    }
    if (prompt > COUNT_MAX || completion > COUNT_MAX) {
        return 0;
    }
    take_count(&total, object, total_names);
    beyond = has_prompt && total <= COUNT_MAX
                 ? llm_usage_rest(total, prompt + completion)
                 : 0;
    take_research(object, &prompt, &beyond);
    if (has_prompt) {
        take_prompt(usage, object, prompt);
    }
    if (has_completion) {
        take_completion(usage, object, completion, beyond);
    }
    return has_prompt || has_completion;
}

int llm_openai_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *object = llm_json_want(doc, "usage");

    if (!object) { /* Groq, when it was not asked */
        object = llm_json_path(doc, "x_groq", "usage", NULL);
    }
    if (!object) { /* Responses API: response.completed */
        object = llm_json_path(doc, "response", "usage", NULL);
    }
    return take_usage(usage, object);
}

void llm_openai_put_tier(llm_buf_t *out, const char *tier)
{
    if (tier) {
        llm_put_string_member(out, "service_tier", tier);
    }
}

void llm_openai_put_usage(llm_buf_t *out, const llm_usage_t *usage, llm_op_e op)
{
    const apr_int64_t *n = usage->n;

    llm_buf_putc(out, '{');
    llm_put_int_member(out, "prompt_tokens", llm_usage_input(usage));
    if (op != LLM_OP_EMBED) {
        llm_put_int_member(out, "completion_tokens", llm_usage_output(usage));
    }
    llm_put_int_member(out, "total_tokens", llm_usage_total(usage));
    if (op != LLM_OP_EMBED) {
        llm_buf_lit(out, ",\"prompt_tokens_details\":{");
        llm_put_int_member(out, "cached_tokens", n[LLM_CLASS_CACHE_READ]);
        if (n[LLM_CLASS_CACHE_WRITE] || n[LLM_CLASS_CACHE_WRITE_1H]) {
            llm_put_int_member(out, "cache_write_tokens",
                               n[LLM_CLASS_CACHE_WRITE]
                                   + n[LLM_CLASS_CACHE_WRITE_1H]);
        }
        llm_put_int_member(out, "audio_tokens", n[LLM_CLASS_AUDIO_IN]);
        llm_buf_lit(out, "},\"completion_tokens_details\":{");
        llm_put_int_member(out, "reasoning_tokens", n[LLM_CLASS_REASONING]);
        llm_put_int_member(out, "audio_tokens", n[LLM_CLASS_AUDIO_OUT]);
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, '}');
}

/* ---- reasoning ---- */

/* Text of an element of reasoning_details. */
static llm_text_t detail_text(const llm_json_t *detail)
{
    llm_text_t text = llm_json_text(llm_json_get(detail, "text"));

    return text.len ? text : llm_json_text(llm_json_get(detail, "summary"));
}

static void read_detail(llm_parts_t *parts, const llm_json_t *detail,
                        apr_pool_t *pool)
{
    llm_text_t text = detail_text(detail);
    llm_text_t data = llm_json_text(llm_json_get(detail, "data"));
    llm_text_t signature = llm_json_text(llm_json_get(detail, "signature"));

    if (data.len) {
        llm_parts_add_text(parts, LLM_PART_REDACTED, data, pool);
    }
    else if (text.len || signature.len) {
        llm_parts_add_text(parts, LLM_PART_THINKING, text, pool)->signature =
            signature.len ? signature : LLM_TEXT_NONE;
    }
}

/* LiteLLM's copy of Anthropic's blocks; in a stream text and signature come
 * apart. Returns 0 where there is nothing in it. */
static int read_blocks(llm_parts_t *parts, const llm_json_t *blocks,
                       apr_pool_t *pool)
{
    const llm_part_t *before = parts->last;
    const llm_json_t *block =
        llm_json_is(blocks, LLM_JSON_ARRAY) ? blocks->child : NULL;

    for (; block; block = block->next) {
        llm_text_t text = llm_json_text(llm_json_want(block, "thinking"));
        llm_text_t data = llm_json_text(llm_json_want(block, "data"));
        llm_text_t signature = llm_json_text(llm_json_want(block, "signature"));

        if (data.len) {
            llm_parts_add_text(parts, LLM_PART_REDACTED, data, pool);
        }
        else if (text.len || signature.len) {
            llm_parts_add_text(parts, LLM_PART_THINKING, text, pool)
                ->signature = signature.len ? signature : LLM_TEXT_NONE;
        }
    }
    return parts->last != before;
}

/* reasoning_content, or what others call it. */
static void read_reasoning_text(llm_parts_t *parts, const llm_json_t *message,
                                apr_pool_t *pool)
{
    static const char *const names[] = {"reasoning_content", "reasoning", NULL};
    const char *const *name;

    for (name = names; *name; ++name) {
        llm_text_t text = llm_json_text(llm_json_get(message, *name));

        if (text.len) {
            llm_parts_add_text(parts, LLM_PART_THINKING, text, pool);
            return;
        }
    }
}

void llm_openai_read_thinking(llm_parts_t *parts, const llm_json_t *message,
                              apr_pool_t *pool)
{
    const llm_json_t *details = llm_json_get(message, "reasoning_details");
    const llm_json_t *detail =
        llm_json_is(details, LLM_JSON_ARRAY) ? details->child : NULL;
    const llm_json_t *first = detail;

    while (detail && !detail_text(detail).len) {
        detail = detail->next;
    }
    /* told once: in the details, in blocks, or as a text */
    if (!detail
        && !read_blocks(parts, llm_json_get(message, "thinking_blocks"),
                        pool)) {
        read_reasoning_text(parts, message, pool);
    }
    for (detail = first; detail; detail = detail->next) {
        read_detail(parts, detail, pool);
    }
}

void llm_openai_read_thinking_part(llm_parts_t *parts, const llm_json_t *node,
                                   apr_pool_t *pool)
{
    const llm_json_t *thinking = llm_json_want(node, "thinking"), *item;
    llm_text_t text = llm_json_text(thinking);
    llm_parts_t texts = {NULL, NULL};

    if (llm_json_is(thinking, LLM_JSON_ARRAY)) {
        for (item = thinking->child; item; item = item->next) {
            llm_parts_add_text(&texts, LLM_PART_TEXT,
                               llm_json_text(llm_json_get(item, "text")), pool);
        }
        text = llm_parts_text(texts.first, "", pool);
    }
    if (text.len) {
        llm_parts_add_text(parts, LLM_PART_THINKING, text, pool)->signature =
            llm_json_text(llm_json_want(node, "signature"));
    }
}

void llm_openai_read_reasoning_part(llm_parts_t *parts, const llm_json_t *node,
                                    apr_pool_t *pool)
{
    const llm_json_t *summary = llm_json_want(node, "summary"), *item;

    for (item = llm_json_is(summary, LLM_JSON_ARRAY) ? summary->child : NULL;
         item; item = item->next) {
        read_detail(parts, item, pool);
    }
}

void llm_openai_put_detail(llm_buf_t *out, const char *type, int index,
                           llm_text_t text, llm_text_t signature,
                           llm_text_t data)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", type);
    llm_put_int_member(out, "index", index);
    llm_put_text_member(out, "text", text);
    llm_put_text_member(out, "signature", signature);
    llm_put_text_member(out, "data", data);
    llm_buf_putc(out, '}');
}

const char *llm_openai_call_signature(const llm_json_t *holder,
                                      apr_pool_t *pool)
{
    const llm_json_t *signature = llm_json_path(
        holder, "extra_content", "google", "thought_signature", NULL);

    if (!signature) { /* LiteLLM's place for it */
        signature = llm_json_path(holder, "provider_specific_fields",
                                  "thought_signature", NULL);
    }
    return llm_json_string(signature, pool);
}

/* ---- facts of a passed answer ---- */

void llm_openai_read_facts(const char **pmodel, llm_finish_e *pfinish,
                           const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *response = llm_json_want(doc, "response");
    const llm_json_t *model = llm_json_want(response ? response : doc, "model");
    const llm_json_t *choice = llm_json_at(llm_json_get(doc, "choices"), 0);
    llm_finish_e finish =
        llm_openai_finish(llm_json_get(choice, "finish_reason"), 0);

    /* Azure's first event has an empty model, which is nobody's name. */
    if (!llm_text_is_empty(llm_json_text(model))
        && (!*pmodel || !llm_json_equals(model, *pmodel))) {
        *pmodel = llm_json_string(model, pool);
    }
    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
}

/* "default", "flex", "priority"; also in the Responses API's events. */
const char *llm_openai_read_tier(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *response = llm_json_want(doc, "response");
    const llm_json_t *tier =
        llm_json_want(response ? response : doc, "service_tier");

    return llm_text_is_empty(llm_json_text(tier)) ? NULL
                                                  : llm_json_string(tier, pool);
}

/* ---- addresses ---- */

const char *llm_openai_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool)
{
    if (provider->dialect && provider->dialect->default_path) {
        return llm_provider_path(provider, suffix, pool);
    }
    return llm_provider_path(provider, apr_pstrcat(pool, "/v1", suffix, NULL),
                             pool);
}

const char *llm_openai_secret_header(const char **pprefix)
{
    *pprefix = "Bearer ";
    return "Authorization";
}

const llm_dialect_t llm_dialect_openai = {
    .name = "openai",
    .speaks = "openai",
    .client_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_MODELS | LLM_OPS_UNREAD,
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE | LLM_OP_RERANK
                    | LLM_OPS_UNREAD,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OPS_UNREAD,
    .default_url = "https://api.openai.com",
    .default_path = "/v1",
    .framing = LLM_FRAMING_SSE,
    .mixes_calls = 1,
    .also = llm_openai_also,
    .chat_path = "/chat/completions",

    .read_line = llm_openai_read_line,
    .read_request = llm_openai_read_request,
    .write_response = llm_openai_write_response,
    .writer_make = llm_openai_writer_make,
    .write_delta = llm_openai_write_delta,
    .write_problem = llm_openai_write_problem,
    .write_stream_problem = llm_openai_write_stream_problem,
    .write_models = llm_openai_write_models,
    .write_model = llm_openai_write_model,

    .write_request = llm_openai_write_request,
    .answers_apart = llm_openai_answers_apart,
    .pass_request = llm_openai_pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_openai_read_response,
    .reader_make = llm_openai_reader_make,
    .read_event = llm_openai_read_event,
    .reader_end = llm_openai_reader_end,
    .read_usage = llm_openai_read_usage,
    .read_facts = llm_openai_read_facts,
    .read_tier = llm_openai_read_tier,
    .read_problem = llm_openai_read_problem,
    .event_problem = llm_openai_event_problem,
    .hide_usage = llm_openai_hide_usage,
    .is_last = llm_openai_is_last,
};
