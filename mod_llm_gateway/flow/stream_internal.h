/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that read an answer share: stream.c decides how it is read,
 * events.c and whole.c read it, meter.c counts. Private to this folder.
 */
#ifndef FLOW_STREAM_INTERNAL_H
#define FLOW_STREAM_INTERNAL_H

#include "core/llm_eventstream.h"
#include "core/llm_inflate.h"
#include "core/llm_json.h"
#include "core/llm_ndjson.h"
#include "core/llm_sse.h"
#include "dialect/call_order.h"
#include "flow/stream.h"

typedef enum {
    READ_NONE, /* the head is not complete */
    READ_ERROR,
    READ_WHOLE,
    READ_EVENTS,
    READ_OPAQUE
} llm_read_e;

struct llm_stream_t {
    llm_read_e read;
    const llm_dialect_t *provider;
    llm_inflate_t *packed; /* the body is compressed; NULL: it is not */
    apr_size_t taken;      /* bytes of the body, inflated, before this piece */
    llm_buf_t *body;       /* ERROR, WHOLE */
    llm_sse_t *sse;        /* EVENTS, one of the three */
    llm_ndjson_t *lines;
    llm_buf_t *half; /* of passed lines: one that has not ended yet */
    llm_eventstream_t *messages;
    llm_reader_t *reader;    /* NULL: native call that is not a chat */
    llm_writer_t *writer;    /* NULL: the bytes pass */
    llm_call_order_t *order; /* before the writer; NULL: calls come in order,
                                or may be mixed */
    apr_pool_t *scratch;     /* of one event */
    apr_time_t now;          /* of the call that is running */
    int output;              /* something the client waits for has come */
    int ended;               /* the reader said END, or the last event came */
    int passed_whole;        /* WHOLE was committed before its end */
    int elements;            /* passed events as one array: written so far */
};
typedef struct llm_stream_t llm_stream_t;

/* stream.c: the attempt's states. */
llm_stream_t *llm_stream_of(llm_attempt_t *attempt);
int llm_stream_goes_on(const llm_attempt_t *attempt); /* not yet over */
/* Does the answer only pass, whatever it is? */
int llm_stream_is_unread(const llm_attempt_t *attempt);
void llm_stream_give_up(llm_attempt_t *attempt, llm_problem_t *problem);
void llm_stream_commit(llm_attempt_t *attempt, const char *content_type);
void llm_stream_done(llm_attempt_t *attempt);
/* What was asked, or of what passes unread an ask that says nothing; for
 * those who read the answer to count it. */
const llm_ask_t *llm_stream_ask(const llm_attempt_t *attempt);
/* 502; `detail` is for the log. */
llm_problem_t *llm_stream_problem(llm_attempt_t *attempt, const char *detail);

/* events.c */
void llm_events_begin(llm_attempt_t *attempt, llm_framing_e framing);
void llm_events_feed(llm_attempt_t *attempt, const char *data, apr_size_t len);
/* The stream's bytes are all there. */
void llm_events_finish(llm_attempt_t *attempt);
/* The same, and what is left of an event does not count. */
void llm_events_end(llm_attempt_t *attempt);
/* The stream cannot go on: said inside it, where something went out. */
void llm_events_break(llm_attempt_t *attempt, llm_problem_t *problem);
/* Lets go what is held back, when there is reason to. */
void llm_events_commit_if_due(llm_attempt_t *attempt);
/* The content type of a stream in the form this client asked for. */
const char *llm_events_type(const llm_attempt_t *attempt);
/* llm_delta_cb: a piece of a translated stream; baton is the attempt. */
void llm_events_translate(void *baton, const llm_delta_t *delta);
/* Where a client's stream begins with the input's tokens: has them told as
 * `usage` knows them (NULL: not), else as they are counted here. */
void llm_events_foretell(llm_attempt_t *attempt, const llm_usage_t *usage);

/* whole.c */
void llm_whole_feed(llm_attempt_t *attempt, const char *data, apr_size_t len);
void llm_whole_finish(llm_attempt_t *attempt);

/* meter.c: what a piece, or a whole answer, tells about usage. */
void llm_meter_delta(llm_attempt_t *attempt, const llm_delta_t *delta);
void llm_meter_answer(llm_attempt_t *attempt, const llm_answer_t *answer);
/* A document that passes unread but for usage, model and finish reason. */
void llm_meter_document(llm_attempt_t *attempt, const llm_json_t *doc,
                        apr_pool_t *scratch);
/* Counts that only the head of the answer tells. */
void llm_meter_head(llm_attempt_t *attempt, llm_usage_t *usage);
/* The service tier, as far as the document (or NULL) tells. */
void llm_meter_tier(llm_attempt_t *attempt, const llm_json_t *doc,
                    apr_pool_t *scratch);
/* Every string of an answer whose form nobody here knows, as its text. */
void llm_meter_strings(llm_attempt_t *attempt, const llm_json_t *doc);
void llm_meter_output(llm_attempt_t *attempt); /* a first token, perhaps */
/* settle.c: the input as it is counted here, once. */
apr_int64_t llm_flow_input(llm_exchange_t *x);
/* What counts this exchange's texts where the provider does not. */
llm_tokenizer_t llm_meter_tokenizer(const llm_exchange_t *x);

/* cost.c: what the record's usage costs at this upstream. */
void llm_cost_set(const llm_exchange_t *x, llm_record_t *record,
                  const llm_upstream_t *upstream);
/* NULL, or that the upstream's model has no price and must not be asked. */
llm_problem_t *llm_cost_refuse(const llm_exchange_t *x,
                               const llm_upstream_t *upstream);

#endif /* FLOW_STREAM_INTERNAL_H */
