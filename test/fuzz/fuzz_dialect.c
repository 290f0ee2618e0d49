/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every dialect, facing clients and providers. The first three bytes say what
 * is done, by which dialect, and with which of the models, questions and cuts
 * below; the rest is what came over the wire:
 *
 *   r  a client's request, read and written for every provider; the third byte
 *      is the operation (c count, e embed) or chooses the provider's model
 *   l  a client's path and, behind a line end, its query
 *   a  a provider's whole answer, read and written for every client; the third
 *      byte is the operation or chooses the question
 *   s  a provider's stream, likewise; the third byte chooses how it is cut and
 *      the question
 *   p  a request that passes, events that pass; the third byte is the operation
 *   n  a native call: its path and, behind a line end, its body
 *   m  names of models, one a line, that are listed
 *   e  an error answer
 *
 * Nothing crashes; what is written is JSON, or events that hold JSON, whatever
 * came in; a refusal names a member; a stream is cut off properly and only
 * once.
 */
#include "test/fuzz/framed.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_eventstream.h"
#include "core/llm_ndjson.h"
#include "dialect/call_order.h"
#include "dialect/dialect.h"

/* What was asked, in OpenAI's form: what it says changes how an answer is
 * read and written. */
#define ASKED(more)                                                              \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]" more \
    "}"
#define NAMES_TOOL                                                             \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
static const char *const questions[] = {
    ASKED(",\"stream_options\":{\"include_usage\":true}" NAMES_TOOL),
    ASKED(",\"stop\":[\"END\",\"a\"]"),
    ASKED(",\"parallel_tool_calls\":false" NAMES_TOOL),
    ASKED(",\"functions\":[{\"name\":\"f\"}]"),
    ASKED(",\"n\":2,\"logprobs\":true,\"max_tokens\":3"),
    ASKED(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
          "\"name\":\"s\",\"schema\":{\"type\":\"object\"}}}"),
    ASKED(",\"response_format\":{\"type\":\"json_object\"}"),
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

/* Models that are asked in ways of their own. */
static const char *const models[] = {
    "claude-sonnet-4-5",
    "claude-3-5-haiku-20241022",
    "claude-opus-4-6",
    "gemini-2.5-pro",
    "gemini-3-pro-preview",
    "gpt-5-mini",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "amazon.nova-2-lite-v1:0",
    "command-a-reasoning-08-2025",
    "org/model",
};
#define MODELS (sizeof(models) / sizeof(*models))

/* Where servers of OpenAI's dialect are. */
static const char *const addresses[] = {
    "http://localhost/v1",          "https://api.openai.com/v1",
    "https://openrouter.ai/api/v1", "https://api.mistral.ai/v1",
    "https://api.deepseek.com",
};
#define ADDRESSES (sizeof(addresses) / sizeof(*addresses))

/* The operation that a third byte stands for. */
static llm_op_e op_of(uint8_t byte)
{
    return byte == 'c'   ? LLM_OP_COUNT
           : byte == 'e' ? LLM_OP_EMBED
           : byte == 'k' ? LLM_OP_RERANK
                         : LLM_OP_CHAT;
}

static llm_ask_t *ask_of(unsigned number, apr_pool_t *pool)
{
    const char *question = questions[number % QUESTIONS];
    llm_ask_t *ask;
    const llm_json_t *doc;

    MUST(!llm_json_read(&doc, question, strlen(question), NULL, pool));
    MUST(!llm_dialect_find("openai")->read_request(&ask, LLM_OP_CHAT, doc,
                                                   pool));
    return ask;
}

static const llm_provider_t *provider_of(const llm_dialect_t *dialect,
                                         unsigned number, apr_pool_t *pool)
{
    const char *url = strcmp(dialect->name, "openai") != 0
                          ? dialect->default_url
                          : addresses[number % ADDRESSES];
    llm_provider_t *provider = apr_pcalloc(pool, sizeof(*provider));

    provider->name = dialect->name;
    provider->dialect = dialect;
    provider->ask_usage = 1;
    provider->max_tokens_default = 100;
    MUST(!llm_provider_set_url(provider, url ? url : "https://example.org",
                               pool));
    return provider;
}

static void init_request(llm_request_t *req, apr_pool_t *pool)
{
    memset(req, 0, sizeof(*req));
    req->headers = apr_table_make(pool, 2);
    req->dropped = apr_array_make(pool, 2, sizeof(const char *));
}

static void must_be_json_body(const llm_request_t *req, apr_pool_t *pool)
{
    llm_buf_t *body = llm_buf_make(0, pool);
    int i;

    for (i = 0; i < req->body_count; ++i) {
        MUST(req->body[i].len > 0);
        llm_buf_append(body, req->body[i].data, req->body[i].len);
    }
    must_be_json(body->data, body->len, pool);
}

/* ---- requests ---- */

static void run_request(const llm_dialect_t *dialect, uint8_t how,
                        const char *data, apr_size_t len, apr_pool_t *pool)
{
    llm_op_e op = op_of(how);
    const llm_dialect_t *const *all;
    apr_size_t count, i;
    const llm_json_t *doc;
    llm_problem_t *problem;
    llm_ask_t *ask;

    if (!dialect->read_request || !(dialect->client_ops & (unsigned)op)
        || llm_json_read(&doc, data, len, NULL, pool)) {
        return;
    }
    problem = dialect->read_request(&ask, op, doc, pool);
    if (problem) {
        MUST(problem->kind == LLM_PROBLEM_BAD_REQUEST);
        return;
    }
    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        llm_request_t req;

        if (!(all[i]->provider_ops & (unsigned)op)) {
            continue;
        }
        init_request(&req, pool);
        problem = all[i]->write_request(&req, ask, models[how % MODELS],
                                        provider_of(all[i], how / MODELS, pool),
                                        pool);
        MUST(!problem || problem->param || problem->message);
        if (!problem) {
            must_be_json_body(&req, pool);
        }
    }
}

