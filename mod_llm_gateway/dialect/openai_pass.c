/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Same dialect on both sides: a request goes on as it came, but for the name
 * of the model and, in streams, the wish for usage; an answer goes back as it
 * came, but for usage the client did not wish. Where a server has a form of
 * its own for what is answered, the answer is translated.
 *
 * A member that is there twice is changed twice, since readers differ in which
 * one they take. The last one counts where the gateway has to know.
 */
#include "dialect/openai_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_lib.h>

#include <apr_strings.h>

/* What is being done to a body. */
typedef struct pass_t {
    llm_splice_t *splice;
    llm_bytes_t model;   /* the new name, as a JSON string */
    apr_size_t offset;   /* of the object that is scanned, in the body */
    llm_bytes_t options; /* the last stream_options, as written */
    int has_model, has_options, stream;
} pass_t;

static const char options_member[] =
    "\"stream_options\":{\"include_usage\":true},";
static const char options_value[] = "{\"include_usage\":true}";

static void cut_value(const pass_t *pass, const llm_member_t *member,
                      const char *text, apr_size_t len)
{
    llm_splice_cut(pass->splice, pass->offset + llm_member_value(member),
                   pass->offset + member->end, text, len);
}

/* ---- what the client asked ---- */

static void see_member(void *baton, const llm_member_t *member)
{
    pass_t *pass = baton;

    if (llm_text_equals(member->name, "model")) {
        cut_value(pass, member, pass->model.data, pass->model.len);
        pass->has_model = 1;
    }
    else if (llm_text_equals(member->name, "stream")) {
        pass->stream = llm_bytes_are(member->value, "true");
    }
    else if (llm_text_equals(member->name, "stream_options")) {
        pass->options = member->value;
        pass->has_options = 1;
    }
}

typedef struct options_t {
    int usage; /* the last include_usage is true */
    int count; /* of members */
    int said;  /* there is an include_usage */
} options_t;

static void see_option(void *baton, const llm_member_t *member)
{
    options_t *options = baton;

    ++options->count;
    if (llm_text_equals(member->name, "include_usage")) {
        options->usage = llm_bytes_are(member->value, "true");
        options->said = 1;
    }
}

/* Does the provider have to be asked for what the client did not ask? */
static int wants_usage(const pass_t *pass, const llm_provider_t *provider,
                       unsigned quirks)
{
    options_t seen = {0, 0, 0};

    if (!pass->stream || !provider->ask_usage
        || (provider->ask_usage == 1
            && (quirks & LLM_OPENAI_NO_STREAM_OPTIONS))) {
        return 0;
    }
    if (pass->has_options && *pass->options.data == '{') {
        llm_json_scan(pass->options.data, pass->options.len, see_option, &seen,
                      NULL);
    }
    return !seen.usage;
}

/* ---- asking for usage ---- */

static void set_option(void *baton, const llm_member_t *member)
{
    if (llm_text_equals(member->name, "include_usage")) {
        cut_value(baton, member, "true", 4);
    }
}

/* One stream_options of the body, made to ask for usage. What is neither null
 * nor an object stays: the provider says what is wrong with it. */
static void amend_options(pass_t *pass, const llm_member_t *member)
{
    apr_size_t begin = llm_member_value(member);
    options_t seen = {0, 0, 0};
    pass_t inner = *pass;

    if (llm_bytes_are(member->value, "null")) {
        cut_value(pass, member, options_value, sizeof(options_value) - 1);
    }
    if (*member->value.data != '{'
        || llm_json_scan(member->value.data, member->value.len, see_option,
                         &seen, NULL)) {
        return;
    }
    if (seen.said) {
        inner.offset = begin;
        llm_json_scan(member->value.data, member->value.len, set_option, &inner,
                      NULL);
    }
    else { /* right behind the brace */
        const char *text =
            seen.count ? "\"include_usage\":true," : "\"include_usage\":true";

        llm_splice_cut(pass->splice, begin + 1, begin + 1, text, strlen(text));
    }
}

static void ask_usage(void *baton, const llm_member_t *member)
{
    pass_t *pass = baton;

    if (llm_text_equals(member->name, "model")) {
        cut_value(pass, member, pass->model.data, pass->model.len);
    }
    else if (llm_text_equals(member->name, "stream_options")) {
        amend_options(pass, member);
    }
}

