/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of profiles.def, and looking things up in it.
 *
 * Of a server's models the first line that matches counts, so that exceptions
 * stand before the rule; lines for any server are added to it.
 */
#include "dialect/profile.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "core/llm_pattern.h"
#include "dialect/openai_internal.h"

#define LLM_PROFILE(name_, ...)                                                \
    static const llm_profile_t profile_##name_ = {.name = #name_, __VA_ARGS__};
#define LLM_MODEL(...)
#include "dialect/profiles.def"
#undef LLM_PROFILE
#undef LLM_MODEL

static const llm_profile_t *const profiles[] = {
#define LLM_PROFILE(name_, ...) &profile_##name_,
#define LLM_MODEL(...)
#include "dialect/profiles.def"
#undef LLM_PROFILE
#undef LLM_MODEL
};

static const llm_profile_model_t models[] = {
#define LLM_PROFILE(name_, ...)
#define LLM_MODEL(...) {__VA_ARGS__},
#include "dialect/profiles.def"
#undef LLM_PROFILE
#undef LLM_MODEL
};

#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))
#define MODELS   (sizeof(models) / sizeof(models[0]))

const llm_profile_t *const *llm_profile_all(apr_size_t *pcount)
{
    *pcount = PROFILES;
    return profiles;
}

const llm_profile_t *llm_profile_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < PROFILES; ++i) {
        if (!strcmp(profiles[i]->name, name)) {
            return profiles[i];
        }
    }
    return NULL;
}

const char *llm_profile_names(apr_pool_t *pool)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < PROFILES; ++i) {
        names =
            apr_pstrcat(pool, names, i ? ", " : "", profiles[i]->name, NULL);
    }
    return names;
}

/* ---- whose host is it ---- */

static int is_host(const char *host, const char *end, apr_size_t len)
{
    apr_size_t whole = strlen(host);

    return whole >= len && !strncasecmp(host + whole - len, end, len)
           && (whole == len || host[whole - len - 1] == '.');
}

static int has_host(const llm_profile_t *profile, const char *host)
{
    const char *at = profile->hosts;

    while (at && *at) {
        apr_size_t len = strcspn(at, " ");

        if (is_host(host, at, len)) {
            return 1;
        }
        at += len + strspn(at + len, " ");
    }
    return 0;
}

const llm_profile_t *llm_profile_of_host(const char *host)
{
    apr_size_t i;

    for (i = 0; host && i < PROFILES; ++i) {
        if (has_host(profiles[i], host)) {
            return profiles[i];
        }
    }
    return NULL;
}

const llm_profile_t *llm_profile_of(const llm_provider_t *provider)
{
    const llm_profile_t *profile = provider->profile;

    if (!profile) {
        profile = llm_profile_of_host(provider->host);
    }
    if (!profile && provider->dialect == &llm_dialect_azure) {
        profile = &profile_azure;
    }
    if (!profile && provider->dialect == &llm_dialect_watsonx) {
        profile = &profile_watsonx;
    }
    return profile ? profile : &profile_generic;
}

/* ---- which model is it ---- */

llm_habits_t llm_profile_habits(const llm_provider_t *provider,
                                const char *model)
{
    const llm_profile_t *profile = llm_profile_of(provider);
    llm_habits_t habits = {profile, profile->quirks, profile->efforts, NULL};
    const char *name = strrchr(model, '/');
    int found = 0;
    apr_size_t i;

    name = name ? name + 1 : model;
    if (provider->dialect == &llm_dialect_azure) {
        habits.quirks |= LLM_OPENAI_MODEL_IN_PATH;
    }
    for (i = 0; i < MODELS; ++i) {
        const llm_profile_model_t *line = &models[i];

        if ((line->profile && (found || strcmp(line->profile, profile->name)))
            || !llm_pattern_match(line->pattern, name, NULL)) {
            continue;
        }
        habits.quirks |= line->quirks;
        if (line->profile) {
            found = 1;
            habits.model_lacks = line->lacks;
            habits.efforts = line->efforts ? line->efforts : habits.efforts;
        }
    }
    return habits;
}

int llm_profile_lacks(const llm_habits_t *habits, const char *member)
{
    return llm_profile_lists(habits->profile->lacks, member)
           || llm_profile_lists(habits->model_lacks, member);
}

/* ---- words in lists ---- */

int llm_profile_lists(const char *list, const char *word)
{
    apr_size_t len = strlen(word);

    while (list && *list) {
        apr_size_t at = strcspn(list, " ");

        if (at == len && !memcmp(list, word, len)) {
            return 1;
        }
        list += at + strspn(list + at, " ");
    }
    return 0;
}

const char *const *llm_profile_words(const char *list, apr_pool_t *pool)
{
    apr_array_header_t *words;

    if (!list) {
        return NULL;
    }
    words = apr_array_make(pool, 16, sizeof(const char *));
    while (*list) {
        apr_size_t len = strcspn(list, " ");

        APR_ARRAY_PUSH(words, const char *) = apr_pstrmemdup(pool, list, len);
        list += len + strspn(list + len, " ");
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char *const *)words->elts;
}

/* How much an effort is; "default" is what a server takes for one. */
static int effort_rank(const char *word, apr_size_t len)
{
    static const struct {
        const char *word;
        int rank;
    } ranks[] = {
        {"none", 0},   {"minimal", 1}, {"low", 2},   {"default", 3},
        {"medium", 3}, {"high", 4},    {"xhigh", 5}, {"max", 6},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(ranks) / sizeof(*ranks); ++i) {
        if (strlen(ranks[i].word) == len && !memcmp(ranks[i].word, word, len)) {
            return ranks[i].rank;
        }
    }
    return -1;
}

const char *llm_profile_effort(const char *efforts, const char *wanted,
                               apr_pool_t *pool)
{
    int rank = effort_rank(wanted, strlen(wanted)), best = 100;
    const char *at = efforts, *found = NULL;
    apr_size_t len = 0;

    if (!efforts || llm_profile_lists(efforts, wanted)) {
        return wanted;
    }
    while (*at && rank > 0) {
        apr_size_t here = strcspn(at, " ");
        int other = effort_rank(at, here);
        int away = other > rank ? other - rank : rank - other;

        if (other > 0 && away < best) {
            best = away;
            found = at;
            len = here;
        }
        at += here + strspn(at + here, " ");
    }
    return found ? apr_pstrmemdup(pool, found, len) : NULL;
}