/* A path is refused by naming a parameter, or its request passes. */
static void run_line(const llm_dialect_t *dialect, const char *data,
                     apr_size_t len, apr_pool_t *pool)
{
    char *path = apr_pstrmemdup(pool, data, len);
    char *query = strchr(path, '\n');
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;
    llm_request_t req;
    int hide = 0;

    if (query) {
        *query++ = '\0';
    }
    if (!dialect->read_line
        || !dialect->read_line(&line, &problem, path, query, pool)) {
        return;
    }
    MUST(line && (!problem || problem->param));
    if (problem || !line->model || line->op == LLM_OP_MODELS) {
        return;
    }
    init_request(&req, pool);
    req.line = line;
    if (!dialect->pass_request(&req, line->op, LLM_BYTES_LITERAL("{\"a\":1}"),
                               line->model, provider_of(dialect, 0, pool),
                               &hide, pool)) {
        MUST(strpbrk(req.path, " \r\n") == NULL);
        must_be_json_body(&req, pool);
    }
}

/* ---- answers ---- */

/* What is seen of an answer, or of an event, that passes. */
static void look_at(const llm_dialect_t *dialect, const llm_json_t *doc,
                    apr_pool_t *pool)
{
    llm_finish_e finish = LLM_FINISH_NONE;
    const char *model = NULL;
    llm_usage_t usage;

    llm_usage_clear(&usage);
    if (dialect->read_usage) {
        dialect->read_usage(&usage, doc);
        MUST(llm_usage_total(&usage) >= 0);
    }
    if (dialect->read_facts) {
        dialect->read_facts(&model, &finish, doc, pool);
    }
    if (dialect->read_tier) {
        dialect->read_tier(doc, pool);
    }
    if (dialect->is_problem) {
        dialect->is_problem(doc);
    }
}

static void run_answer(const llm_dialect_t *dialect, uint8_t how,
                       const char *data, apr_size_t len, apr_pool_t *pool)
{
    const llm_dialect_t *const *all;
    apr_size_t count, i;
    llm_ask_t *ask = ask_of(how, pool);
    const llm_json_t *doc;
    llm_answer_t *answer;

    if (llm_json_read(&doc, data, len, NULL, pool)) {
        return;
    }
    ask->op = op_of(how);
    ask->prompt = how & 1;
    look_at(dialect, doc, pool);
    if (dialect->read_response(&answer, ask, doc, pool)) {
        return;
    }
    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        if (all[i]->client_ops & (unsigned)ask->op) {
            llm_buf_t *out = llm_buf_make(0, pool);

            all[i]->write_response(out, ask, answer, pool);
            must_be_json(out->data, out->len, pool);
        }
    }
}

/* ---- streams ---- */

typedef struct sink_t {
    const llm_dialect_t *client;
    llm_writer_t *writer;
    llm_call_order_t *order; /* NULL: the client's calls may be mixed */
    llm_buf_t *out;
    int ends;
} sink_t;

static void write_delta(void *baton, const llm_delta_t *delta)
{
    sink_t *sink = baton;

    sink->client->write_delta(sink->out, sink->writer, delta);
}

static void take(void *baton, const llm_delta_t *delta)
{
    sink_t *sink = baton;

    MUST(!sink->ends);
    sink->ends +=
        delta->kind == LLM_DELTA_END || delta->kind == LLM_DELTA_PROBLEM;
    if (sink->order) {
        llm_call_order_take(sink->order, delta);
    }
    else {
        write_delta(sink, delta);
    }
}