/* The body once more, now that it is known that usage has to be asked for. A
 * member the body lacks goes in right behind its brace: cuts are in order. */
static void splice_usage(pass_t *pass, llm_bytes_t raw)
{
    const char *brace = memchr(raw.data, '{', raw.len);

    llm_splice_clear(pass->splice);
    if (!pass->has_options) {
        apr_size_t at = (apr_size_t)(brace - raw.data) + 1;

        llm_splice_cut(pass->splice, at, at, options_member,
                       sizeof(options_member) - 1);
    }
    llm_json_scan(raw.data, raw.len, ask_usage, pass, NULL);
}

/* The body with the model that the path named, right behind its brace. */
static llm_bytes_t put_model(llm_bytes_t raw, llm_bytes_t model,
                             apr_pool_t *pool)
{
    const char *end = raw.data + raw.len;
    const char *rest = (const char *)memchr(raw.data, '{', raw.len) + 1;
    llm_buf_t *out = llm_buf_make(raw.len + model.len + 10, pool);

    llm_buf_append(out, raw.data, (apr_size_t)(rest - raw.data));
    llm_buf_puts(out, "\"model\":");
    llm_buf_append(out, model.data, model.len);
    while (rest < end && apr_isspace(*rest)) {
        ++rest;
    }
    if (rest < end && *rest != '}') {
        llm_buf_putc(out, ',');
    }
    llm_buf_append(out, rest, (apr_size_t)(end - rest));
    return (llm_bytes_t){out->data, out->len};
}

int llm_openai_answers_apart(const llm_provider_t *provider, const char *model,
                             llm_bytes_t raw)
{
    static const char tools[] = "\"tools\"";
    unsigned quirks = llm_profile_habits(provider, model).quirks;

    return (quirks & LLM_OPENAI_OWN_WORDS)
           && ((quirks & LLM_OPENAI_THINKING_PARTS)
               || memmem(raw.data, raw.len, tools, sizeof(tools) - 1));
}

llm_problem_t *llm_openai_pass_body(llm_request_t *req, llm_op_e op,
                                    llm_bytes_t raw, const char *model,
                                    const llm_provider_t *provider, int *phide,
                                    apr_pool_t *pool)
{
    llm_habits_t habits = llm_profile_habits(provider, model);
    llm_json_error_t error;
    pass_t pass;

    if (op & (LLM_OP_CHAT | LLM_OP_EMBED)) {
        raw = llm_openai_amend(req, raw, &habits, pool);
    }
    memset(&pass, 0, sizeof(pass));
    pass.splice = llm_splice_make(pool);
    pass.model = llm_json_quote(model, pool);
    *phide = 0;
    if (llm_json_scan(raw.data, raw.len, see_member, &pass, &error)) {
        return llm_splice_problem(&error, pool);
    }
    if (!pass.has_model && req->line && req->line->model) {
        raw = put_model(raw, pass.model, pool);
        llm_json_scan(raw.data, raw.len, see_member, &pass, &error);
    }
    if (!pass.has_model
        && !(llm_openai_quirks(provider, model) & LLM_OPENAI_MODEL_IN_PATH)) {
        return llm_problem_field(pool, "model", "expected a string");
    }
    if (op == LLM_OP_CHAT && wants_usage(&pass, provider, habits.quirks)) {
        *phide = 1;
        splice_usage(&pass, raw);
    }
    llm_splice_apply(req, raw, pass.splice);
    req->method = "POST";
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return NULL;
}

llm_problem_t *llm_openai_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool)
{
    if (op & LLM_OPS_UNREAD) {
        *phide = 0;
        return llm_openai_pass_line(req, raw, model, provider, pool);
    }
    req->path = llm_openai_path(
        provider, op == LLM_OP_EMBED ? "/embeddings" : "/chat/completions",
        pool);
    return llm_openai_pass_body(req, op, raw, model, provider, phide, pool);
}

/* ---- hiding usage ---- */

