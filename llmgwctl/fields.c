/* SPDX-License-Identifier: Apache-2.0 */
/* What usage is summed and filtered by: its columns, and its options. */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

const ctl_column_t ctl_fields[] = {
    {"key", "KEY", CTL_TEXT, 0},         {"team", "TEAM", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},     {"provider", "PROVIDER", CTL_TEXT, 0},
    {"hour", "HOUR", CTL_TIME, 0},       {"day", "DAY", CTL_TEXT, 0},
    {"week", "WEEK", CTL_TEXT, 0},       {"month", "MONTH", CTL_TEXT, 0},
    {"user", "USER", CTL_TEXT, 0},       {"tag", "TAG", CTL_TEXT, 0},
    {"asked", "ASKED", CTL_TEXT, 0},     {"route", "ROUTE", CTL_TEXT, 0},
    {"client", "CLIENT", CTL_TEXT, 0},   {"status", "STATUS", CTL_ID, 0},
    {"finish", "FINISH", CTL_TEXT, 0},   {"op", "OP", CTL_TEXT, 0},
    {"stream", "STREAM", CTL_FLAG, 0},   {"tier", "TIER", CTL_TEXT, 0},
    {"variant", "VARIANT", CTL_TEXT, 0}, {"cache", "CACHE", CTL_TEXT, 0},
    {"problem", "PROBLEM", CTL_TEXT, 0}, {"attempts", "ATTEMPTS", CTL_ID, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static int add_field(apr_array_header_t *by, ctl_t *ctl, const char *name)
{
    const ctl_column_t *field = ctl_fields;
    int i;

    while (field->name && strcmp(field->name, name) != 0) {
        ++field;
    }
    if (!field->name) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--by: expected key, team, model, provider, hour, day, "
                        "week, month, user, tag, asked, route, client, status, "
                        "finish, op, stream, tier, variant, cache, problem or "
                        "attempts, not '%s'",
                        name);
    }
    for (i = 0; i < by->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(by, i, ctl_column_t).name, name)) {
            return ctl_fail(ctl, CTL_USAGE, "usage",
                            "--by: '%s' stands there twice", name);
        }
    }
    if (by->nelts == CTL_BY_MAX) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--by: expected at most %d fields", CTL_BY_MAX);
    }
    APR_ARRAY_PUSH(by, ctl_column_t) = *field;
    return CTL_DONE;
}

int ctl_read_by(apr_array_header_t *by, ctl_t *ctl, const char *otherwise)
{
    const char *names = ctl_option(ctl, "by");
    int status = CTL_DONE;

    names = names ? names : otherwise;
    while (status == CTL_DONE && names) {
        apr_size_t len = strcspn(names, ",");

        status = add_field(by, ctl, apr_pstrmemdup(ctl->pool, names, len));
        names = names[len] ? names + len + 1 : NULL;
    }
    return status;
}

void ctl_request_by(llm_buf_t *request, const apr_array_header_t *by,
                    apr_pool_t *pool)
{
    llm_buf_t *names = llm_buf_make(0, pool);
    int i;

    for (i = 0; i < by->nelts; ++i) {
        llm_buf_putc(names, i ? ',' : '[');
        llm_buf_put_string(names, APR_ARRAY_IDX(by, i, ctl_column_t).name);
    }
    llm_buf_append(names, "]", 2);
    ctl_request_raw(request, "by", names->data);
}

/* "op" names the request itself. */
void ctl_request_filters(llm_buf_t *request, const ctl_t *ctl)
{
    const ctl_column_t *field;

    for (field = ctl_fields; field->name; ++field) {
        ctl_request_text(
            request, strcmp(field->name, "op") != 0 ? field->name : "operation",
            ctl_option(ctl, field->name));
    }
}
