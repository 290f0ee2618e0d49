/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InvokeModel, whose bodies are those of each model's maker.
 *
 * Claude is asked by it for clients that speak Anthropic's dialect, since
 * nothing has to be translated then: the body is the client's, without `model`
 * and `stream`, which the path says, with the API's version and, as a member,
 * the beta features that the client names in a header. Some of these Bedrock
 * is known to refuse whatever the request is; they are left out, which is
 * told. What they would have allowed in the body is left to Bedrock to judge.
 *
 * A stream's messages hold events of the maker's as base64. Anthropic's
 * clients get them as events of theirs, to the byte. Counts come in the last
 * event, by whichever maker; where a body tells none, in the answer's head.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

#include "dialect/anthropic_internal.h"
#include "dialect/openai_internal.h"

#define VERSION "\"anthropic_version\":\"bedrock-2023-05-31\""

/* ---- beta features ---- */

/* How those begin that Bedrock refuses: features of Anthropic's own servers,
 * of its accounts and of its programs. */
static const char *const refused[] = {
    "advanced-tool-use-",
    "code-execution-",
    "fast-mode-",
    "files-api-",
    "mcp-client-",
    "mcp-servers-",
    "oauth-",
    "prompt-caching-scope-",
    "redact-thinking-",
    "skills-",
    NULL,
};

static int is_refused(const char *flag)
{
    const char *const *row = refused;

    while (*row && strncmp(flag, *row, strlen(*row)) != 0) {
        ++row;
    }
    return *row != NULL;
}

/* The header's words as a member behind a comma; nothing where none is left. */
static void put_betas(llm_buf_t *out, llm_request_t *req, const char *header,
                      apr_pool_t *pool)
{
    char *last, *flag = apr_strtok(apr_pstrdup(pool, header), ", \t", &last);
    int count = 0;

    for (; flag; flag = apr_strtok(NULL, ", \t", &last)) {
        if (is_refused(flag)) {
            llm_request_drop(req,
                             apr_pstrcat(pool, "anthropic-beta.", flag, NULL));
            continue;
        }
        llm_buf_puts(out, count++ ? "," : ",\"anthropic_beta\":[");
        llm_buf_put_string(out, flag);
    }
    llm_buf_puts(out, count ? "]" : "");
}

/* ---- requests ---- */

typedef struct range_t {
    apr_size_t begin, end;
} range_t;

/* What is seen of the body's members. */
typedef struct pass_t {
    apr_array_header_t *gone; /* of range_t */
    apr_size_t end;           /* of the member before */
    int members, kept;        /* so far; is the first one kept? */
    int stream;               /* of two the last one counts */
    int has_betas;
} pass_t;

/* Members that go, each but the first with the comma before it. */
static void see_member(void *baton, const llm_member_t *member)
{
    pass_t *pass = baton;
    int first = !pass->members++;
    int goes = llm_text_equals(member->name, "model")
               || llm_text_equals(member->name, "stream")
               || llm_text_equals(member->name, "anthropic_version");

    if (llm_text_equals(member->name, "stream")) {
        pass->stream = llm_bytes_are(member->value, "true");
    }
    pass->has_betas |= llm_text_equals(member->name, "anthropic_beta");
    pass->kept |= first && !goes;
    if (goes) {
        range_t *range = apr_array_push(pass->gone);

        range->begin = first ? member->begin : pass->end;
        range->end = member->end;
    }
    pass->end = member->end;
}

/* The body without what goes, and with what is put in front of it. */
static void set_body(llm_request_t *req, llm_bytes_t raw, const pass_t *pass,
                     const char *betas, apr_pool_t *pool)
{
    const char *brace = memchr(raw.data, '{', raw.len);
    llm_splice_t *splice = llm_splice_make(pool);
    llm_buf_t *front = llm_buf_make(0, pool);
    int i;

    llm_buf_lit(front, "{" VERSION);
    if (betas) {
        put_betas(front, req, betas, pool);
    }
    llm_buf_puts(front, pass->kept ? "," : "");
    llm_splice_cut(splice, 0, (apr_size_t)(brace - raw.data) + 1, front->data,
                   front->len);
    for (i = 0; i < pass->gone->nelts; ++i) {
        const range_t *range = &APR_ARRAY_IDX(pass->gone, i, range_t);

        llm_splice_cut(splice, range->begin, range->end, "", 0);
    }
    llm_splice_apply(req, raw, splice);
}

