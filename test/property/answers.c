/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole answers: written for a client and read as a provider's of the same
 * dialect, an answer says what it said: texts, thinking, calls with their
 * arguments to the byte, why it ended, and its usage, which adds up the same in
 * each dialect's arithmetic. So it does after another dialect in between.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/unit.h"

/* Legacy completions have texts and nothing else. */
int faces_both(const llm_dialect_t *dialect)
{
    return faces_clients(dialect) && dialect->read_response
           && dialect->write_response
           && strcmp(dialect->name, "openai-completions") != 0;
}

const llm_ask_t *plain_ask(void)
{
    return exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        "\"stream_options\":{\"include_usage\":true},\"tools\":[{\"type\":"
        "\"function\",\"function\":{\"name\":\"get_weather\"}}]}");
}

/* ---- answers ---- */

static void add_thinking(llm_parts_t *parts)
{
    unsigned count = rarely(3) ? 1 + roll(2) : 0;

    while (count--) {
        if (rarely(4)) {
            llm_parts_add_text(parts, LLM_PART_REDACTED,
                               LLM_TEXT_LITERAL("EmwKAhgB"), unit_pool);
            continue;
        }
        llm_parts_add_text(parts, LLM_PART_THINKING, some_text(), unit_pool);
        parts->last->signature =
            roll(2) ? LLM_TEXT_LITERAL("EqQBCgIYAhIM") : LLM_TEXT_NONE;
    }
}

static unsigned add_calls(llm_parts_t *parts)
{
    unsigned count = roll(4), i;

    for (i = 0; i < count; ++i) {
        const char *args = some_object();
        llm_bytes_t bytes = {args, strlen(args)};

        llm_parts_add_call(
            parts, rarely(5) ? NULL : apr_psprintf(unit_pool, "call_%u", i),
            some_word(), bytes, NULL, unit_pool);
    }
    return count;
}

static void add_choice(llm_choices_t *choices, int index)
{
    static const llm_finish_e ends[] = {
        LLM_FINISH_STOP,          LLM_FINISH_LENGTH, LLM_FINISH_FILTERED,
        LLM_FINISH_STOP_SEQUENCE, LLM_FINISH_PAUSE,  LLM_FINISH_OTHER};
    llm_choice_t *choice = llm_choices_add(choices, index, unit_pool);
    llm_parts_t parts = {NULL, NULL};
    unsigned texts = roll(3);

    add_thinking(&parts);
    while (texts--) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, some_text(), unit_pool);
    }
    if (rarely(12)) {
        llm_parts_add_text(&parts, LLM_PART_REFUSAL, LLM_TEXT_LITERAL("No."),
                           unit_pool);
        choice->finish = LLM_FINISH_FILTERED;
    }
    else {
        choice->finish =
            add_calls(&parts) ? LLM_FINISH_TOOL_CALLS : ends[roll(6)];
    }
    if (choice->finish == LLM_FINISH_STOP_SEQUENCE) {
        choice->stop_sequence = LLM_TEXT_LITERAL("END");
    }
    choice->parts = parts.first;
}

static void set_usage(llm_usage_t *usage)
{
    static const llm_class_e classes[] = {
        LLM_CLASS_INPUT, LLM_CLASS_OUTPUT, LLM_CLASS_CACHE_READ,
        LLM_CLASS_REASONING, LLM_CLASS_CACHE_WRITE};
    int i;

    for (i = 0; i < 5; ++i) {
        if (i < 2 || rarely(3)) {
            llm_usage_set(usage, classes[i],
                          rarely(20) ? 4000000000 : (apr_int64_t)roll(5000));
        }
    }
}

llm_answer_t *some_answer(int choices)
{
    llm_answer_t *answer = llm_answer_make(unit_pool);
    llm_choices_t list = {NULL, NULL};
    int i;

    for (i = 0; i < choices; ++i) {
        add_choice(&list, i);
    }
    answer->choices = list.first;
    answer->id = rarely(6) ? NULL : "answer-1";
    answer->model = rarely(6) ? NULL : "some-model";
    answer->created = 1700000000;
    set_usage(answer->usage);
    return answer;
}

/* ---- the property ---- */

static void must_say(const answer_t *found, const answer_t *wanted,
                     const char *client)
{
    const char *differ = exchange_differ(exchange_show_for(found, client),
                                         exchange_show_for(wanted, client));

    ck_assert_msg(!differ, "as %s: %s", client, differ ? differ : "");
}

static void run_answers(int number)
{
    const llm_dialect_t *dialect = nth_dialect(faces_both, number), *other;
    const llm_ask_t *ask = plain_ask();
    llm_answer_t *answer =
        some_answer(!strcmp(dialect->name, "openai") && rarely(6) ? 2 : 1);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_problem_t *problem;
    const char *written;
    answer_t *read;
    int i;

    dialect->write_response(out, ask, answer, unit_pool);
    tell("%s", bytes_as_text(out));
    read = exchange_read(dialect->name, ask, out->data, out->len);
    ck_assert_msg(!read->problem, "%s",
                  read->problem ? read->problem->message : "");
    must_say(read, exchange_see(answer), dialect->name);
    for (i = 0; (other = nth_dialect(faces_both, i)); ++i) {
        written = exchange_write(dialect->name, other->name, ask, out->data,
                                 out->len, &problem);
        ck_assert_ptr_null(problem);
        tell("%s\nas %s: %s", bytes_as_text(out), other->name, written);
        must_say(exchange_read(other->name, ask, written, strlen(written)),
                 read, other->name);
    }
}

static int count(void)
{
    return count_dialects(faces_both);
}

static const char *title(int number)
{
    return nth_dialect(faces_both, number)->name;
}

const property_t answers_property = {
    .name = "answers",
    .says = "an answer says the same in each dialect",
    .cost = 2,
    .run = run_answers,
    .count = count,
    .title = title,
};
