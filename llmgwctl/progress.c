/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a command is that takes its time: one line of the terminal that
 * standard error is, written over and over, and wiped before anything else is
 * printed.
 */
#include "llmgwctl/ctl.h"

#define AFTER apr_time_from_sec(1)
#define WIPE  "\r\033[K"

void ctl_progress(ctl_t *ctl, const llm_json_t *progress)
{
    apr_int64_t done, of;
    apr_interval_time_t taken;

    if (!ctl->world->is_watched) {
        return;
    }
    taken = ctl->world->clock() - ctl->asked;
    if (taken < AFTER || !llm_json_int(llm_json_get(progress, "done"), &done)
        || !llm_json_int(llm_json_get(progress, "of"), &of) || of <= 0) {
        return;
    }
    done = done < 0 ? 0 : done > of ? of : done;
    fprintf(ctl->world->err, WIPE "Reading: %d %%, %d s",
            (int)((double)done / (double)of * 100), (int)apr_time_sec(taken));
    fflush(ctl->world->err);
    ctl->has_progress = 1;
}

void ctl_progress_end(ctl_t *ctl)
{
    if (ctl->has_progress) {
        fputs(WIPE, ctl->world->err);
        ctl->has_progress = 0;
    }
}
