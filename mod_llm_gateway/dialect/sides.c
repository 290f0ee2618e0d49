/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of two sides. */
#include "dialect/sides.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/call_ids.h"

/* ---- reading ---- */

static llm_problem_t *read_message(llm_ask_t *ask, llm_turns_t *turns,
                                   const llm_json_t *message, int number,
                                   llm_sides_read_fn *read, void *baton,
                                   apr_pool_t *pool)
{
    static const llm_word_t roles[] = {
        {"user", LLM_ROLE_USER},
        {"assistant", LLM_ROLE_ASSISTANT},
        {"system", LLM_ROLE_SYSTEM},
        {NULL, 0},
    };
    static const char *const known[] = {"role", "content", NULL};
    const char *path = apr_psprintf(pool, "messages[%d]", number);
    int role =
        llm_word_value(roles, llm_json_text(llm_json_get(message, "role")), -1);
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem;

    if (role < 0) {
        return llm_problem_field(pool, apr_pstrcat(pool, path, ".role", NULL),
                                 "expected user or assistant");
    }
    problem = read(baton, number, &parts, llm_json_get(message, "content"));
    llm_turns_add(turns, (llm_role_e)role, pool)->parts = parts.first;
    if (llm_json_has_others(message, known)) {
        llm_ask_add_unknowns(ask, message, known, path, pool);
    }
    return problem;
}

llm_problem_t *llm_sides_read(llm_ask_t *ask, const llm_json_t *doc,
                              llm_sides_read_fn *read, void *baton,
                              apr_pool_t *pool)
{
    const llm_json_t *messages = llm_json_get(doc, "messages"), *message;
    const llm_json_t *system = llm_json_want(doc, "system");
    llm_parts_t parts = {NULL, NULL};
    llm_turns_t turns = {NULL, NULL};
    llm_problem_t *problem = NULL;
    int number = 0;

    if (system) {
        problem = read(baton, -1, &parts, system);
        if (parts.first) {
            llm_turns_add(&turns, LLM_ROLE_SYSTEM, pool)->parts = parts.first;
        }
    }
    if (!problem
        && (!llm_json_is(messages, LLM_JSON_ARRAY) || !messages->count)) {
        problem = llm_problem_field(pool, "messages",
                                    "expected an array of messages");
    }
    for (message = problem ? NULL : messages->child; message && !problem;
         message = message->next) {
        problem =
            read_message(ask, &turns, message, number++, read, baton, pool);
    }
    ask->turns = turns.first;
    llm_turns_name_results(ask->turns, pool);
    return problem;
}

/* ---- writing ---- */

llm_problem_t *llm_sides_cannot(const llm_sides_t *sides, const char *what,
                                apr_pool_t *pool)
{
    return llm_problem_unsupported(
        apr_psprintf(pool, "messages[%d].content%s", sides->turn, what),
        sides->dialect, pool);
}

/* Results of tools are the user's. */
static int is_assistant(const llm_turn_t *turn)
{
    return turn->role == LLM_ROLE_ASSISTANT;
}

static const llm_turn_t *skip_system(const llm_turn_t *turn, int *pnumber)
{
    while (turn && turn->role == LLM_ROLE_SYSTEM) {
        turn = turn->next;
        ++*pnumber;
    }
    return turn;
}

/* The text without the blanks at its end. */
static llm_text_t trimmed(llm_text_t text)
{
    apr_size_t i, end = 0;

    for (i = 0; i < text.len; ++i) {
        if (text.data[i] == '\\' && i + 1 < text.len) {
            ++i;
            end = strchr("tnrf", text.data[i]) ? end : i + 1;
        }
        else if (text.data[i] != ' ') {
            end = i + 1;
        }
    }
    text.len = end;
    return text;
}

/* The text that the answer is to go on with: both refuse blanks at its end. */
static const llm_part_t *prefill_of(const llm_turn_t *turn)
{
    const llm_turn_t *last = NULL;
    const llm_part_t *part = NULL;

    for (; turn; turn = turn->next) {
        last = turn->role == LLM_ROLE_SYSTEM ? last : turn;
    }
    if (last && is_assistant(last)) {
        for (part = last->parts; part && part->next; part = part->next) {
        }
    }
    return part && part->kind == LLM_PART_TEXT ? part : NULL;
}

static llm_problem_t *put_part(llm_sides_t *sides, const llm_part_t *part)
{
    llm_part_t said;

    if (part == sides->prefill) {
        said = *part;
        said.text = trimmed(part->text);
        return sides->put(sides->baton, &said);
    }
    return sides->put(sides->baton, part);
}

