/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers under any deltas at all: whatever a reader might emit, in whatever
 * order and for whatever choices and calls, what the client gets is legal and
 * ends once, and a reader of the dialect comes to an end with it.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

static int is_written(const llm_dialect_t *dialect)
{
    return dialect->writer_make && dialect->write_delta;
}

static apr_int64_t some_place(void)
{
    return rarely(3) ? -1 : (apr_int64_t)roll(40);
}

/* Any members at all, whether they belong together or not. */
static const llm_cite_t *some_cite(void)
{
    static const char *const units[] = {NULL, "char", "page", "block",
                                        "result"};
    static const char *const types[] = {NULL, "file_citation", "file_path",
                                        "container_file_citation"};
    llm_cite_t *cite = apr_pcalloc(unit_pool, sizeof(*cite));

    cite->kind = (llm_cite_e)roll(LLM_CITE_FILE + 1);
    cite->url = rarely(4) ? LLM_TEXT_NONE : some_text();
    cite->title = rarely(3) ? LLM_TEXT_NONE : some_text();
    cite->id = rarely(3) ? LLM_TEXT_NONE : some_text();
    cite->container = rarely(3) ? some_text() : LLM_TEXT_NONE;
    cite->quote = rarely(3) ? LLM_TEXT_NONE : some_text();
    cite->said = rarely(3) ? some_text() : LLM_TEXT_NONE;
    cite->unit = units[roll(5)];
    cite->type = types[roll(4)];
    cite->start = some_place();
    cite->end = some_place();
    cite->number = some_place();
    cite->from = some_place();
    cite->to = some_place();
    return cite;
}

static void fill(llm_delta_t *delta, llm_call_t *call, llm_usage_t *usage)
{
    static const char *const ids[] = {"call_1", "call_2", "", NULL};

    memset(delta, 0, sizeof(*delta));
    memset(call, 0, sizeof(*call));
    delta->kind = (llm_delta_e)roll(LLM_DELTA_USAGE + 1); /* not the ends */
    delta->cite = delta->kind == LLM_DELTA_CITE ? some_cite() : NULL;
    delta->choice = rarely(8) ? (int)roll(3) : 0;
    delta->call_index = rarely(3) ? (int)roll(5) : 0;
    delta->text = some_text();
    call->id = ids[roll(4)];
    call->name = some_word();
    call->signature = rarely(6) ? "c2lnbmVk" : NULL;
    delta->call = call;
    delta->id = roll(2) ? "id" : NULL;
    delta->model = roll(2) ? "model" : NULL;
    delta->finish = (llm_finish_e)(1 + roll(LLM_FINISH_OTHER));
    delta->stop_sequence = rarely(4) ? some_text() : LLM_TEXT_NONE;
    delta->usage = usage;
    delta->logprobs =
        rarely(10) ? json_of("{\"content\":[{\"token\":\"a\",\"logprob\":-1,"
                             "\"bytes\":null,\"top_logprobs\":[]}]}")
                   : NULL;
}

/* Any deltas, an end, and something behind it. */
static const char *write_some(const llm_dialect_t *dialect,
                              const llm_ask_t *ask)
{
    llm_writer_t *writer = dialect->writer_make(ask, "x1", 0, unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    unsigned count = roll(30);
    llm_usage_t usage;
    llm_delta_t delta;
    llm_call_t call;

    llm_usage_clear(&usage);
    while (count--) {
        llm_usage_set(&usage, (llm_class_e)roll(LLM_CLASSES), roll(900));
        fill(&delta, &call, &usage);
        dialect->write_delta(out, writer, &delta);
    }
    memset(&delta, 0, sizeof(delta));
    delta.kind = rarely(4) ? LLM_DELTA_PROBLEM : LLM_DELTA_END;
    delta.problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, unit_pool, "m");
    dialect->write_delta(out, writer, &delta);
    delta.kind = roll(2) ? LLM_DELTA_END : LLM_DELTA_TEXT;
    dialect->write_delta(out, writer, &delta); /* nothing after the end */
    return exchange_stream_text(dialect->name, out);
}

static void run_deltas(int number)
{
    const llm_dialect_t *dialect = nth_dialect(is_written, number);
    llm_ask_t *ask = apr_pmemdup(unit_pool, plain_ask(), sizeof(*ask));
    const char *written;

    ask->as_array = !strcmp(dialect->name, "gemini") && roll(2);
    ask->prompt = !strcmp(dialect->name, "ollama") && roll(2);
    ask->include_usage = !roll(2);
    written = write_some(dialect, ask);
    tell("%s", written);
    exchange_check_stream(dialect->name, ask, written);
    if (dialect->reader_make && !ask->as_array && !ask->prompt
        && faces_both(dialect)) {
        read_written(dialect->name, ask, written);
    }
}

static int count(void)
{
    return count_dialects(is_written);
}

static const char *title(int number)
{
    return nth_dialect(is_written, number)->name;
}

const property_t deltas_property = {
    .name = "deltas",
    .says = "a writer writes legal streams, whatever it is given",
    .cost = 1,
    .run = run_deltas,
    .count = count,
    .title = title,
};
