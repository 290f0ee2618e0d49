/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON document as the whole answer: collected, then passed on or
 * translated. A passed one that grows large is given out while it comes and
 * kept all the same, for its usage.
 */
#include <apr_strings.h>
#include <string.h>

#include "dialect/tool_names.h"
#include "flow/answer.h"
#include "flow/kept.h"
#include "flow/media.h"
#include "flow/stream_internal.h"

/* A whole answer larger than this is given out while it comes. */
#define WHOLE_HOLD 1048576
/* Of a passed answer larger than this, members larger than MEMBER_MAX are not
 * read: a tree of a million embeddings' numbers would tell nothing. */
#define READ_ALL_MAX 262144
#define MEMBER_MAX   16384

static const char *type_of_whole(const llm_attempt_t *attempt)
{
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    return attempt->pass && type ? type : "application/json";
}

/* The answer as a stream, for a client that asked for one. */
static void stream_answer(llm_attempt_t *attempt, const llm_answer_t *answer)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);

    stream->writer = x->client->writer_make(x->ask, x->request_id, stream->now,
                                            attempt->pool);
    llm_usage_merge(&x->usage, answer->usage);
    if (x->usage.known) {
        llm_events_foretell(attempt, answer->usage);
    }
    llm_answer_each_delta(answer, llm_events_translate, attempt, attempt->pool);
    llm_stream_commit(attempt, llm_events_type(attempt));
}

static void translate_whole(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    llm_answer_t *answer;
    llm_problem_t *problem = llm_stream_of(attempt)->provider->read_response(
        &answer, attempt->request.fitted ? attempt->request.fitted : x->ask,
        doc, attempt->pool);

    if (problem) {
        llm_stream_give_up(attempt, problem);
        return;
    }
    llm_meter_tier(attempt, doc, attempt->pool);
    if (x->tier) {
        answer->service_tier = (llm_text_t){x->tier, strlen(x->tier)};
    }
    llm_meter_head(attempt, answer->usage);
    if (attempt->request.fitted) {
        llm_tool_names_give_back(answer, attempt->request.fitted,
                                 attempt->pool);
    }
    if (!answer->created) {
        answer->created = apr_time_sec(llm_stream_of(attempt)->now);
    }
    if (x->stream) {
        stream_answer(attempt, answer);
    }
    else {
        llm_meter_answer(attempt, answer);
        x->client->write_response(x->out, x->ask, answer, attempt->pool);
        x->reply.whole = 1;
        llm_stream_commit(attempt, "application/json");
    }
    llm_stream_done(attempt);
}

/* What can be learnt from a passed answer. */
static llm_problem_t *meter_whole(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    const llm_dialect_t *provider = llm_stream_of(attempt)->provider;
    llm_answer_t *answer;

    llm_kept_watch(attempt, doc);
    llm_meter_document(attempt, doc, attempt->pool);
    llm_meter_head(attempt, &x->usage);
    llm_meter_tier(attempt, doc, attempt->pool);
    if (!x->native && llm_stream_is_unread(attempt)) {
        llm_media_meter(attempt, doc);
        return NULL;
    }
    if (x->native && !x->native_chat) {
        /* the old Inference API, for one, tells no usage at all */
        if (x->model && x->raw.len && !x->usage.known) {
            llm_meter_strings(attempt, doc);
        }
        return NULL;
    }
    if (provider->event_problem) {
        llm_event_t event = {{NULL, 0}, doc->raw, doc};
        llm_problem_t *problem = provider->event_problem(&event, x->pool);

        if (problem) {
            return problem;
        }
    }
    /* without a count the text itself is needed */
    if (!llm_usage_is_known(&x->usage, LLM_CLASS_OUTPUT) && x->op == LLM_OP_CHAT
        && !x->native
        && !provider->read_response(&answer, llm_stream_ask(attempt), doc,
                                    attempt->pool)) {
        llm_meter_answer(attempt, answer);
    }
    return NULL;
}

