/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties: what must hold between dialects for any conversation and any
 * answer, shown on cases that dice make.
 *
 * A property is a function that rolls the dice for a case and checks it with
 * libcheck's assertions. The dice remember what they gave, so that a case is a
 * list of numbers; one that fails is shrunk by leaving numbers out and making
 * them smaller, for 0 always stands for the simplest choice. What the dice give
 * past the end of a list is 0.
 */
#ifndef LLM_TEST_PROPERTY_H
#define LLM_TEST_PROPERTY_H

#include "test/unit/dialect/exchange.h"

/* ---- dice (property.c) ----------------------------------------------- */

/* A number below `sides`, which is not 0. */
unsigned roll(unsigned sides);
/* 1 in so many times; mostly 0. */
int rarely(unsigned times);
/* What the case is about, printed when it fails; the last one told. */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- what is generated (generate.c) ---------------------------------- */

/* Text as it stands in a JSON string: any of it, or nothing but letters. */
llm_text_t some_text(void);
llm_text_t some_word(void);
/* A JSON value, an object, and the text of an object. */
void put_value(llm_buf_t *out, int depth);
const char *some_object(void);
/* Nodes of JSON that is printed. */
const llm_json_t *json_of(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The same without blanks between its values. */
const char *packed(const char *data, apr_size_t len);
const char *bytes_as_text(const llm_buf_t *buf);

/* Arguments, a name and other parts of an answer (answers.c). */
llm_answer_t *some_answer(int choices);
/* An answer as this provider streams it, byte for byte, and what it says
 * (stream_of.c). NULL where there is none of this dialect's, nor of the one it
 * speaks. */
const llm_buf_t *some_stream(const llm_dialect_t *provider, answer_t **psays);
/* What is asked in all of these: with tools, and usage wanted. */
const llm_ask_t *plain_ask(void);

/* A conversation and its options (ask.c). Sound: each result answers a call,
 * and each call has one; else whatever comes. */
llm_ask_t *some_ask(int is_sound);

/* ---- what a conversation says (conversation.c) ------------------------ */

typedef struct facts_t {
    apr_table_t *lines; /* name and value */
    llm_buf_t *system;  /* its texts */
    int runs;
    int calls;
    int late;            /* results behind something else the user says */
    const char *ids[64]; /* of the calls */
} facts_t;

facts_t *facts_of(const llm_ask_t *ask);
/* Text, decoded, without its blanks. */
void put_plain(llm_buf_t *out, llm_text_t text);

/* ---- the properties -------------------------------------------------- */

typedef struct property_t {
    const char *name;
    const char *says;
    unsigned cost; /* how many times as long as the quickest a case takes */
    void (*run)(int number); /* of the dialect or pair */
    int (*count)(void);      /* how many of them */
    const char *(*title)(int number);
} property_t;

extern const property_t requests_property;
extern const property_t answers_property;
extern const property_t streams_property;
extern const property_t deltas_property;
extern const property_t passing_property;

/* What a client of the dialect got, as exchange_stream_text shows it, read. */
answer_t *read_written(const char *client, const llm_ask_t *ask,
                       const char *written);

/* Both sides of a dialect's chats. */
int faces_clients(const llm_dialect_t *dialect);
int faces_both(const llm_dialect_t *dialect);
/* Dialects that do this; the number is that of llm_dialect_all's. */
typedef int dialect_fn(const llm_dialect_t *dialect);
const llm_dialect_t *nth_dialect(dialect_fn *wanted, int number);
int count_dialects(dialect_fn *wanted);

#endif /* LLM_TEST_PROPERTY_H */