/* Is this chunk there for the usage alone? */
static int is_usage_chunk(const llm_json_t *doc)
{
    static const char *const usual[] = {"id",
                                        "object",
                                        "created",
                                        "model",
                                        "choices",
                                        "usage",
                                        "system_fingerprint",
                                        "service_tier",
                                        "obfuscation",
                                        NULL};
    const llm_json_t *choices = llm_json_get(doc, "choices"), *member;
    int i;

    if (!llm_json_is(choices, LLM_JSON_ARRAY) || choices->count) {
        return 0;
    }
    for (member = doc->child; member; member = member->next) {
        for (i = 0; usual[i] && !llm_text_equals(member->name, usual[i]); ++i) {
        }
        if (!usual[i] && member->type != LLM_JSON_NULL) {
            return 0;
        }
    }
    return 1;
}

/* Cuts a member and one comma beside it out of the text [begin, end). */
static void member_span(const llm_json_t *member, const char *begin,
                        const char *end, const char **pfrom, const char **pto)
{
    const char *from = member->name.data - 1; /* its quote */
    const char *to = member->raw.data + member->raw.len;
    const char *comma = to;

    while (comma < end && strchr(" \t\r\n", *comma)) {
        ++comma;
    }
    if (comma < end && *comma == ',') {
        to = comma + 1;
    }
    else { /* the last member: the comma stands before it */
        comma = from;
        while (comma > begin && strchr(" \t\r\n", comma[-1])) {
            --comma;
        }
        if (comma > begin && comma[-1] == ',') {
            from = comma - 1;
        }
    }
    *pfrom = from;
    *pto = to;
}

static llm_bytes_t leave_out(const char *data, apr_size_t len, apr_size_t from,
                             apr_size_t to, apr_pool_t *pool)
{
    llm_bytes_t out;
    char *at;

    out.len = len - (to - from);
    out.data = at = apr_palloc(pool, out.len);
    memcpy(at, data, from);
    memcpy(at + from, data + to, len - to);
    return out;
}

/* The data as an event of its own, in one line: a line end between JSON's
 * tokens is as good as a blank, and inside a string there can be none. */
static char *frame_data(llm_bytes_t data, apr_pool_t *pool)
{
    char *frame = apr_palloc(pool, data.len + 8), *at;

    memcpy(frame, "data: ", 6);
    memcpy(frame + 6, data.data, data.len);
    memcpy(frame + 6 + data.len, "\n\n", 2);
    for (at = frame + 6; at < frame + 6 + data.len; ++at) {
        *at = *at == '\n' ? ' ' : *at;
    }
    return frame;
}

/*
 * The event without its usage member. The document mostly is a slice of the
 * event as it came; where its data came in several lines it is a copy, and the
 * event is framed anew.
 */
static llm_bytes_t without_usage(const llm_sse_event_t *event,
                                 const llm_json_t *usage, apr_pool_t *pool)
{
    llm_bytes_t raw = event->raw, data = event->data;
    const char *from, *to;

    member_span(usage, data.data, data.data + data.len, &from, &to);
    if (data.data >= raw.data && data.data < raw.data + raw.len) {
        return leave_out(raw.data, raw.len, (apr_size_t)(from - raw.data),
                         (apr_size_t)(to - raw.data), pool);
    }
    return leave_out(frame_data(data, pool), data.len + 8,
                     6 + (apr_size_t)(from - data.data),
                     6 + (apr_size_t)(to - data.data), pool);
}

int llm_openai_hide_usage(llm_bytes_t *pout, const llm_sse_event_t *event,
                          const llm_json_t *doc, apr_pool_t *scratch)
{
    const llm_json_t *usage = llm_json_get(doc, "usage");

    if (!usage) {
        return 0;
    }
    if (usage->type == LLM_JSON_NULL) {
        *pout = without_usage(event, usage, scratch);
        return 1;
    }
    if (is_usage_chunk(doc)) {
        *pout = LLM_BYTES_LITERAL("");
        return 1;
    }
    if (llm_json_at(llm_json_get(doc, "choices"), 0)) {
        return 0; /* the provider tells it unasked */
    }
    *pout = without_usage(event, usage, scratch);
    return 1;
}

int llm_openai_is_last(const llm_event_t *event)
{
    return llm_bytes_are(event->data, "[DONE]");
}
