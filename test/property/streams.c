/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: a provider's, made without our code, says what it was made to say,
 * however its bytes are cut; and what each client gets is legal in its dialect
 * (test/unit/dialect/legal.h) and, read again, says the same. A stream that
 * breaks off anywhere ends legally as well.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/messages.h"
#include "test/unit/unit.h"

/* These have texts alone; test_huggingface_inference.c has their streams. */
static int is_streamed(const llm_dialect_t *dialect)
{
    return dialect->reader_make && (dialect->provider_ops & LLM_OP_CHAT)
           && strcmp(dialect->name, "huggingface-inference") != 0
           && strcmp(dialect->name, "openai-completions") != 0;
}

static int is_written(const llm_dialect_t *dialect)
{
    return dialect->writer_make && faces_both(dialect);
}

answer_t *read_written(const char *client, const llm_ask_t *ask,
                       const char *written)
{
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);
    cuts_t whole = {0, 0};

    if (exchange_dialect(client)->framing == LLM_FRAMING_EVENTSTREAM) {
        messages_put_lines(bytes, written);
    }
    else {
        llm_buf_puts(bytes, written);
    }
    return exchange_read_stream(client, ask, bytes->data, bytes->len, whole);
}

static void must_say(const answer_t *found, const answer_t *wanted,
                     const char *client, const char *what)
{
    const char *differ = exchange_differ(exchange_show_for(found, client),
                                         exchange_show_for(wanted, client));

    ck_assert_msg(!differ, "%s as %s: %s", what, client, differ ? differ : "");
}

/* Text from the socket is told with each cut. */
static cuts_t some_cuts(void)
{
    cuts_t cuts = {roll(40), 0};

    cuts.seed = cuts.size ? roll(1000) : 0;
    return cuts;
}

/* What clients get of a stream that ends after so many bytes. */
static void break_off(const llm_dialect_t *dialect, const llm_ask_t *ask,
                      const llm_buf_t *bytes)
{
    cuts_t whole = {0, 0};
    const llm_dialect_t *client = nth_dialect(
        is_written, (int)roll((unsigned)count_dialects(is_written)));
    apr_size_t len = roll((unsigned)bytes->len + 1);

    tell("%s, the first %u bytes of %s", client->name, (unsigned)len,
         bytes_as_text(bytes));
    exchange_write_stream(dialect->name, client->name, ask, bytes->data, len,
                          whole);
}

static void run_streams(int number)
{
    const llm_dialect_t *dialect = nth_dialect(is_streamed, number), *client;
    const llm_ask_t *ask = plain_ask();
    cuts_t cuts;
    answer_t *wanted, *back;
    const llm_buf_t *bytes;
    const char *written;
    int i;

    bytes = some_stream(dialect, &wanted);
    ck_assert_msg(bytes != NULL, "stream_of.c has no stream of %s",
                  dialect->name);
    cuts = some_cuts();
    tell("%s", bytes_as_text(bytes));
    must_say(
        exchange_read_stream(dialect->name, ask, bytes->data, bytes->len, cuts),
        wanted, dialect->name, "read");
    for (i = 0; (client = nth_dialect(is_written, i)); ++i) {
        written = exchange_write_stream(dialect->name, client->name, ask,
                                        bytes->data, bytes->len, cuts);
        tell("%s\nas %s: %s", bytes_as_text(bytes), client->name, written);
        back = read_written(client->name, ask, written);
        must_say(back, wanted, client->name, "written");
    }
    break_off(dialect, ask, bytes);
}

static int count(void)
{
    return count_dialects(is_streamed);
}

static const char *title(int number)
{
    return nth_dialect(is_streamed, number)->name;
}

const property_t streams_property = {
    .name = "streams",
    .says = "a stream says the same in each dialect, and is legal there",
    .cost = 20,
    .run = run_streams,
    .count = count,
    .title = title,
};
