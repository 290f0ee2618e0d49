/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in shared memory; see token_slot.h. */
#include "net/token_slot.h"

#include <string.h>

/* One refusal a minute is believed to be about the token. */
#define FORCED_EVERY apr_time_from_sec(60)

#define WORD  sizeof(apr_uint64_t)
#define WORDS ((sizeof(llm_token_view_t) + WORD - 1) / WORD)

struct llm_token_slot_t {
    apr_uint64_t version; /* its lowest bit says which copy is in use */
    apr_uint64_t refused; /* written by readers */
    apr_uint64_t copies[2][WORDS];
};

apr_size_t llm_token_slot_size(void)
{
    return sizeof(llm_token_slot_t);
}

llm_token_slot_t *llm_token_slot_at(void *slots, int index)
{
    return (llm_token_slot_t *)slots + index;
}

void llm_token_slot_write(llm_token_slot_t *slot, const llm_token_view_t *view)
{
    apr_uint64_t version = slot->version + 1, words[WORDS];
    apr_uint64_t *to = slot->copies[version & 1];

    memset(words, 0, sizeof(words));
    memcpy(words, view, sizeof(*view));
    /* not before readers can see that this copy went out of use */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (apr_size_t i = 0; i < WORDS; ++i) {
        __atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&slot->version, version, __ATOMIC_RELEASE);
    explicit_bzero(words, sizeof(words));
}

void llm_token_slot_read(const llm_token_slot_t *slot, llm_token_view_t *view)
{
    apr_uint64_t words[WORDS], version;

    do {
        const apr_uint64_t *from;

        version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);
        from = slot->copies[version & 1];
        for (apr_size_t i = 0; i < WORDS; ++i) {
            words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&slot->version, __ATOMIC_RELAXED) != version);
    memcpy(view, words, sizeof(*view));
    explicit_bzero(words, sizeof(words));
}

apr_uint64_t llm_token_slot_refused(const llm_token_slot_t *slot)
{
    return __atomic_load_n(&slot->refused, __ATOMIC_ACQUIRE);
}

llm_token_state_e llm_token_slot_look(const llm_token_slot_t *slot,
                                      llm_token_view_t *view, apr_time_t now)
{
    llm_token_slot_read(slot, view);
    if (view->number && now < view->expires) {
        return llm_token_slot_refused(slot) == view->number
                       && view->renewed != view->number
                   ? LLM_TOKEN_COMING
                   : LLM_TOKEN_GOOD;
    }
    /* a fetch that is late is under way, and is waited for as the first is */
    return view->failed && now < view->retry ? LLM_TOKEN_MISSING
                                             : LLM_TOKEN_COMING;
}

int llm_token_slot_refuse(llm_token_slot_t *slot, apr_uint64_t number,
                          apr_time_t now)
{
    llm_token_view_t view;
    int is_new, was_forced;

    llm_token_slot_read(slot, &view);
    is_new = view.number > number;
    was_forced = view.forced && now - view.forced < FORCED_EVERY;
    explicit_bzero(&view, sizeof(view));
    if (is_new) {
        return 1; /* there is another one already */
    }
    if (was_forced) {
        return 0;
    }
    __atomic_store_n(&slot->refused, number, __ATOMIC_RELEASE);
    return 1;
}
