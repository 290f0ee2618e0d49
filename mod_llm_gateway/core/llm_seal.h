/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Providers' secrets under a master key: AES-256-GCM, one nonce from the
 * system's generator for each sealing.
 *
 * A sealed secret is bound to its name: under another one it does not open.
 * It says which master key it wants, so that a wrong one is told from damage.
 * The secret is padded before it is sealed: its length shows as a multiple of
 * 64 bytes only. Bytes of both formats: docs/internals/store-format.md.
 *
 * Nothing here keeps a secret or a key: who calls wipes what he gave and got.
 */
#ifndef LLM_SEAL_H
#define LLM_SEAL_H

#include "core/llm.h"

#define LLM_MASTER_KEY     32 /* bytes of AES-256 */
#define LLM_MASTER_ID      8  /* bytes; of a SHA-256 over the key */
#define LLM_MASTER_ID_TEXT 17 /* hex digits, terminated */
#define LLM_MASTERS_MAX    2  /* in a file: the one in force, the former */
#define LLM_MASTERS_TEXT   512

#define LLM_SECRET_MAX 8191 /* bytes of a provider's secret */
#define LLM_SEALED_MAX 8293 /* bytes of what it is sealed into */

typedef struct llm_master_t {
    unsigned char key[LLM_MASTER_KEY];
    unsigned char id[LLM_MASTER_ID];
} llm_master_t;

/* The keys of a master key file: the first seals, all of them open. */
typedef struct llm_masters_t {
    llm_master_t list[LLM_MASTERS_MAX];
    unsigned count;
} llm_masters_t;

/* Overwrites; the compiler may not leave it out. */
void llm_wipe(void *data, apr_size_t len);

/* A new key. Fails only when the system gives no randomness. */
apr_status_t llm_master_make(llm_master_t *pmaster);
void llm_master_id_print(char text[LLM_MASTER_ID_TEXT],
                         const unsigned char id[LLM_MASTER_ID]);
/* A master key file's text: NULL, or a phrase that says what is wrong and
 * quotes nothing of it. */
const char *llm_masters_read(llm_masters_t *pmasters, const char *text,
                             apr_size_t len);
/* The text of such a file; returns its length. */
apr_size_t llm_masters_print(char text[LLM_MASTERS_TEXT],
                             const llm_masters_t *masters);

/* Takes blanks and line ends off the end; NULL, or what is wrong: a secret is
 * one word of visible characters, since it becomes part of a header; or a
 * JSON object, which is exchanged for a token and never is. */
const char *llm_secret_check(const char *secret, apr_size_t *plen);

/* Seals with the first key. APR_EGENERAL: the library failed. */
apr_status_t llm_seal(unsigned char sealed[LLM_SEALED_MAX], apr_size_t *plen,
                      const llm_masters_t *masters, const char *name,
                      const char *secret, apr_size_t len);
/*
 * secret: room for LLM_SECRET_MAX and a terminator. APR_NOTFOUND: sealed with
 * a key that is not among these; APR_ENOTIMPL: in a newer format; APR_EINVAL:
 * damaged, or sealed under another name.
 */
apr_status_t llm_unseal(char *secret, apr_size_t *plen,
                        const llm_masters_t *masters, const char *name,
                        const unsigned char *sealed, apr_size_t sealed_len);
/* The id of the key a secret is sealed with, or NULL. */
const unsigned char *llm_sealed_id(const unsigned char *sealed, apr_size_t len);

/* Hex digits, in lower case, terminated: 2 * len + 1 bytes. */
void llm_hex_print(char *text, const unsigned char *bytes, apr_size_t len);
/* 0 unless it is an even number of hex digits that fits. */
int llm_hex_read(unsigned char *bytes, apr_size_t size, apr_size_t *plen,
                 const char *text, apr_size_t len);

#endif /* LLM_SEAL_H */