static void feed_event(const llm_dialect_t *dialect, llm_reader_t *reader,
                       const llm_sse_event_t *frame, sink_t *sink,
                       apr_pool_t *scratch)
{
    llm_event_t event = {frame->event, frame->data, NULL};

    if (frame->has_data) {
        llm_json_read(&event.doc, frame->data.data, frame->data.len, NULL,
                      scratch);
        dialect->read_event(reader, &event, take, sink, scratch);
        if (event.doc) {
            look_at(dialect, event.doc, scratch);
        }
        if (dialect->is_last) {
            dialect->is_last(&event);
        }
        apr_pool_clear(scratch);
    }
}

/* A stream's frames; AWS's binary ones are given as server-sent events, since
 * few inputs have their checksums. */
typedef struct frames_t {
    llm_sse_t *sse;
    llm_ndjson_t *lines; /* or NULL */
} frames_t;

static void frames_feed(frames_t *frames, const char *data, apr_size_t len)
{
    if (frames->lines) {
        llm_ndjson_feed(frames->lines, data, len);
    }
    else {
        llm_sse_feed(frames->sse, data, len);
    }
}

/* The next one; where nothing more comes, what is left. */
static int frames_next(frames_t *frames, llm_sse_event_t *frame, int is_end)
{
    if (!frames->lines) {
        return (is_end ? llm_sse_finish : llm_sse_next)(frames->sse, frame)
               == APR_SUCCESS;
    }
    memset(frame, 0, sizeof(*frame));
    frame->has_data = 1;
    return (is_end ? llm_ndjson_finish : llm_ndjson_next)(frames->lines,
                                                          &frame->data)
           == APR_SUCCESS;
}

static void run_stream(const llm_dialect_t *dialect,
                       const llm_dialect_t *client, unsigned how,
                       const char *data, apr_size_t len, apr_pool_t *pool)
{
    llm_ask_t *ask = ask_of(how / 8, pool);
    unsigned step = how % 8;
    sink_t sink = {client, NULL, NULL, llm_buf_make(0, pool), 0};
    frames_t frames = {llm_sse_make(len + 1, pool), NULL};
    llm_sse_event_t frame;
    llm_reader_t *reader;
    apr_pool_t *scratch;

    /* what the path may ask for */
    ask->as_array = !strcmp(client->name, "gemini") && (len & 1);
    ask->prompt = client->framing == LLM_FRAMING_NDJSON && (len & 1);
    if (dialect->framing == LLM_FRAMING_NDJSON) {
        frames.lines = llm_ndjson_make(len + 1, pool);
    }
    reader = dialect->reader_make(ask, pool);
    sink.writer = client->writer_make(ask, "x1", 0, pool);
    if (!client->mixes_calls) {
        sink.order = llm_call_order_make(write_delta, &sink, pool);
    }
    apr_pool_create(&scratch, pool);
    while (len) {
        apr_size_t piece = step && step < len ? step : len;

        frames_feed(&frames, data, piece);
        data += piece;
        len -= piece;
        while (frames_next(&frames, &frame, 0)) {
            feed_event(dialect, reader, &frame, &sink, scratch);
        }
    }
    while (frames_next(&frames, &frame, 1)) {
        feed_event(dialect, reader, &frame, &sink, scratch);
    }
    dialect->reader_end(reader, take, &sink, scratch);
    MUST(sink.ends == 1);
    if (ask->as_array) {
        must_be_json(sink.out->data, sink.out->len, pool);
    }
    else {
        must_be_framed(client, sink.out, pool);
    }
}

static void run_streams(const llm_dialect_t *dialect, unsigned how,
                        const char *data, apr_size_t len, apr_pool_t *pool)
{
    const llm_dialect_t *const *all;
    apr_size_t count, i;

    all = llm_dialect_all(&count);
    for (i = 0; dialect->reader_make && i < count; ++i) {
        if (all[i]->writer_make) {
            run_stream(dialect, all[i], how, data, len, pool);
        }
    }
}

/* ---- what passes ---- */

static void run_pass(const llm_dialect_t *dialect, llm_op_e op,
                     const char *data, apr_size_t len, apr_pool_t *pool)
{
    llm_bytes_t raw = {data, len};
    llm_sse_t *sse = llm_sse_make(len + 1, pool);
    llm_sse_event_t frame;
    const llm_json_t *doc;
    llm_request_t req;
    int hide = 0;

    init_request(&req, pool);
    if (dialect->pass_request && (dialect->pass_ops & (unsigned)op)
        && !llm_json_read(&doc, data, len, NULL, pool)
        && !dialect->pass_request(&req, op, raw, "a\"b",
                                  provider_of(dialect, 0, pool), &hide, pool)) {
        must_be_json_body(&req, pool);
    }
    llm_sse_feed(sse, data, len);
    while (dialect->hide_usage && llm_sse_next(sse, &frame) == APR_SUCCESS) {
        llm_bytes_t out = frame.raw;

        if (!llm_json_read(&doc, frame.data.data, frame.data.len, NULL, pool)
            && dialect->hide_usage(&out, &frame, doc, pool)) {
            MUST(out.len <= frame.raw.len + 8);
        }
    }
}

