/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool arguments and ids, members without a place, usage arithmetic and
 * provider errors: the terms on which dialects meet.
 *
 * Ids are made, never drawn: the same input gives the same id, so a call and
 * the result that answers it, or two attempts of one exchange, agree without
 * anything being remembered between requests. 64-bit FNV-1a with a finalizer
 * is enough, since an id has to be unique within one conversation only.
 */
#include "dialect/common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_redact.h"
#include "dialect/limits.h"

#define ID_LETTERS    24
#define DROPPED_MAX   32  /* members told in x-llm-dropped */
#define PATH_MAX_TOLD 128 /* bytes of each */

/* ---- tools ---- */

/* A document that is no JSON object, as the one member of one that is. */
static llm_bytes_t invalid_args(llm_text_t text, apr_pool_t *pool)
{
    static const char begin[] = "{\"" LLM_INVALID_ARGS "\":\"";
    llm_bytes_t args;
    char *at;

    args.len = sizeof(begin) - 1 + text.len + 2;
    args.data = at = apr_palloc(pool, args.len);
    memcpy(at, begin, sizeof(begin) - 1);
    memcpy(at + sizeof(begin) - 1, text.data, text.len);
    memcpy(at + args.len - 2, "\"}", 2);
    return args;
}

int llm_args_from_text(llm_bytes_t *pargs, llm_text_t text, apr_pool_t *pool)
{
    const llm_json_t *doc;
    llm_bytes_t plain;

    *pargs = LLM_BYTES_LITERAL("{}");
    if (llm_text_is_empty(text)) {
        return 1;
    }
    plain = llm_text_decode(text, pool);
    if (llm_json_read(&doc, plain.data, plain.len, NULL, pool)
        || (doc->type != LLM_JSON_OBJECT && doc->type != LLM_JSON_NULL)) {
        *pargs = invalid_args(text, pool);
        return 0;
    }
    if (doc->type == LLM_JSON_OBJECT) {
        *pargs = doc->raw;
    }
    return 1;
}

llm_bytes_t llm_args_from_json(const llm_json_t *node)
{
    if (!node || node->type == LLM_JSON_NULL) {
        return LLM_BYTES_LITERAL("{}");
    }
    return node->raw;
}

int llm_ask_wants_call(const llm_ask_t *ask, int number)
{
    return !number || !ask || !llm_json_is(ask->parallel, LLM_JSON_FALSE);
}

int llm_ask_wants_several(const llm_ask_t *ask)
{
    double n;

    return llm_json_double(ask->n, &n) && (n < 1 || n > 1);
}

/* ---- ids ---- */

#define HASH_SEED APR_UINT64_C(0xcbf29ce484222325)

static apr_uint64_t hash_bytes(apr_uint64_t hash, const char *data,
                               apr_size_t len)
{
    while (len--) {
        hash = (hash ^ (unsigned char)*data++) * APR_UINT64_C(0x100000001b3);
    }
    return hash;
}

static apr_uint64_t hash_finish(apr_uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * APR_UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* prefix and `count` letters and digits made of the hash. */
static const char *print_id(const char *prefix, apr_uint64_t hash,
                            apr_size_t count, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";
    apr_size_t len = strlen(prefix), i;
    char *id = apr_palloc(pool, len + count + 1);
    apr_uint64_t left = 0;

    memcpy(id, prefix, len);
    for (i = 0; i < count; ++i) {
        if (!(i % 8)) { /* 62^8 < 2^48: eight digits from each draw */
            left = hash_finish(hash + i);
        }
        id[len + i] = digits[left % 62];
        left /= 62;
    }
    id[len + count] = '\0';
    return id;
}

const char *llm_call_id_make(const char *prefix, const char *seed, int number,
                             apr_pool_t *pool)
{
    apr_uint64_t hash = HASH_SEED;

    hash = hash_bytes(hash, seed, strlen(seed));
    hash = hash_bytes(hash, (const char *)&number, sizeof(number));
    return print_id(prefix, hash, ID_LETTERS, pool);
}

const char *llm_answer_seed(const llm_ask_t *ask, const llm_answer_t *answer,
                            apr_pool_t *pool)
{
    const llm_turn_t *turn;
    const llm_part_t *part;
    apr_uint64_t hash = HASH_SEED;

    if (answer->id && *answer->id) {
        return answer->id;
    }
    for (turn = ask->turns; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            hash =
                hash_bytes(hash, (const char *)&part->kind, sizeof(part->kind));
            if (!turn->next) {
                hash = hash_bytes(hash, part->text.data, part->text.len);
            }
        }
    }
    return print_id("", hash, ID_LETTERS, pool);
}

