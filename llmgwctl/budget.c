/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that give a key or a team its budgets.
 *
 * What cannot be meant is told before the store is asked; the store checks it
 * once more, as it does for everybody.
 */
#include "core/llm_budget.h"
#include "llmgwctl/ctl.h"

int ctl_request_budget(llm_buf_t *request, ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "budget");
    int is_none = ctl_option(ctl, "no-budget") != NULL;
    llm_budgets_t budgets;
    const char *wrong =
        text ? llm_budgets_read(&budgets, text, ctl->pool) : NULL;

    if (is_none && text) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--no-budget and --budget do not go together");
    }
    if (wrong) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "--budget: %s", wrong);
    }
    ctl_request_text(request, "budget", is_none ? "" : text);
    return CTL_DONE;
}
