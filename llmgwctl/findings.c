/* SPDX-License-Identifier: Apache-2.0 */
/* A list of findings, and its three faces. */
#include "llmgwctl/findings.h"

#include <apr_strings.h>

enum { LEVEL, ABOUT, SEEN, CURE, COLUMNS };

static const ctl_column_t columns[COLUMNS + 1] = {
    [LEVEL] = {"level", "", CTL_TEXT, 0},
    [ABOUT] = {"about", "ABOUT", CTL_TEXT, 0},
    [SEEN] = {"seen", "SEEN", CTL_TEXT, 0},
    [CURE] = {"cure", "CURE", CTL_TEXT, 0},
    [COLUMNS] = {NULL, NULL, CTL_TEXT, 0},
};

static const char *const levels[] = {"ok", "warn", "fail"};

ctl_findings_t *ctl_findings_make(ctl_t *ctl)
{
    ctl_findings_t *findings = apr_pcalloc(ctl->pool, sizeof(*findings));

    findings->ctl = ctl;
    findings->list = apr_array_make(ctl->pool, 16, sizeof(ctl_finding_t));
    return findings;
}

void ctl_find(ctl_findings_t *findings, ctl_level_e level, const char *about,
              const char *seen, const char *cure)
{
    APR_ARRAY_PUSH(findings->list, ctl_finding_t) =
        (ctl_finding_t){level, about, seen, cure};
    findings->failed += level == CTL_FAIL;
    findings->warned += level == CTL_WARN;
}

/* Below one another: what was seen and its cure may be long. */
static void print_for_people(const ctl_findings_t *findings)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    const ctl_world_t *world = findings->ctl->world;
    apr_pool_t *pool = findings->ctl->pool;
    int i;

    for (i = 0; i < findings->list->nelts; ++i) {
        const ctl_finding_t *finding =
            &APR_ARRAY_IDX(findings->list, i, const ctl_finding_t);

        fprintf(world->out, "%s%-4s%s  %s: %s\n",
                world->colour ? colours[finding->level] : "",
                levels[finding->level], world->colour ? "\033[0m" : "",
                ctl_safe_text(finding->about, pool),
                ctl_safe_text(finding->seen, pool));
        if (finding->cure && finding->level != CTL_OK) {
            fprintf(world->out, "      cure: %s\n",
                    ctl_safe_text(finding->cure, pool));
        }
    }
    fprintf(world->out, "%u failed, %u to know, %u fine\n", findings->failed,
            findings->warned,
            (unsigned)findings->list->nelts - findings->failed
                - findings->warned);
}

static void print_list(const ctl_findings_t *findings, const char *name)
{
    ctl_list_t *list = ctl_list_begin(findings->ctl, name, columns);
    int i;

    for (i = 0; i < findings->list->nelts; ++i) {
        const ctl_finding_t *finding =
            &APR_ARRAY_IDX(findings->list, i, const ctl_finding_t);
        const char *cells[COLUMNS];

        cells[LEVEL] = levels[finding->level];
        cells[ABOUT] = finding->about;
        cells[SEEN] = finding->seen;
        cells[CURE] = finding->cure;
        ctl_list_add(list, cells);
    }
    ctl_list_end(list);
}

int ctl_findings_print(ctl_findings_t *findings, const char *name)
{
    if (findings->ctl->face == CTL_TABLE) {
        print_for_people(findings);
    }
    else {
        print_list(findings, name);
    }
    return findings->failed ? CTL_REFUSED : CTL_DONE;
}
