/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's token in memory that processes share: one process writes it
 * (the keeper), all others read it without waiting.
 *
 * A slot has two copies of its content and a version word. The writer fills
 * the copy that is not in use and then moves the version, so a reader never
 * sees half a token and a writer killed in mid-write leaves the old one. Tokens
 * are numbered; a reader whose provider refused number N says so in a word of
 * its own, and the keeper fetches another.
 */
#ifndef NET_TOKEN_SLOT_H
#define NET_TOKEN_SLOT_H

#include "net/token.h"

typedef struct llm_token_slot_t llm_token_slot_t;

/* What is known of a provider's token. */
typedef struct llm_token_view_t {
    apr_uint64_t number;  /* of the token; 0: there was none yet */
    apr_time_t expires;   /* not to be used from then on */
    apr_time_t failed;    /* the last fetch failed then; 0: it did not */
    apr_time_t retry;     /* when it is tried again, after a failure */
    apr_uint64_t renewed; /* the last number that was refused and dealt with */
    apr_time_t forced;    /* when that was; 0 never */
    apr_uint64_t len;     /* of the token */
    char what[LLM_TOKEN_WHAT]; /* why it failed, as it may be told */
    char text[LLM_TOKEN_MAX + 1];
} llm_token_view_t;

typedef enum {
    LLM_TOKEN_GOOD,   /* view->text is the token */
    LLM_TOKEN_COMING, /* it is being fetched: look again */
    LLM_TOKEN_MISSING /* it could not be fetched: view->what, view->retry */
} llm_token_state_e;

/* Bytes of one slot; memory that is all zero is an empty one. */
apr_size_t llm_token_slot_size(void);
/* The slot of that index in an array of them. */
llm_token_slot_t *llm_token_slot_at(void *slots, int index);

/* For the keeper alone. */
void llm_token_slot_write(llm_token_slot_t *slot, const llm_token_view_t *view);
/* What is in the slot, whatever it is worth. */
void llm_token_slot_read(const llm_token_slot_t *slot, llm_token_view_t *view);
/* The number that was refused last. */
apr_uint64_t llm_token_slot_refused(const llm_token_slot_t *slot);

/* For everybody. The view is the caller's, who wipes it. */
llm_token_state_e llm_token_slot_look(const llm_token_slot_t *slot,
                                      llm_token_view_t *view, apr_time_t now);
/* The provider refused this token. 1: it is worth while to ask again, with
 * what llm_token_slot_look gives next; 0: a token was renewed for that reason
 * a moment ago, and it did not help. */
int llm_token_slot_refuse(llm_token_slot_t *slot, apr_uint64_t number,
                          apr_time_t now);

#endif /* NET_TOKEN_SLOT_H */