/* Blocks of the turns [turn, end): results only, or all but results. */
static llm_problem_t *put_blocks(llm_sides_t *sides, const llm_turn_t *turn,
                                 const llm_turn_t *end, int results)
{
    llm_problem_t *problem = NULL;
    const llm_part_t *part;
    int first = sides->turn;

    for (; turn != end && !problem; turn = turn->next, ++sides->turn) {
        if (turn->role == LLM_ROLE_SYSTEM) {
            continue;
        }
        for (part = turn->parts; part && !problem; part = part->next) {
            if ((part->kind == LLM_PART_TOOL_RESULT) == results) {
                problem = put_part(sides, part);
            }
        }
        if (turn->name.data) {
            llm_request_drop(sides->req, "messages.name");
        }
    }
    sides->turn = first;
    return problem;
}

/* One message of the turns [turn, end); nothing when they say nothing. Where
 * the other side said nothing in between it is the last message that goes on:
 * they have to take turns. */
static llm_problem_t *put_message(llm_sides_t *sides, const llm_turn_t *turn,
                                  const llm_turn_t *end)
{
    llm_buf_t *out = sides->out;
    int answers = is_assistant(turn);
    int goes_on = answers ? sides->answered : sides->asked;
    apr_size_t begin = out->len, content;
    llm_problem_t *problem;

    if (goes_on) {
        llm_buf_cut(out, begin - strlen("]}"));
    }
    else {
        if (answers && !sides->asked) {
            llm_buf_puts(out, sides->opening);
        }
        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "role", answers ? "assistant" : "user");
        llm_buf_lit(out, ",\"content\":[");
    }
    content = out->len;
    problem = put_blocks(sides, turn, end, 1);
    if (!problem) {
        problem = put_blocks(sides, turn, end, 0);
    }
    if (out->len == content && !goes_on) {
        llm_buf_cut(out, begin);
        return problem;
    }
    llm_buf_lit(out, "]}");
    sides->answered = answers;
    sides->asked = !answers;
    return problem;
}

static llm_problem_t *put_turns(llm_sides_t *sides, const llm_turn_t *turn)
{
    llm_problem_t *problem = NULL;

    sides->turn = 0;
    turn = skip_system(turn, &sides->turn);
    while (turn && !problem) {
        const llm_turn_t *end = turn;
        int number = sides->turn, next = number;

        while (end && is_assistant(end) == is_assistant(turn)) {
            ++next;
            end = skip_system(end->next, &next);
        }
        problem = put_message(sides, turn, end);
        sides->turn = next;
        turn = end;
    }
    return problem;
}

/* A list of the system turns' blocks: texts, and nothing else. Tells whether
 * there are any. */
static llm_problem_t *put_system(int *has_some, llm_sides_t *sides,
                                 const llm_turn_t *turn, apr_pool_t *pool)
{
    llm_problem_t *problem = NULL;
    const llm_part_t *part;
    apr_size_t begin;

    llm_buf_putc(sides->out, '[');
    begin = sides->out->len;
    for (sides->turn = 0; turn; turn = turn->next, ++sides->turn) {
        for (part = turn->role == LLM_ROLE_SYSTEM ? turn->parts : NULL; part;
             part = part->next) {
            problem = part->kind == LLM_PART_TEXT
                          ? sides->put(sides->baton, part)
                          : llm_sides_cannot(sides, "", pool);
            if (problem) {
                return problem;
            }
        }
    }
    *has_some = sides->out->len > begin;
    llm_buf_putc(sides->out, ']');
    return NULL;
}

static llm_problem_t *put_system_alone(int *has_some, llm_sides_t *sides,
                                       const llm_turn_t *turns,
                                       apr_pool_t *pool)
{
    llm_problem_t *problem;

    llm_buf_lit(sides->out, "{\"role\":\"user\",\"content\":");
    problem = put_system(has_some, sides, turns, pool);
    llm_buf_putc(sides->out, '}');
    return problem;
}

llm_problem_t *llm_sides_put(llm_sides_t *sides, const llm_turn_t *turns,
                             apr_pool_t *pool)
{
    llm_buf_t *out = sides->out;
    apr_size_t begin = out->len, messages;
    llm_problem_t *problem;
    int number = 0, has_some = 0;

    turns = llm_call_ids_apart(turns, pool);
    sides->prefill = prefill_of(turns);
    if (skip_system(turns, &number)) {
        llm_put_name(out, "system");
        problem = put_system(&has_some, sides, turns, pool);
        if (problem) {
            return problem;
        }
        if (!has_some) {
            llm_buf_cut(out, begin);
        }
    }
    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    messages = out->len;
    problem = put_turns(sides, turns);
    if (!problem && out->len == messages) { /* nothing, or blanks only */
        llm_buf_cut(out, begin);
        llm_put_name(out, "messages");
        llm_buf_putc(out, '[');
        problem = put_system_alone(&has_some, sides, turns, pool);
        if (!problem && !has_some) {
            problem = llm_problem_field(pool, "messages",
                                        "expected one that says something");
        }
    }
    llm_buf_putc(out, ']');
    return problem;
}
