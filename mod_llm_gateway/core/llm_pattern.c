/* SPDX-License-Identifier: Apache-2.0 */
/* Names with at most one "*", which stands for any bytes, or none. */
#include "core/llm_pattern.h"

#include <string.h>

#include <apr_strings.h>

const char *llm_pattern_check(const char *pattern)
{
    const char *star;

    if (!pattern || !*pattern) {
        return "is empty";
    }
    star = strchr(pattern, '*');
    return star && strchr(star + 1, '*') ? "has more than one \"*\"" : NULL;
}

int llm_pattern_match(const char *pattern, const char *name,
                      llm_bytes_t *pmatched)
{
    const char *star = strchr(pattern, '*');
    apr_size_t len = strlen(name), head, tail;

    if (!star) {
        head = len;
        tail = 0;
        if (strcmp(pattern, name) != 0) {
            return 0;
        }
    }
    else {
        head = (apr_size_t)(star - pattern);
        tail = strlen(star + 1);
        if (len < head + tail || memcmp(pattern, name, head) != 0
            || memcmp(star + 1, name + len - tail, tail) != 0) {
            return 0;
        }
    }
    if (pmatched) {
        pmatched->data = name + head;
        pmatched->len = len - head - tail;
    }
    return 1;
}

int llm_pattern_list_has(const char *patterns, const char *name,
                         apr_pool_t *pool)
{
    char *last, *pattern = apr_pstrdup(pool, patterns);

    if (!*pattern) {
        return 1;
    }
    for (pattern = apr_strtok(pattern, ", ", &last); pattern;
         pattern = apr_strtok(NULL, ", ", &last)) {
        if (llm_pattern_match(pattern, name, NULL)) {
            return 1;
        }
    }
    return 0;
}

int llm_pattern_rank(const char *pattern)
{
    apr_size_t len = strlen(pattern);
    int length = len < APR_INT16_MAX ? (int)len : APR_INT16_MAX;

    return strchr(pattern, '*') ? length - 1 : length + APR_INT16_MAX;
}

const char *llm_pattern_fill(const char *target, llm_bytes_t matched,
                             apr_pool_t *pool)
{
    const char *star = strchr(target, '*');

    if (!star) {
        return target;
    }
    return apr_pstrcat(
        pool, apr_pstrmemdup(pool, target, (apr_size_t)(star - target)),
        matched.len ? apr_pstrmemdup(pool, matched.data, matched.len) : "",
        star + 1, NULL);
}
