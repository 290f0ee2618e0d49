/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's account of what was used: what its usage and cost interfaces
 * answer, and tables of comma-separated values.
 *
 *   OpenAI     GET /v1/organization/usage/completions, .../embeddings and
 *              .../costs: {"data":[{"start_time","results":[...]}]}
 *   Anthropic  GET /v1/organizations/usage_report/messages and .../cost_report:
 *              {"data":[{"starting_at","results":[...]}]}
 *
 * A file holds a page, an array of pages, or a page a line. Buckets of minutes
 * and hours are summed to the UTC day, or month, they begin in.
 *
 * Counts are kept in terms both providers and the ledger have, none of which
 * overlaps another.
 */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include "llmgwctl/ctl.h"

typedef enum {
    CTL_EXPORT_REQUESTS,
    CTL_EXPORT_INPUT,   /* neither read from nor written to a cache */
    CTL_EXPORT_CACHED,  /* read from it */
    CTL_EXPORT_WRITTEN, /* written to it */
    CTL_EXPORT_OUTPUT,  /* with reasoning */
    CTL_EXPORT_COST,    /* nano-dollars */
    CTL_EXPORT_MEASURES
} ctl_export_e;

typedef struct ctl_export_row_t {
    const char *period; /* "2026-11-22", or "2026-11" */
    const char *model;  /* "" where the export is not by model */
    apr_int64_t n[CTL_EXPORT_MEASURES];
} ctl_export_row_t;

typedef struct ctl_export_t {
    apr_pool_t *pool;
    int by_month;
    apr_time_t since, until; /* buckets that begin in it; 0: no end */
    /* what was read */
    const char *provider;     /* "openai", "anthropic"; NULL: not told */
    unsigned known;           /* bit 1 << measure: it is told */
    int has_models;           /* some row names one */
    apr_time_t first, last;   /* beginnings of the first and last day */
    apr_array_header_t *rows; /* of ctl_export_row_t *, by first appearance */
    struct apr_hash_t *by_name;
} ctl_export_t;

void ctl_export_init(ctl_export_t *export, apr_pool_t *pool);
/* Adds a file's rows. NULL, or what is wrong and where. */
const char *ctl_export_read(ctl_export_t *export, const char *data,
                            apr_size_t len);
const char *ctl_export_name(ctl_export_e measure); /* "cached" */

/* For the readers (export.c, export_csv.c): the row of a time and a model,
 * made where there is none; NULL where the time is not asked for. */
ctl_export_row_t *ctl_export_row(ctl_export_t *export, apr_time_t when,
                                 const char *model);
/* Sticks at the largest number. */
apr_int64_t ctl_export_sum(apr_int64_t a, apr_int64_t b);
void ctl_export_add(ctl_export_t *export, ctl_export_row_t *row,
                    ctl_export_e measure, apr_int64_t n);
/* A table with a header line. */
const char *ctl_export_read_csv(ctl_export_t *export, const char *data,
                                apr_size_t len);

#endif /* CTL_EXPORT_H */
