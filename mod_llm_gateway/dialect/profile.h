/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that speak another's dialect, and what each does in its own way.
 *
 * A profile is a line of profiles.def. A provider has one by LLMProfile, else
 * by the host of its address, else by the name of its section; without one it
 * gets what all servers of its dialect understand. Models that differ from
 * what their server usually does have lines of their own.
 *
 * Facts are the servers' own documentation and official SDKs, or answers they
 * gave. Where bytes pass from a client of the same dialect a profile changes
 * only what the server would refuse or misread.
 */
#ifndef DIALECT_PROFILE_H
#define DIALECT_PROFILE_H

#include "dialect/dialect.h"

typedef struct llm_profile_t {
    const char *name;    /* "mistral": LLMProfile's word, a section's name */
    const char *title;   /* "Mistral": for people */
    const char *dialect; /* what it is asked in */
    const char *url;     /* its public address; NULL: everybody has an own */
    const char *hosts;   /* ends of host names, blanks between; NULL: none */
    unsigned quirks;     /* bits of its dialect's */
    const char *efforts; /* words of `reasoning_effort`, the least first,
                            blanks between; "": it has none; NULL: any */
    const char *lacks;   /* members it refuses, blanks between; or NULL */
    const char *own;     /* members of its own, which pass; or NULL */
} llm_profile_t;

/* A model, wherever it is served or at one server. */
typedef struct llm_profile_model_t {
    const char *profile; /* NULL: any */
    const char *pattern; /* of its name behind the last "/", with one "*" */
    unsigned quirks;     /* besides the server's */
    const char *efforts; /* as above; NULL: the server's */
    const char *lacks;   /* besides the server's */
} llm_profile_model_t;

const llm_profile_t *const *llm_profile_all(apr_size_t *pcount);
const llm_profile_t *llm_profile_find(const char *name);
/* "ai21, azure, ...": for error texts. */
const char *llm_profile_names(apr_pool_t *pool);
/* By the address alone; NULL where the host is nobody's. */
const llm_profile_t *llm_profile_of_host(const char *host);
/* The provider's; never NULL: one without habits where none is known. */
const llm_profile_t *llm_profile_of(const llm_provider_t *provider);
/* The profile's and the model's lines together. */
typedef struct llm_habits_t {
    const llm_profile_t *profile;
    unsigned quirks;
    const char *efforts;
    const char *model_lacks; /* besides the profile's */
} llm_habits_t;
llm_habits_t llm_profile_habits(const llm_provider_t *provider,
                                const char *model);
/* Does it refuse this member? */
int llm_profile_lacks(const llm_habits_t *habits, const char *member);

/* Is the word in the list with blanks between? NULL is an empty list. */
int llm_profile_lists(const char *list, const char *word);
/* The list, ended by NULL; NULL where it is. */
const char *const *llm_profile_words(const char *list, apr_pool_t *pool);
/* The word of the list that comes nearest to an effort, the lesser of two;
 * NULL where there is none. "none" stands for itself alone. */
const char *llm_profile_effort(const char *efforts, const char *wanted,
                               apr_pool_t *pool);

#endif /* DIALECT_PROFILE_H */
