/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding.
 *
 * A text is cut into pieces (llm_bpe_split.c). A piece that is a token is one;
 * of any other the bytes are tokens at first, and of all neighbours that are a
 * token together those with the lowest rank, the leftmost of equals, become
 * one, until there are none. Short pieces, which are nearly all, look for the
 * lowest rank in an array; long ones are llm_bpe_long.c's, so that no text
 * takes time by the square of its length.
 *
 * Everything in the mapped file is checked when it is loaded: what is read
 * afterwards is read without further tests.
 */
#include "core/llm_bpe.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_mmap.h>
#include <apr_strings.h>

#include "core/llm_bpe_internal.h"

#define MAGIC         "LLMVOCAB"
#define VERSION       1
#define HEAD_LENGTH   16
#define ENTRY_LENGTH  48
#define ENCODINGS_MAX 8
#define FILE_MAX      (64 * 1024 * 1024)

/* Pieces up to this length are merged in an array, on the stack. */
#define SHORT_PIECE 24
/* Longer ones are cut: what a piece needs of memory has a limit. */
#define PIECE_MAX 65536

struct llm_vocabulary_t {
    unsigned count;
    llm_encoding_t encodings[ENCODINGS_MAX];
};

/* ---- short pieces ------------------------------------------------------ */

/* What is left of a piece: where each part begins, and the rank of the token
 * that it and the next one make. */
typedef struct part_t {
    apr_uint32_t begin, rank;
} part_t;

static apr_uint32_t rank_of_pair(const llm_encoding_t *encoding,
                                 const unsigned char *data, const part_t *parts,
                                 int i, int count)
{
    return i + 1 < count ? find_token(encoding, data + parts[i].begin,
                                      parts[i + 2].begin - parts[i].begin)
                         : NONE;
}

static apr_size_t merge_short(const llm_encoding_t *encoding,
                              const unsigned char *data, apr_size_t len,
                              apr_uint32_t *ids)
{
    part_t parts[SHORT_PIECE + 1];
    int count = (int)len;

    for (int i = 0; i <= count; ++i) {
        parts[i].begin = (apr_uint32_t)i;
    }
    for (int i = 0; i < count; ++i) {
        parts[i].rank = rank_of_pair(encoding, data, parts, i, count);
    }
    for (;;) {
        int best = 0;

        for (int i = 1; i < count; ++i) {
            best = parts[i].rank < parts[best].rank ? i : best;
        }
        if (parts[best].rank == NONE) {
            break;
        }
        memmove(parts + best + 1, parts + best + 2,
                sizeof(*parts) * (apr_size_t)(count - best - 1));
        --count;
        parts[best].rank = rank_of_pair(encoding, data, parts, best, count);
        if (best) {
            parts[best - 1].rank =
                rank_of_pair(encoding, data, parts, best - 1, count);
        }
    }
    for (int i = 0; ids && i < count; ++i) {
        ids[i] = find_token(encoding, data + parts[i].begin,
                            parts[i + 1].begin - parts[i].begin);
    }
    return (apr_size_t)count;
}

/* ---- texts ------------------------------------------------------------- */

static apr_size_t encode_piece(const llm_encoding_t *encoding, const char *data,
                               apr_size_t len, apr_uint32_t *ids,
                               llm_bpe_room_t *room)
{
    const unsigned char *bytes = (const unsigned char *)data;
    apr_uint32_t id = find_token(encoding, bytes, len);
    apr_size_t count = 0;

    if (id != NONE) {
        if (ids) {
            *ids = id;
        }
        return 1;
    }
    while (len > SHORT_PIECE) {
        apr_size_t part = len < PIECE_MAX ? len : PIECE_MAX;

        count += llm_bpe_merge_long(encoding, bytes, part,
                                    ids ? ids + count : NULL, room);
        bytes += part;
        len -= part;
    }
    return len ? count
                     + merge_short(encoding, bytes, len,
                                   ids ? ids + count : NULL)
               : count;
}

apr_size_t llm_bpe_encode(const llm_encoding_t *encoding, const char *data,
                          apr_size_t len, apr_uint32_t *ids, apr_pool_t *pool)
{
    llm_bpe_room_t room = {.pool = pool};
    const char *end = data + len;
    apr_size_t count = 0;
    int open = 0;

    while (data < end) {
        const char *stop = encoding->split(data, end, &open);

        count += encode_piece(encoding, data, (apr_size_t)(stop - data),
                              ids ? ids + count : NULL, &room);
        data = stop;
    }
    return count;
}

apr_size_t llm_bpe_count_part(const llm_encoding_t *encoding, const char *data,
                              apr_size_t len, apr_size_t *pused,
                              apr_pool_t *pool)
{
    llm_bpe_room_t room = {.pool = pool};
    const char *at = data, *end = data + len;
    apr_size_t count = 0;
    int open = 0;

    while (at < end) {
        const char *stop = encoding->split(at, end, &open);

        if (open) {
            break;
        }
        count +=
            encode_piece(encoding, at, (apr_size_t)(stop - at), NULL, &room);
        at = stop;
    }
    *pused = (apr_size_t)(at - data);
    return count;
}

/* ---- the file ---------------------------------------------------------- */

