/* SPDX-License-Identifier: Apache-2.0 */
/* Shorthand for tests of one provider dialect; see wire.h. */
#include "test/unit/dialect/wire.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

#define IDS_MAX 16

static const char *ids[IDS_MAX];
static int id_count;

const llm_json_t *wire_json(const char *text)
{
    return exchange_json(text, strlen(text));
}

const llm_ask_t *wire_ask(const char *request)
{
    return exchange_ask("openai", LLM_OP_CHAT, request);
}

const char *wire_body(const char *dialect, const llm_ask_t *ask,
                      const char *model)
{
    const char *request =
        exchange_request(exchange_provider(dialect, NULL), ask, model);
    const char *body = strchr(request, '\n') + 1;

    ck_assert_msg(*request == '/', "%s", request);
    return apr_pstrmemdup(unit_pool, body, strcspn(body, "\n"));
}

/* ---- answers ---- */

static const char *show(answer_t *answer)
{
    int i, call;

    id_count = 0;
    for (i = 0; i < CHOICES; ++i) {
        const apr_array_header_t *calls = answer->choices[i].calls;

        for (call = 0; call < calls->nelts; ++call) {
            said_call_t *said = &APR_ARRAY_IDX(calls, call, said_call_t);

            ck_assert_int_lt(id_count, IDS_MAX);
            ids[id_count++] = said->id;
            said->id = said->id ? "id" : NULL;
        }
    }
    return exchange_show(answer);
}

const char *wire_read(const char *dialect, const llm_ask_t *ask,
                      const char *body)
{
    return show(exchange_read(dialect, ask, body, strlen(body)));
}

const char *wire_stream(const char *dialect, const llm_ask_t *ask,
                        const char *bytes)
{
    static const cuts_t cuts[] = {{1, 0}, {2, 0}, {3, 0}, {7, 0}, {40, 9}};
    static const cuts_t uncut = {0, 0};
    const char *whole;
    apr_size_t i;

    whole =
        show(exchange_read_stream(dialect, ask, bytes, strlen(bytes), uncut));
    for (i = 0; i < sizeof(cuts) / sizeof(*cuts); ++i) {
        ck_assert_str_eq(show(exchange_read_stream(dialect, ask, bytes,
                                                   strlen(bytes), cuts[i])),
                         whole);
    }
    return whole;
}

const char *wire_id(int number)
{
    ck_assert_int_lt(number, id_count);
    return ids[number];
}

int wire_ids(void)
{
    return id_count;
}

/* ---- problems and usage ---- */

const char *wire_problem(const char *dialect, int status, const char *body)
{
    llm_bytes_t bytes = {body, strlen(body)};
    const llm_json_t *doc = NULL;
    llm_problem_t *problem;

    llm_json_read(&doc, body, bytes.len, NULL, unit_pool);
    problem = exchange_dialect(dialect)->read_problem(
        status, apr_table_make(unit_pool, 1), doc, bytes, unit_pool);
    ck_assert_ptr_nonnull(problem);
    return apr_psprintf(
        unit_pool, "%s %d %s%s", llm_problem_name(problem->kind),
        problem->status, problem->message,
        problem->retry_after < 0 ? ""
                                 : apr_psprintf(unit_pool, "; retry after %d",
                                                problem->retry_after));
}

const char *wire_usage(const llm_usage_t *usage)
{
    const char *text = "";
    int i;

    for (i = 0; i < LLM_CLASSES; ++i) {
        if (llm_usage_is_known(usage, (llm_class_e)i)) {
            text = apr_psprintf(unit_pool, "%s%s%s=%" APR_INT64_T_FMT, text,
                                *text ? " " : "",
                                llm_class_name((llm_class_e)i), usage->n[i]);
        }
    }
    return text;
}
