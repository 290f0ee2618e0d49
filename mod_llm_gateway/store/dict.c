/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary in memory: for each kind a hash by name and a list by
 * number. A row is kind and name -> version and number. */
#include "store/dict.h"

#include "store/bytes.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define ROW_VERSION     1
#define ROW_BYTES       5
#define NAME_MAX_LENGTH 200

typedef struct word_t {
    const char *name;
    apr_uint32_t id;
    int stored;  /* committed */
    int written; /* in the transaction that is going on */
} word_t;

#define OTHER "(other)"

typedef struct kind_t {
    apr_hash_t *by_name;       /* to word_t */
    apr_array_header_t *words; /* of word_t *; the first is LLM_DICT_FIRST */
    unsigned unstored;         /* words */
} kind_t;

struct llm_dict_t {
    llm_table_t *table;
    kind_t kinds[LLM_DICT_KINDS];
    apr_thread_mutex_t *mutex;
    apr_pool_t *pool;
};

static word_t *add_word(llm_dict_t *dict, llm_dict_e kind, const char *name,
                        apr_size_t len, apr_uint32_t id)
{
    word_t *word = apr_pcalloc(dict->pool, sizeof(*word));
    kind_t *of = &dict->kinds[kind];

    word->name = apr_pstrmemdup(dict->pool, name, len);
    word->id = id;
    apr_hash_set(of->by_name, word->name, APR_HASH_KEY_STRING, word);
    while ((apr_uint32_t)of->words->nelts <= id - LLM_DICT_FIRST) {
        APR_ARRAY_PUSH(of->words, word_t *) = NULL;
    }
    APR_ARRAY_IDX(of->words, id - LLM_DICT_FIRST, word_t *) = word;
    return word;
}

static int load_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    llm_dict_t *dict = baton;
    const unsigned char *name = key.data, *row = value.data;
    apr_uint32_t id;

    if (key.len < 2 || value.len != ROW_BYTES || row[0] != ROW_VERSION
        || !name[0] || name[0] >= LLM_DICT_KINDS) {
        return 0;
    }
    id = (apr_uint32_t)llm_le_get(row + 1, 4);
    if (id >= LLM_DICT_FIRST && id < LLM_DICT_FIRST + LLM_DICT_LIMIT) {
        add_word(dict, name[0], (const char *)name + 1, key.len - 1, id)
            ->stored = 1;
    }
    return 0;
}

apr_status_t llm_dict_load(llm_dict_t **pdict, llm_table_t *table,
                           apr_pool_t *pool)
{
    llm_dict_t *dict = apr_pcalloc(pool, sizeof(*dict));
    apr_status_t status;
    int i;

    dict->table = table;
    dict->pool = pool;
    for (i = 0; i < LLM_DICT_KINDS; ++i) {
        dict->kinds[i].by_name = apr_hash_make(pool);
        dict->kinds[i].words = apr_array_make(pool, 64, sizeof(word_t *));
    }
    status =
        apr_thread_mutex_create(&dict->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = llm_table_scan(table, LLM_DATUM_NONE, load_row, dict);
    }
    *pdict = dict;
    return status;
}

static int find_reserved(apr_uint32_t *pid, const char *name)
{
    *pid = *name ? LLM_DICT_OTHER : LLM_DICT_NONE;
    return !*name || !strcmp(name, OTHER);
}

static word_t *find_word(llm_dict_t *dict, llm_dict_e kind, const char *name)
{
    word_t *word;

    apr_thread_mutex_lock(dict->mutex);
    word = apr_hash_get(dict->kinds[kind].by_name, name, APR_HASH_KEY_STRING);
    apr_thread_mutex_unlock(dict->mutex);
    return word;
}

/* NULL when the kind is full. */
static word_t *make_word(llm_dict_t *dict, llm_dict_e kind, const char *name)
{
    kind_t *of = &dict->kinds[kind];
    word_t *word = NULL;

    apr_thread_mutex_lock(dict->mutex);
    if (of->words->nelts < LLM_DICT_LIMIT) {
        word = add_word(dict, kind, name, strlen(name),
                        LLM_DICT_FIRST + (apr_uint32_t)of->words->nelts);
        of->unstored += 1;
    }
    apr_thread_mutex_unlock(dict->mutex);
    return word;
}

static apr_status_t store_word(llm_dict_t *dict, llm_txn_t *txn,
                               llm_dict_e kind, word_t *word)
{
    unsigned char key[1 + NAME_MAX_LENGTH], row[ROW_BYTES];
    apr_size_t len = strlen(word->name);

    key[0] = (unsigned char)kind;
    memcpy(key + 1, word->name, len);
    row[0] = ROW_VERSION;
    llm_le_put(row + 1, word->id, 4);
    word->written = 1;
    return llm_table_put(dict->table, txn, (llm_datum_t){key, 1 + len},
                         LLM_DATUM(row), LLM_PUT_OVER);
}

apr_status_t llm_dict_intern(apr_uint32_t *pid, llm_dict_t *dict,
                             llm_txn_t *txn, llm_dict_e kind, const char *name)
{
    word_t *word;

    if (find_reserved(pid, name)) {
        return APR_SUCCESS;
    }
    *pid = LLM_DICT_OTHER;
    word = find_word(dict, kind, name);
    if (!word && strlen(name) <= NAME_MAX_LENGTH) {
        word = make_word(dict, kind, name);
    }
    if (!word) {
        return APR_SUCCESS;
    }
    *pid = word->id;
    return word->stored ? APR_SUCCESS : store_word(dict, txn, kind, word);
}

void llm_dict_settle(llm_dict_t *dict, int committed)
{
    int i, j;

    for (i = 0; i < LLM_DICT_KINDS; ++i) {
        kind_t *of = &dict->kinds[i];

        for (j = of->words->nelts - 1; j >= 0 && of->unstored; --j) {
            word_t *word = APR_ARRAY_IDX(of->words, j, word_t *);

            if (word && word->written && !word->stored && committed) {
                word->stored = 1;
                of->unstored -= 1;
            }
            if (word) {
                word->written = 0;
            }
        }
    }
}

int llm_dict_find(apr_uint32_t *pid, llm_dict_t *dict, llm_dict_e kind,
                  const char *name)
{
    word_t *word;

    if (find_reserved(pid, name)) {
        return 1;
    }
    word = find_word(dict, kind, name);
    if (word) {
        *pid = word->id;
    }
    return word != NULL;
}

const char *llm_dict_name(llm_dict_t *dict, llm_dict_e kind, apr_uint32_t id)
{
    const apr_array_header_t *words = dict->kinds[kind].words;
    const word_t *word = NULL;

    if (id < LLM_DICT_FIRST) {
        return id == LLM_DICT_OTHER ? OTHER : "";
    }
    apr_thread_mutex_lock(dict->mutex);
    if (id - LLM_DICT_FIRST < (apr_uint32_t)words->nelts) {
        word = APR_ARRAY_IDX(words, id - LLM_DICT_FIRST, const word_t *);
    }
    apr_thread_mutex_unlock(dict->mutex);
    return word ? word->name : "(unknown)";
}
