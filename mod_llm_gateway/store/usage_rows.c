/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting groups by a sum, and saying them. */
#include "store/usage_rows.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TOP_MAX    1000000
#define SORT_BYTES 64

#define CLASS(c) (1u << LLM_CLASS_##c)
#define ALL_IN                                                                 \
    (CLASS(INPUT) | CLASS(CACHE_READ) | CLASS(CACHE_WRITE)                     \
     | CLASS(CACHE_WRITE_1H) | CLASS(AUDIO_IN))
#define ALL_OUT (CLASS(OUTPUT) | CLASS(REASONING) | CLASS(AUDIO_OUT))

/* What rows can be sorted by: a member of the totals, or classes of tokens. */
static const struct {
    const char *name;
    unsigned classes;  /* bits by llm_class_e; 0: the member */
    apr_size_t offset; /* in llm_totals_t */
} measures[] = {
    {"cost", 0, offsetof(llm_totals_t, cost)},
    {"requests", 0, offsetof(llm_totals_t, requests)},
    {"errors", 0, offsetof(llm_totals_t, errors)},
    {"aborted", 0, offsetof(llm_totals_t, aborted)},
    {"killed", 0, offsetof(llm_totals_t, killed)},
    {"estimated", 0, offsetof(llm_totals_t, estimated)},
    {"unpriced", 0, offsetof(llm_totals_t, unpriced)},
    {"latency_ms", 0, offsetof(llm_totals_t, latency_ms)},
    {"first_ms", 0, offsetof(llm_totals_t, first_ms)},
    {"tokens", ALL_IN | ALL_OUT, 0},
    {"tokens_in", ALL_IN, 0},
    {"tokens_out", ALL_OUT, 0},
    {"input", CLASS(INPUT), 0},
    {"cache_read", CLASS(CACHE_READ), 0},
    {"cache_write", CLASS(CACHE_WRITE), 0},
    {"cache_write_1h", CLASS(CACHE_WRITE_1H), 0},
    {"output", CLASS(OUTPUT), 0},
    {"reasoning", CLASS(REASONING), 0},
    {"audio_in", CLASS(AUDIO_IN), 0},
    {"audio_out", CLASS(AUDIO_OUT), 0},
    {"images", CLASS(IMAGES), 0},
};
#define MEASURES (sizeof(measures) / sizeof(measures[0]))

static apr_uint64_t measured(const llm_totals_t *totals, unsigned measure)
{
    apr_uint64_t sum = 0;
    unsigned i;

    if (!measures[measure].classes) {
        const char *at = (const char *)totals + measures[measure].offset;

        return *(const apr_uint64_t *)(const void *)at;
    }
    for (i = 0; i < LLM_CLASSES; ++i) {
        sum += measures[measure].classes & 1u << i ? totals->tokens[i] : 0;
    }
    return sum;
}

apr_status_t llm_order_ask(llm_order_t *order, llm_task_t *task)
{
    apr_int64_t top = 0;
    const char *sort;
    apr_status_t status = llm_task_number(&top, task, "top", 1, TOP_MAX);

    order->top = (unsigned)top;
    order->measure = 0;
    if (status == APR_SUCCESS) {
        status = llm_task_string(&sort, task, "sort", SORT_BYTES);
    }
    if (status != APR_SUCCESS || !sort) {
        return status;
    }
    while (order->measure < MEASURES
           && strcmp(measures[order->measure].name, sort) != 0) {
        order->measure += 1;
    }
    return order->measure < MEASURES
               ? APR_SUCCESS
               : llm_task_refuse(task, "usage",
                                 "sort: expected a sum such as cost, requests "
                                 "or tokens_in, not '%s'",
                                 sort);
}

typedef struct ranked_t {
    apr_uint64_t weight;
    unsigned place;
} ranked_t;

static int compare(const void *a, const void *b)
{
    const ranked_t *x = a, *y = b;

    if (x->weight != y->weight) {
        return x->weight < y->weight ? 1 : -1;
    }
    return x->place < y->place ? -1 : x->place > y->place;
}

static apr_status_t say_group(const llm_survey_t *survey, unsigned place)
{
    llm_task_t *task = survey->task;

    llm_task_begin(task, "row");
    llm_survey_put(survey, llm_groups_numbers(survey->groups, place), task->out,
                   task->row_pool);
    llm_members_totals(task->out, llm_groups_totals(survey->groups, place));
    return llm_task_end(task);
}

static apr_status_t say_top(const llm_survey_t *survey,
                            const llm_order_t *order, unsigned count)
{
    ranked_t *ranked = malloc(count * sizeof(*ranked));
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    if (!ranked) {
        return APR_ENOMEM;
    }
    for (i = 0; i < count; ++i) {
        ranked[i].place = i;
        ranked[i].weight =
            measured(llm_groups_totals(survey->groups, i), order->measure);
    }
    qsort(ranked, count, sizeof(*ranked), compare);
    for (i = 0; i < order->top && status == APR_SUCCESS; ++i) {
        status = say_group(survey, ranked[i].place);
    }
    free(ranked);
    return status;
}

apr_status_t llm_usage_say(const llm_survey_t *survey, const llm_order_t *order)
{
    unsigned count = llm_groups_count(survey->groups), i;
    apr_status_t status = APR_SUCCESS;

    if (order->top && order->top < count) {
        return say_top(survey, order, count);
    }
    for (i = 0; i < count && status == APR_SUCCESS; ++i) {
        status = say_group(survey, i);
    }
    return status;
}

void llm_usage_put_total(const llm_survey_t *survey, llm_buf_t *out)
{
    llm_member(out, "total");
    llm_buf_putc(out, '{');
    llm_members_totals(out, &survey->total);
    llm_buf_putc(out, '}');
}