/* The numbers of an entry, and whether all they speak of is in the file. */
static int read_entry(llm_encoding_t *encoding, const unsigned char *file,
                      apr_size_t size, const unsigned char *entry)
{
    apr_uint32_t slots = number_at(entry + 28);
    apr_uint32_t offsets_at = number_at(entry + 32);
    apr_uint32_t bytes_at = number_at(entry + 36);
    apr_uint32_t slots_at = number_at(entry + 40);

    memcpy(encoding->name, entry, NAME_LENGTH);
    encoding->name[NAME_LENGTH] = '\0';
    encoding->tokens = number_at(entry + 20);
    encoding->longest = number_at(entry + 24);
    encoding->mask = slots - 1;
    encoding->offsets = file + offsets_at;
    encoding->bytes = file + bytes_at;
    encoding->slots = file + slots_at;
    return encoding->tokens >= 256 && encoding->tokens < ID_MASK
           && slots > encoding->tokens && !(slots & encoding->mask)
           && offsets_at <= size
           && 4 * ((apr_size_t)encoding->tokens + 1) <= size - offsets_at
           && bytes_at <= size && slots_at <= size
           && 4 * (apr_size_t)slots <= size - slots_at;
}

static int are_offsets_good(const llm_encoding_t *encoding, apr_size_t room)
{
    apr_uint32_t last = number_at(encoding->offsets);

    for (apr_size_t i = 1; i <= encoding->tokens; ++i) {
        apr_uint32_t next = number_at(encoding->offsets + 4 * i);

        if (next <= last || next - last > encoding->longest) {
            return 0;
        }
        last = next;
    }
    return last <= room;
}

/* There must be a free slot: a search ends there. */
static int are_slots_good(const llm_encoding_t *encoding)
{
    apr_size_t used = 0;

    for (apr_size_t i = 0; i <= encoding->mask; ++i) {
        apr_uint32_t slot = number_at(encoding->slots + 4 * i);

        if (slot) {
            apr_uint32_t id = slot & ID_MASK;

            if (!id || id > encoding->tokens) {
                return 0;
            }
            ++used;
        }
    }
    return used == encoding->tokens;
}

/* Every byte must be a token, or there would be texts without an encoding. */
static int has_every_byte(const llm_encoding_t *encoding)
{
    for (unsigned i = 0; i < 256; ++i) {
        unsigned char byte = (unsigned char)i;

        if (find_token(encoding, &byte, 1) == NONE) {
            return 0;
        }
    }
    return 1;
}

const char *llm_vocabulary_read(llm_vocabulary_t **pvocabulary,
                                const char *data, apr_size_t len,
                                apr_pool_t *pool)
{
    llm_vocabulary_t *vocabulary = apr_pcalloc(pool, sizeof(*vocabulary));
    const unsigned char *file = (const unsigned char *)data;

    if (len < HEAD_LENGTH || memcmp(file, MAGIC, 8) != 0) {
        return "it is no vocabulary file";
    }
    if (number_at(file + 8) != VERSION) {
        return "it is of another version";
    }
    vocabulary->count = number_at(file + 12);
    if (vocabulary->count > ENCODINGS_MAX
        || len - HEAD_LENGTH < (apr_size_t)vocabulary->count * ENTRY_LENGTH) {
        return "it is damaged: its head";
    }
    for (unsigned i = 0; i < vocabulary->count; ++i) {
        llm_encoding_t *encoding = vocabulary->encodings + i;

        if (!read_entry(encoding, file, len,
                        file + HEAD_LENGTH + (apr_size_t)i * ENTRY_LENGTH)) {
            return "it is damaged: an encoding's entry";
        }
        if (!are_offsets_good(encoding,
                              len - (apr_size_t)(encoding->bytes - file))
            || !are_slots_good(encoding) || !has_every_byte(encoding)) {
            return "it is damaged: an encoding's tokens";
        }
        encoding->split = llm_bpe_split_find(encoding->name);
    }
    *pvocabulary = vocabulary;
    return NULL;
}

const char *llm_vocabulary_load(llm_vocabulary_t **pvocabulary,
                                const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_mmap_t *map;
    apr_status_t status;
    const char *what;
    char text[120];

    status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                           APR_FPROT_OS_DEFAULT, pool);
    if (status) {
        return apr_psprintf(pool, "cannot open '%s': %s", path,
                            apr_strerror(status, text, sizeof(text)));
    }
    status = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    if (!status
        && (info.filetype != APR_REG || info.size < HEAD_LENGTH
            || info.size > FILE_MAX)) {
        apr_file_close(file);
        return apr_psprintf(pool, "'%s': it is no vocabulary file", path);
    }
    if (!status) {
        status = apr_mmap_create(&map, file, 0, (apr_size_t)info.size,
                                 APR_MMAP_READ, pool);
    }
    apr_file_close(file); /* the mapping stays */
    if (status) {
        return apr_psprintf(pool, "cannot map '%s': %s", path,
                            apr_strerror(status, text, sizeof(text)));
    }
    what =
        llm_vocabulary_read(pvocabulary, map->mm, (apr_size_t)info.size, pool);
    if (what) {
        apr_mmap_delete(map);
        return apr_psprintf(pool, "'%s': %s", path, what);
    }
    return NULL;
}

const llm_encoding_t *llm_vocabulary_find(const llm_vocabulary_t *vocabulary,
                                          const char *name)
{
    for (unsigned i = 0; vocabulary && i < vocabulary->count; ++i) {
        const llm_encoding_t *encoding = vocabulary->encodings + i;

        if (encoding->split && !strcmp(encoding->name, name)) {
            return encoding;
        }
    }
    return NULL;
}