/* A native call goes below the provider's address, and its model is told. */
static void run_native(const llm_dialect_t *dialect, const char *data,
                       apr_size_t len, apr_pool_t *pool)
{
    char *path = apr_pstrmemdup(pool, data, len);
    char *body = strchr(path, '\n');
    const llm_provider_t *provider = provider_of(dialect, 0, pool);
    const llm_json_t *doc = NULL;

    if (body) {
        *body++ = '\0';
        llm_json_read(&doc, body, strlen(body), NULL, pool);
    }
    MUST(dialect->native_path ? dialect->native_path(provider, path, pool)
                              : llm_dialect_native_path(provider, path, pool));
    if (dialect->native_model) {
        dialect->native_model(path, NULL, pool);
        dialect->native_model(path, doc, pool);
    }
}

static void run_models(const llm_dialect_t *dialect, const char *data,
                       apr_size_t len, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(char *));
    llm_buf_t *out = llm_buf_make(0, pool);
    char *rest = apr_pstrmemdup(pool, data, len), *name;

    while ((name = apr_strtok(rest, "\n", &rest))) {
        APR_ARRAY_PUSH(names, const char *) = name;
    }
    if (dialect->write_models) {
        dialect->write_models(out, names, 0, pool);
        must_be_json(out->data, out->len, pool);
    }
    if (dialect->write_model && names->nelts) {
        llm_buf_clear(out);
        dialect->write_model(out, APR_ARRAY_IDX(names, 0, const char *), 0,
                             pool);
        must_be_json(out->data, out->len, pool);
    }
}

static void run_error(const llm_dialect_t *dialect, const char *data,
                      apr_size_t len, apr_pool_t *pool)
{
    llm_bytes_t body = {data, len};
    llm_event_t event = {{"error", 5}, body, NULL};
    const llm_dialect_t *const *all;
    llm_problem_t *problem;
    apr_size_t count, i;

    llm_json_read(&event.doc, data, len, NULL, pool);
    problem = dialect->read_problem(500, NULL, event.doc, body, pool);
    MUST(problem && problem->message && *problem->message);
    if (dialect->event_problem) {
        dialect->event_problem(&event, pool);
    }
    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        if (all[i]->write_problem) {
            llm_buf_t *out = llm_buf_make(0, pool);

            all[i]->write_problem(out, problem, "x1");
            must_be_json(out->data, out->len, pool);
        }
        if (all[i]->write_stream_problem) {
            llm_buf_t *out = llm_buf_make(0, pool);

            all[i]->write_stream_problem(out, problem, "x1");
            must_be_framed(all[i], out, pool);
        }
    }
}

/* A letter of the corpus means the same dialect however many there are; any
 * other byte is one of them. */
static const llm_dialect_t *dialect_of(uint8_t byte)
{
    static const struct {
        uint8_t letter;
        const char *name;
    } letters[] = {
        {'A', "anthropic"},
        {'B', "bedrock"},
        {'C', "cohere"},
        {'E', "openai"},
        {'H', "huggingface"},
        {'I', "huggingface-inference"},
        {'L', "openai-completions"},
        {'O', "ollama"},
        {'R', "openai-responses"},
        {'b', "gemini"},
    };
    const llm_dialect_t *const *all;
    apr_size_t count, i;

    for (i = 0; i < sizeof(letters) / sizeof(*letters); ++i) {
        if (letters[i].letter == byte) {
            return llm_dialect_find(letters[i].name);
        }
    }
    all = llm_dialect_all(&count);
    return all[byte % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes + 3;
    const llm_dialect_t *dialect;
    apr_pool_t *pool;

    if (size < 4) {
        return 0;
    }
    size -= 3;
    dialect = dialect_of(bytes[1]);
    pool = fuzz_pool();
    switch (bytes[0]) {
    case 'r':
        run_request(dialect, bytes[2], data, size, pool);
        break;
    case 'l':
        run_line(dialect, data, size, pool);
        break;
    case 'a':
        run_answer(dialect, bytes[2], data, size, pool);
        break;
    case 's':
        run_streams(dialect, (uint8_t)(bytes[2] - '0'), data, size, pool);
        break;
    case 'p':
        run_pass(dialect, op_of(bytes[2]), data, size, pool);
        break;
    case 'n':
        run_native(dialect, data, size, pool);
        break;
    case 'm':
        run_models(dialect, data, size, pool);
        break;
    default:
        run_error(dialect, data, size, pool);
        break;
    }
    apr_pool_destroy(pool);
    return 0;
}