const char *llm_call_id_fit(const char *id, const char *prefix,
                            const char *also, apr_size_t max, int exact,
                            apr_pool_t *pool)
{
    apr_size_t len = strlen(id), start = strlen(prefix), letters;
    const char *at;

    for (at = id; *at && (apr_isalnum(*at) || strchr(also, *at)); ++at) {
    }
    if (!*at && len && len <= max && (!exact || len == max)) {
        return id;
    }
    letters = max - start;
    if (!exact && letters > ID_LETTERS) {
        letters = ID_LETTERS;
    }
    return print_id(prefix, hash_bytes(HASH_SEED, id, len), letters, pool);
}

/* ---- what has no place ---- */

void llm_ask_add_unknown(llm_ask_t *ask, const llm_json_t *member,
                         const char *where, apr_pool_t *pool)
{
    llm_json_t *copy;

    if (!member || member->type == LLM_JSON_NULL) {
        return;
    }
    if (!where) {
        APR_ARRAY_PUSH(ask->unknown, const llm_json_t *) = member;
        return;
    }
    copy = apr_pmemdup(pool, member, sizeof(*member));
    copy->name.data = apr_psprintf(pool, "%s.%.*s", where,
                                   (int)member->name.len, member->name.data);
    copy->name.len = strlen(copy->name.data);
    copy->next = NULL;
    APR_ARRAY_PUSH(ask->unknown, const llm_json_t *) = copy;
}

static int is_known(const llm_json_t *member, const char *const *known)
{
    while (*known && !llm_text_equals(member->name, *known)) {
        ++known;
    }
    return *known != NULL;
}

int llm_json_has_others(const llm_json_t *object, const char *const *known)
{
    const llm_json_t *member;

    if (!llm_json_is(object, LLM_JSON_OBJECT)) {
        return 0;
    }
    for (member = object->child; member; member = member->next) {
        if (member->type != LLM_JSON_NULL && !is_known(member, known)) {
            return 1;
        }
    }
    return 0;
}

void llm_ask_add_unknowns(llm_ask_t *ask, const llm_json_t *object,
                          const char *const *known, const char *where,
                          apr_pool_t *pool)
{
    const llm_json_t *member;

    if (!llm_json_is(object, LLM_JSON_OBJECT)) {
        return;
    }
    for (member = object->child; member; member = member->next) {
        if (!is_known(member, known)) {
            llm_ask_add_unknown(ask, member, where, pool);
        }
    }
}

/* "messages[3].content[0].x" without what is in brackets. A name may be any
 * string, and this goes into a header and a list: what has no place there is a
 * question mark. */
static const char *path_without_indexes(const char *path, apr_pool_t *pool)
{
    char *plain = apr_palloc(pool, strlen(path) + 1), *to = plain;

    for (; *path; ++path) {
        if (*path == '[') {
            const char *end = strchr(path, ']');

            if (end) {
                path = end;
                continue;
            }
        }
        *to++ = apr_isgraph(*path) && *path != ',' ? *path : '?';
    }
    plain[to - plain < PATH_MAX_TOLD ? to - plain : PATH_MAX_TOLD] = '\0';
    return plain;
}

void llm_request_drop(llm_request_t *req, const char *path)
{
    const char *plain = path_without_indexes(path, req->dropped->pool);
    int i;

    for (i = 0; i < req->dropped->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(req->dropped, i, const char *), plain)) {
            return;
        }
    }
    if (req->dropped->nelts < DROPPED_MAX) {
        APR_ARRAY_PUSH(req->dropped, const char *) =
            req->dropped->nelts == DROPPED_MAX - 1 ? "..." : plain;
    }
}

/*
 * Members whose loss costs speed, money or bookkeeping but does not change
 * what the answer means. Compared with the last name of a path, so that a
 * cache mark is one wherever it stands, or with all of it.
 */
