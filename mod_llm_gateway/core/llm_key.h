/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client keys: what they look like, and their hash. The key itself is shown
 * once, when it is made; only its SHA-256 is kept. A key has 256 random bits,
 * so the hash needs neither salt nor stretching.
 */
#ifndef LLM_KEY_H
#define LLM_KEY_H

#include "core/llm.h"

#define LLM_KEY_PREFIX   "llmgw-"
#define LLM_KEY_LENGTH   49 /* prefix and 43 base64url characters */
#define LLM_KEY_HASH     32 /* bytes of SHA-256 */
#define LLM_KEY_NAME_MAX 64

typedef struct llm_key_hash_t {
    unsigned char bytes[LLM_KEY_HASH];
} llm_key_hash_t;

/* A new key into text (LLM_KEY_LENGTH + 1 bytes, terminated).
 * Fails only when the system gives no randomness. */
apr_status_t llm_key_generate(char *text);
/* Of any bytes a client sends; thread-safe, about 0.3 us. */
void llm_key_digest(llm_key_hash_t *phash, const char *key, apr_size_t len);
/* NULL, or what is wrong with a name: 1..64 of [A-Za-z0-9._-]. */
const char *llm_key_check_name(const char *name);

/* Bytes from the system's generator: keys, request ids. Thread-safe. */
apr_status_t llm_random(void *bytes, apr_size_t len);

#endif /* LLM_KEY_H */