static void pass_whole(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_problem_t *problem = doc ? meter_whole(attempt, doc) : NULL;

    if (problem && !stream->passed_whole) {
        attempt->error_body.data = stream->body->data;
        attempt->error_body.len = stream->body->len;
        llm_stream_give_up(attempt, problem);
        return;
    }
    if (!stream->passed_whole) {
        llm_buf_append(x->out, stream->body->data, stream->body->len);
        x->reply.whole = 1;
        llm_stream_commit(attempt, type_of_whole(attempt));
    }
    llm_stream_done(attempt);
}

static void keep_small_member(void *baton, const llm_member_t *member)
{
    llm_buf_t *out = baton;

    if (member->value.len <= MEMBER_MAX) {
        llm_buf_lit(out, ",");
        llm_buf_put_text(out, member->name);
        llm_buf_lit(out, ":");
        llm_buf_append(out, member->value.data, member->value.len);
    }
}

/* The small members of a large object: usage, model, an error. */
static apr_status_t read_small_members(llm_attempt_t *attempt,
                                       const llm_json_t **pdoc,
                                       llm_json_error_t *error)
{
    const llm_buf_t *body = llm_stream_of(attempt)->body;
    llm_buf_t *out = llm_buf_make(0, attempt->pool);
    apr_status_t status =
        llm_json_scan(body->data, body->len, keep_small_member, out, error);

    if (status) {
        return status;
    }
    if (!out->len) {
        llm_buf_lit(out, "{");
    }
    out->data[0] = '{'; /* the first member's comma */
    llm_buf_lit(out, "}");
    return llm_json_read(pdoc, out->data, out->len, error, attempt->pool);
}

static const llm_json_t *read_whole(llm_attempt_t *attempt,
                                    llm_json_error_t *error)
{
    const llm_buf_t *body = llm_stream_of(attempt)->body;
    const llm_exchange_t *x = attempt->x;
    const llm_json_t *doc;
    /* of images there are few members, however large they are */
    int is_small = x->native ? x->native_chat
                             : x->op == LLM_OP_CHAT || x->op == LLM_OP_IMAGE;

    if (body->overflow) {
        return NULL;
    }
    if (attempt->pass && !is_small && body->len > READ_ALL_MAX) {
        return read_small_members(attempt, &doc, error) ? NULL : doc;
    }
    return llm_json_read(&doc, body->data, body->len, error, attempt->pool)
               ? NULL
               : doc;
}

void llm_whole_finish(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_json_error_t error = {0, "it is too long"};
    const llm_json_t *doc = read_whole(attempt, &error);

    if (!doc && !stream->passed_whole
        && (attempt->x->whole_only
            || (!attempt->x->native && !llm_stream_is_unread(attempt)))) {
        llm_stream_give_up(
            attempt, llm_stream_problem(
                         attempt, apr_psprintf(attempt->x->pool,
                                               "the answer is not JSON: %s at"
                                               " byte %" APR_SIZE_T_FMT,
                                               error.what, error.offset)));
        return;
    }
    if (attempt->pass) {
        pass_whole(attempt, doc);
    }
    else {
        translate_whole(attempt, doc);
    }
}

void llm_whole_feed(llm_attempt_t *attempt, const char *data, apr_size_t len)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);

    llm_buf_append(stream->body, data, len);
    if (!attempt->pass || x->whole_only) {
        if (stream->body->overflow) {
            llm_stream_give_up(
                attempt, llm_stream_problem(attempt, "the answer is larger"
                                                     " than LLMAnswerLimit"));
        }
        return;
    }
    if (stream->passed_whole) {
        llm_buf_append(x->out, data, len);
    }
    else if (stream->body->len > WHOLE_HOLD || stream->body->overflow) {
        apr_size_t kept = stream->body->len;

        /* what the ceiling cut off is the end of `data` */
        llm_buf_append(x->out, stream->body->data, kept);
        if (stream->body->overflow) {
            apr_size_t before = stream->taken;

            llm_buf_append(x->out, data + (kept - before),
                           len - (kept - before));
        }
        stream->passed_whole = 1;
        llm_stream_commit(attempt, type_of_whole(attempt));
    }
}