static llm_problem_t *pass_request(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    pass_t pass = {.gone = apr_array_make(pool, 4, sizeof(range_t))};
    const char *betas = apr_table_get(req->headers, "anthropic-beta");
    llm_json_error_t error = {0, NULL};

    (void)op;
    *phide = 0; /* usage is always told */
    if (llm_json_scan(raw.data, raw.len, see_member, &pass, &error)) {
        return llm_splice_problem(&error, pool);
    }
    set_body(req, raw, &pass, pass.has_betas ? NULL : betas, pool);
    apr_table_unset(req->headers, "anthropic-beta");
    apr_table_unset(req->headers, "anthropic-version");
    apr_table_setn(req->headers, "Content-Type", "application/json");
    req->method = "POST";
    req->path = llm_bedrock_path(
        provider, model,
        pass.stream ? "/invoke-with-response-stream" : "/invoke", pool);
    return req->path
               ? NULL
               : llm_problem_field(pool, "model", "this is no model's name");
}

/* ---- streams ---- */

/* {"bytes":"..."}: what is inside; 0 where it is nothing of the kind. */
static int decode(llm_bytes_t *pinside, llm_bytes_t payload,
                  apr_pool_t *scratch)
{
    const llm_json_t *doc;
    llm_bytes_t base64;
    char *bytes;

    if (llm_json_read(&doc, payload.data, payload.len, NULL, scratch)
        || !llm_json_is(llm_json_get(doc, "bytes"), LLM_JSON_STRING)) {
        return 0;
    }
    base64 =
        llm_text_decode(llm_json_text(llm_json_get(doc, "bytes")), scratch);
    bytes = apr_palloc(scratch, base64.len + 4);
    pinside->len = (apr_size_t)apr_base64_decode_binary(
        (unsigned char *)bytes,
        apr_pstrmemdup(scratch, base64.data, base64.len));
    pinside->data = bytes;
    return 1;
}

void llm_bedrock_unwrap_event(llm_sse_event_t *frame, apr_pool_t *scratch)
{
    llm_bytes_t inside;

    if (llm_bytes_are(frame->event, "chunk")
        && decode(&inside, frame->data, scratch)) {
        frame->data = inside;
    }
}

/* The events of a frame that has another's errors are Anthropic's too. */
static void set_problem(llm_sse_event_t *frame, llm_buf_t *out,
                        apr_pool_t *scratch)
{
    llm_event_t event = {frame->event, frame->data, NULL};
    llm_problem_t *problem;
    const char *data;

    llm_json_read(&event.doc, frame->data.data, frame->data.len, NULL, scratch);
    problem = llm_bedrock_event_problem(&event, scratch);
    if (!problem) {
        frame->raw.len = 0; /* nothing a client of Anthropic's knows */
        frame->has_data = 0;
        return;
    }
    llm_anthropic_write_stream_problem(out, problem, NULL);
    llm_buf_putc(out, '\0');
    data = strstr(out->data, "data: ") + strlen("data: ");
    frame->event = LLM_BYTES_LITERAL("error");
    frame->data.data = data;
    frame->data.len = strcspn(data, "\n");
    frame->raw.data = out->data;
    frame->raw.len = out->len - 1;
}