static const char *const hints[] = {
    "additionalModelResponseFieldPaths", /* what a Bedrock answer adds */
    "allowed_callers", /* of a tool: code that no other provider runs */
    "annotations",     /* a client's copy of an answer's citations */
    "anthropic_beta",  /* what a member changes is refused by its name */
    "cache_control",
    "caller",           /* who made a call: the model itself or its code */
    "citation_options", /* the shape of Cohere's */
    "citations",        /* the same, Anthropic's */
    "clear_thinking",
    "client_metadata", /* what a client notes about itself */
    "context_management",
    "defer_loading", /* a tool is shown at once instead */
    "display",       /* how thinking is shown */
    "eager_input_streaming",
    "include",             /* what a response holds besides: OpenAI's tools' */
    "include_obfuscation", /* padding that hides lengths */
    "include_reasoning",
    "inference_geo",
    "input_examples", /* of a tool: its schema and description say it */
    "input.mcp_list_tools",
    "input.reasoning", /* an item that says nothing but its id */
    "input.web_search_call",
    "max_tool_calls", /* of OpenAI's own tools */
    "labels",         /* what a bill is sorted by */
    "input_type",     /* what an embedding is for: Cohere's */
    "keep_alive",
    "mediaResolution",
    "media_resolution",
    "options.f16_kv", /* how Ollama runs a model, and what is for naught alone */
    "options.low_vram",
    "options.main_gpu",
    "options.mirostat_eta",
    "options.mirostat_tau",
    "options.num_batch",
    "options.num_ctx",
    "options.num_gpu",
    "options.num_gqa",
    "options.num_keep",
    "options.num_thread",
    "options.numa",
    "options.penalize_newline",
    "options.repeat_last_n",
    "options.use_mlock",
    "options.use_mmap",
    "options.vocab_only",
    "outputConfig.textFormat.structure.jsonSchema.description",
    "performanceConfig", /* how fast Bedrock answers */
    "prediction",        /* text to save time with */
    "priority",          /* whose turn it is where there are many */
    "prompt_cache_breakpoint",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "qualifiers", /* what a guardrail of Bedrock's looks at a text for */
    "provider_specific_fields", /* LiteLLM's notes in its answers */
    "reasoning.context",        /* how much of earlier thinking is read again */
    "reasoning.generate_summary",
    "reasoning.summary", /* how thinking is shown */
    "reasoning.exclude", /* the same, OpenRouter's */
    "reasoning_format",
    "reference_ids",   /* citations of a history, Mistral's */
    "requestMetadata", /* what a log is sorted by: Bedrock's */
    "response_format.json_schema.description",
    "responseJsonSchema", /* of a function: what it gives */
    "response_json_schema",
    "safetySettings", /* the other provider's own limits are in force */
    "safe_prompt",    /* Mistral's own words in front of a conversation */
    "safety_identifier",
    "safety_mode",
    "safety_settings",
    "speed",
    "store",
    "text.format.description",
    "timeout",
    "usage",      /* whether counts are told: OpenRouter's */
    "truncation", /* what is left out of a conversation too long */
    "taskType",   /* what an embedding is for */
    "task_type",
    "tools.format", /* of a custom tool: its description says it */
    "tools.functionDeclarations.response",
    "thoughtSignature", /* Gemini's own, for nobody else */
    "thought_signature",
    "verbosity",
    NULL,
};

static int is_hint(const char *path, apr_pool_t *pool)
{
    const char *plain = path_without_indexes(path, pool);
    const char *last = strrchr(plain, '.');
    const char *const *hint;

    last = last ? last + 1 : plain;
    for (hint = hints; *hint && strcmp(*hint, last) && strcmp(*hint, plain);
         ++hint) {
    }
    return *hint != NULL;
}

static int is_in(const char *const *names, const char *name)
{
    for (; names && *names; ++names) {
        if (!strcmp(*names, name)) {
            return 1;
        }
    }
    return 0;
}

llm_problem_t *llm_request_settle_unknown(llm_request_t *req,
                                          const llm_ask_t *ask,
                                          const char *const *handled,
                                          apr_pool_t *pool)
{
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);
        const char *path = llm_text_string(member->name, pool);

        if (is_in(handled, path)
            || (member->type == LLM_JSON_ARRAY && !member->count)) {
            continue; /* what is empty says nothing */
        }
        if (!is_hint(path, pool)) {
            llm_problem_t *problem = llm_problem_unsupported(path, NULL, pool);

            if (llm_path_is_said(path) || llm_request_lacks(req, problem)) {
                return problem;
            }
        }
        else if (member->type != LLM_JSON_FALSE) { /* "store":false is
                                                      granted */
            llm_request_drop(req, path);
        }
    }
    return NULL;
}

void llm_request_drop_labels(llm_request_t *req, const llm_ask_t *ask)
{
    if (ask->user.data) {
        llm_request_drop(req, "user");
    }
    if (ask->metadata) {
        llm_request_drop(req, "metadata");
    }
    if (ask->service_tier.data && !llm_text_equals(ask->service_tier, "auto")
        && !llm_text_equals(ask->service_tier, "default")) {
        llm_request_drop(req, "service_tier");
    }
}

llm_finish_e llm_finish_beside(llm_finish_e finish, int calls)
{
    return calls && finish == LLM_FINISH_STOP ? LLM_FINISH_TOOL_CALLS : finish;
}

