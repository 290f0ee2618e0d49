/* SPDX-License-Identifier: Apache-2.0 */
/* Reading requests and writing answers. */
#include "store/task.h"

#include "core/llm_time.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#define PROGRESS_EVERY apr_time_from_msec(250)

apr_status_t llm_task_refuse(llm_task_t *task, const char *code,
                             const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    task->message = apr_pvsprintf(task->pool, fmt, args);
    va_end(args);
    task->code = code;
    return APR_EGENERAL;
}

int llm_task_shown(apr_size_t len)
{
    return len < 100 ? (int)len : 100;
}

llm_key_change_t *llm_edit_change(llm_edit_t *edit)
{
    llm_key_change_t *change = apr_pcalloc(edit->pool, sizeof(*change));

    APR_ARRAY_PUSH(edit->changes, llm_key_change_t *) = change;
    return change;
}

apr_status_t llm_task_string(const char **pvalue, llm_task_t *task,
                             const char *name, apr_size_t longest)
{
    const llm_json_t *node = llm_json_want(task->request, name);
    llm_bytes_t bytes;

    *pvalue = NULL;
    if (!node) {
        return APR_SUCCESS;
    }
    if (!llm_json_is(node, LLM_JSON_STRING)) {
        return llm_task_refuse(task, "usage", "%s: expected a string", name);
    }
    bytes = llm_text_decode(llm_json_text(node), task->pool);
    if (bytes.len > longest) {
        return llm_task_refuse(task, "usage",
                               "%s: longer than %" APR_SIZE_T_FMT " bytes",
                               name, longest);
    }
    if (bytes.len && memchr(bytes.data, 0, bytes.len)) {
        return llm_task_refuse(task, "usage", "%s: must not contain U+0000",
                               name);
    }
    *pvalue =
        apr_pstrmemdup(task->pool, bytes.data ? bytes.data : "", bytes.len);
    return APR_SUCCESS;
}

apr_status_t llm_task_number(apr_int64_t *pvalue, llm_task_t *task,
                             const char *name, apr_int64_t least,
                             apr_int64_t most)
{
    const llm_json_t *node = llm_json_want(task->request, name);

    if (node
        && (!llm_json_int(node, pvalue) || *pvalue < least || *pvalue > most)) {
        return llm_task_refuse(task, "usage",
                               "%s: expected a number from %" APR_INT64_T_FMT
                               " to %" APR_INT64_T_FMT,
                               name, least, most);
    }
    return APR_SUCCESS;
}

apr_status_t llm_task_time(apr_time_t *pvalue, llm_task_t *task,
                           const char *name)
{
    const char *text, *wrong;
    apr_status_t status = llm_task_string(&text, task, name, 64);

    if (status != APR_SUCCESS || !text) {
        return status;
    }
    wrong = llm_time_read(pvalue, text, task->now);
    return wrong ? llm_task_refuse(task, "usage", "%s: %s, not '%s'", name,
                                   wrong, text)
                 : APR_SUCCESS;
}

void llm_task_begin(llm_task_t *task, const char *what)
{
    apr_pool_clear(task->row_pool);
    llm_buf_clear(task->out);
    llm_buf_lit(task->out, "{\"");
    llm_buf_puts(task->out, what);
    llm_buf_lit(task->out, "\":{");
}

apr_status_t llm_task_end(llm_task_t *task)
{
    llm_buf_lit(task->out, "}}");
    if (!task->is_stopped
        && task->line(task->baton, task->out->data, task->out->len)) {
        task->is_stopped = 1;
    }
    return task->is_stopped ? APR_EOF : APR_SUCCESS;
}

apr_status_t llm_task_progress(llm_task_t *task, apr_int64_t done,
                               apr_int64_t of)
{
    apr_time_t now = apr_time_now();
    char line[120];
    int len;

    if (now - task->progress < PROGRESS_EVERY && now >= task->progress) {
        return APR_SUCCESS;
    }
    task->progress = now;
    if (!llm_json_is_true(llm_json_get(task->request, "progress"))) {
        return APR_SUCCESS;
    }
    len = apr_snprintf(line, sizeof(line),
                       "{\"progress\":{\"done\":%" APR_INT64_T_FMT
                       ",\"of\":%" APR_INT64_T_FMT "}}",
                       done, of);
    if (!task->is_stopped && task->line(task->baton, line, (apr_size_t)len)) {
        task->is_stopped = 1;
    }
    return task->is_stopped ? APR_EOF : APR_SUCCESS;
}

void llm_member(llm_buf_t *out, const char *name)
{
    if (out->len && out->data[out->len - 1] != '{') {
        llm_buf_putc(out, ',');
    }
    llm_buf_put_string(out, name);
    llm_buf_putc(out, ':');
}

void llm_member_text(llm_buf_t *out, const char *name, const char *value)
{
    llm_member(out, name);
    llm_buf_put_string(out, value);
}

void llm_member_number(llm_buf_t *out, const char *name, apr_uint64_t value)
{
    llm_member(out, name);
    llm_buf_printf(out, "%" APR_UINT64_T_FMT, value);
}

void llm_member_flag(llm_buf_t *out, const char *name, int value)
{
    llm_member(out, name);
    llm_buf_puts(out, value ? "true" : "false");
}

void llm_member_time(llm_buf_t *out, const char *name, apr_time_t value,
                     apr_pool_t *pool)
{
    llm_member(out, name);
    llm_buf_put_string(out, value ? llm_time_print(value, pool) : NULL);
}

void llm_members_totals(llm_buf_t *out, const llm_totals_t *totals)
{
    int i;

    llm_member_number(out, "requests", totals->requests);
    llm_member_number(out, "errors", totals->errors);
    llm_member_number(out, "aborted", totals->aborted);
    llm_member_number(out, "killed", totals->killed);
    llm_member_number(out, "estimated", totals->estimated);
    llm_member_number(out, "unpriced", totals->unpriced);
    for (i = 0; i < LLM_CLASSES; ++i) {
        llm_member_number(out, llm_class_name((llm_class_e)i),
                          totals->tokens[i]);
    }
    llm_member_number(out, "cost", totals->cost);
    llm_member_number(out, "latency_ms", totals->latency_ms);
    llm_member_number(out, "first_ms", totals->first_ms);
}