static void unwrap_event(llm_sse_event_t *frame, apr_pool_t *scratch)
{
    llm_buf_t *out = llm_buf_make(0, scratch);
    const llm_json_t *doc, *type;
    llm_bytes_t name;

    if (!llm_bytes_are(frame->event, "chunk")
        || !decode(&frame->data, frame->data, scratch)
        || llm_json_read(&doc, frame->data.data, frame->data.len, NULL,
                         scratch)) {
        set_problem(frame, out, scratch);
        return;
    }
    type = llm_json_get(doc, "type");
    name = llm_text_decode(llm_json_text(type), scratch);
    llm_buf_lit(out, "event: ");
    llm_buf_append(out, name.data, name.len);
    llm_buf_lit(out, "\ndata: ");
    llm_put_one_line(out, frame->data);
    llm_buf_lit(out, "\n\n");
    frame->event.data = out->data + strlen("event: ");
    frame->event.len = name.len;
    frame->raw.data = out->data;
    frame->raw.len = out->len;
}

/* ---- usage ---- */

static const struct {
    const char *name;
    llm_class_e class;
} metrics[] = {
    {"inputTokenCount", LLM_CLASS_INPUT},
    {"outputTokenCount", LLM_CLASS_OUTPUT},
    {"cacheReadInputTokenCount", LLM_CLASS_CACHE_READ},
    {"cacheWriteInputTokenCount", LLM_CLASS_CACHE_WRITE},
};

/* Claude's own usage says more than the metrics behind it, which are the
 * same counts. */
int llm_bedrock_read_invoked(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *counts = llm_json_want(doc, LLM_BEDROCK_METRICS);
    int found = llm_anthropic_read_usage(usage, doc);
    apr_size_t i;

    for (i = 0; counts && i < sizeof(metrics) / sizeof(*metrics); ++i) {
        if (!llm_usage_is_known(usage, metrics[i].class)) {
            found |= llm_usage_take(usage, metrics[i].class,
                                    llm_json_get(counts, metrics[i].name));
        }
    }
    /* Titan's, of a text or of its vector */
    return found
           | llm_usage_take(usage, LLM_CLASS_INPUT,
                            llm_json_get(doc, "inputTextTokenCount"));
}

/* ---- heads ---- */

static int take_header(llm_usage_t *usage, llm_class_e class, const char *value)
{
    char *end;
    apr_int64_t count = value ? apr_strtoi64(value, &end, 10) : -1;

    if (count < 0 || end == value || *end || llm_usage_is_known(usage, class)) {
        return 0;
    }
    llm_usage_set(usage, class, count);
    return 1;
}

int llm_bedrock_read_head_usage(llm_usage_t *usage, const apr_table_t *headers)
{
    static const char input[] = "x-amzn-bedrock-input-token-count";
    static const char output[] = "x-amzn-bedrock-output-token-count";
    int found =
        take_header(usage, LLM_CLASS_INPUT, apr_table_get(headers, input));

    return found
           | take_header(usage, LLM_CLASS_OUTPUT,
                         apr_table_get(headers, output));
}

/* ---- the dialect ---- */

/* Of Bedrock's for Anthropic's clients; nobody configures it. */
static const llm_dialect_t claude = {
    .name = "bedrock",
    .speaks = "anthropic",
    .provider_ops = LLM_OP_CHAT,
    .pass_ops = LLM_OP_CHAT,
    .framing = LLM_FRAMING_EVENTSTREAM,

    .pass_request = pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_anthropic_read_response,
    .reader_make = llm_anthropic_reader_make,
    .read_event = llm_anthropic_read_event,
    .reader_end = llm_anthropic_reader_end,
    .read_usage = llm_anthropic_read_usage,
    .read_head_usage = llm_bedrock_read_head_usage,
    .read_facts = llm_anthropic_read_facts,
    .read_tier = llm_anthropic_read_tier,
    .read_problem = llm_bedrock_read_problem,
    .event_problem = llm_anthropic_event_problem,
    .unwrap_event = unwrap_event,
    .is_last = llm_anthropic_is_last,
};

const llm_dialect_t *llm_bedrock_also(const llm_provider_t *provider,
                                      const llm_dialect_t *client,
                                      const char *model)
{
    (void)provider;
    return model && strstr(model, "claude")
                   && !strcmp(client->name, claude.speaks)
               ? &claude
               : NULL;
}
