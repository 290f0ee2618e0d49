/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a long command, for somebody who looks at it.
 *
 * Nothing is written to a file or a pipe, and nothing in the first second:
 * most commands are done by then.
 */
#include "llmgwctl/ctl.h"

#include <stdarg.h>
#include <unistd.h>

#include <apr_strings.h>

#define FIRST apr_time_from_sec(1)
#define EVERY apr_time_from_msec(200)
#define ERASE "\r\033[K"

void ctl_step(ctl_steps_t *steps, const char *fmt, ...)
{
    const ctl_world_t *world = steps->ctl->world;
    apr_time_t now;
    char text[200];
    va_list args;

    if (!isatty(fileno(world->err))) {
        return;
    }
    now = apr_time_now();
    if (!steps->began) {
        steps->began = now;
    }
    if (now - steps->began < FIRST || now - steps->shown < EVERY) {
        return;
    }
    steps->shown = now;
    va_start(args, fmt);
    apr_vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fprintf(world->err, ERASE "%s", text);
    fflush(world->err);
}

void ctl_steps_end(ctl_steps_t *steps)
{
    if (steps->shown) {
        fputs(ERASE, steps->ctl->world->err);
        steps->shown = 0;
    }
}

const char *ctl_bytes_text(apr_uint64_t bytes, apr_pool_t *pool)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    apr_uint64_t unit = 1;
    unsigned i = 0;

    while (i < 4 && bytes >= unit * 1000) {
        unit *= 1000;
        ++i;
    }
    return i ? apr_psprintf(pool,
                            "%" APR_UINT64_T_FMT ".%" APR_UINT64_T_FMT " %s",
                            bytes / unit, bytes % unit * 10 / unit, units[i])
             : apr_psprintf(pool, "%" APR_UINT64_T_FMT " B", bytes);
}