llm_problem_t *llm_problem_unsupported(const char *param, const char *dialect,
                                       apr_pool_t *pool)
{
    llm_problem_t *problem;

    if (dialect) {
        problem = llm_problem_field(pool, param, "%s providers cannot do this",
                                    dialect);
    }
    else {
        problem = llm_problem_field(pool, param,
                                    "the provider of this model has no "
                                    "such member");
    }
    problem->code = "unsupported_parameter";
    return problem;
}

#define LAST_SECOND 253402300799 /* of the year 9999 */

apr_int64_t llm_created_of(const llm_json_t *node)
{
    apr_int64_t seconds = 0;

    return llm_json_int(node, &seconds) && seconds > 0 && seconds <= LAST_SECOND
               ? seconds
               : 0;
}

/* ---- usage ---- */

int llm_usage_take(llm_usage_t *usage, llm_class_e class,
                   const llm_json_t *node)
{
    apr_int64_t n;

    if (!llm_json_int(node, &n) || n < 0) {
        return 0;
    }
    llm_usage_set(usage, class, n);
    return 1;
}

apr_int64_t llm_usage_rest(apr_int64_t value, apr_int64_t part)
{
    return value > part ? value - part : 0;
}

/* ---- errors ---- */

/* Seconds from now that an HTTP date means, by the sender's own clock. */
static int seconds_until(const char *date, const char *now)
{
    apr_time_t then = apr_date_parse_http(date);
    apr_time_t sent = now ? apr_date_parse_http(now) : APR_DATE_BAD;

    if (then == APR_DATE_BAD || sent == APR_DATE_BAD) {
        return -1;
    }
    return then > sent ? (int)apr_time_sec(then - sent) : 0;
}

/* A count of `unit`ths of a second, rounded up; -1 when it is none. */
static int read_seconds(const char *text, double unit)
{
    char *end;
    double value = strtod(text, &end);

    while (apr_isspace(*end)) {
        ++end;
    }
    if (end == text || *end || !(value >= 0) || value > 1e9) {
        return -1;
    }
    value /= unit;
    return (int)value + (value > (double)(int)value);
}

int llm_retry_after(const apr_table_t *headers)
{
    const char *text;
    int seconds = -1;

    if (!headers) {
        return -1;
    }
    text = apr_table_get(headers, "retry-after-ms");
    if (text) {
        seconds = read_seconds(text, 1000);
    }
    text = apr_table_get(headers, "Retry-After");
    if (seconds < 0 && text) {
        seconds = read_seconds(text, 1);
        if (seconds < 0) {
            seconds = seconds_until(text, apr_table_get(headers, "Date"));
        }
    }
    return seconds;
}

/*
 * A question too long for the model is one that clients mend by themselves:
 * OpenAI's by its code, Anthropic's by the words of the message. What the
 * others say of it (Anthropic, Bedrock, Gemini, Cohere, llama.cpp, xAI; vLLM,
 * Mistral and others as OpenAI does).
 */
static const char *const too_long[] = {
    "prompt is too long",
    "exceed context limit",
    "input is too long",
    "exceeds the maximum number of tokens allowed",
    "too many tokens",
    "exceeds the available context size",
    "maximum prompt length",
    "maximum context length",
    NULL,
};

static int is_too_long(const llm_problem_t *problem)
{
    const char *const *words;

    if (problem->status != 400 && problem->status != 413
        && problem->status != 422) {
        return 0;
    }
    for (words = too_long; *words && !strcasestr(problem->message, *words);
         ++words) {
    }
    return *words != NULL;
}

llm_problem_t *llm_problem_from_provider(int status, const apr_table_t *headers,
                                         const char *message, const char *type,
                                         const char *code, apr_pool_t *pool)
{
    llm_problem_t *problem;

    if (message && *message) {
        problem = llm_problem_make(llm_problem_kind_of(status), pool, "%s",
                                   llm_redact(message, pool));
    }
    else {
        problem =
            llm_problem_make(llm_problem_kind_of(status), pool,
                             "the provider answered with status %d", status);
    }
    problem->status = status >= 400 && status <= 599 ? status : 502;
    problem->type = type && *type ? llm_redact(type, pool) : NULL;
    problem->code = code && *code ? llm_redact(code, pool) : NULL;
    problem->retry_after = llm_retry_after(headers);
    if (!problem->code && is_too_long(problem)) {
        problem->code = LLM_CODE_TOO_LONG;
    }
    problem->from_upstream = 1;
    return problem;
}

llm_problem_t *llm_problem_lacking(const char *member, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_UPSTREAM, pool, "the provider's answer has no %s", member);

    problem->from_upstream = 1;
    return problem;
}

llm_problem_t *llm_problem_cut_off(apr_pool_t *pool)
{
    return llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                            "the provider's stream ended before the answer "
                            "was complete");
}
