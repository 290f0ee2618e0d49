/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder as a program, for compare.mjs and for measuring.
 *
 *     encode VOCABULARY ENCODING          texts from standard input, each
 *         behind its length; for each its number of tokens and their ids to
 *         standard output. Numbers are 32 bits, least significant byte first.
 *     encode VOCABULARY answer:MODEL      texts as above, as parts of an answer
 *     encode VOCABULARY request:MODEL     bodies of requests as above; for each
 *         what the gateway counts. "-" as VOCABULARY is the rule of thumb.
 *     encode VOCABULARY ENCODING FILE...  counts each file a hundred times
 *         and prints the tokens and the median of the times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include "core/llm_bpe.h"
#include "core/llm_tokens.h"

#define TEXT_MAX (64u << 20)
#define ROUNDS   100

static void give_up(const char *what)
{
    fprintf(stderr, "encode: %s\n", what);
    exit(1);
}

static void *make_room(size_t size)
{
    void *room = malloc(size ? size : 1);

    if (!room) {
        give_up("out of memory");
    }
    return room;
}

/* 0 at the end of the input. */
static int read_number(apr_uint32_t *pnumber)
{
    unsigned char bytes[4];

    if (fread(bytes, 1, 4, stdin) != 4) {
        return 0;
    }
    *pnumber = bytes[0] | (apr_uint32_t)bytes[1] << 8
               | (apr_uint32_t)bytes[2] << 16 | (apr_uint32_t)bytes[3] << 24;
    return 1;
}

static void write_number(apr_uint32_t number)
{
    unsigned char bytes[4] = {
        (unsigned char)number, (unsigned char)(number >> 8),
        (unsigned char)(number >> 16), (unsigned char)(number >> 24)};

    if (fwrite(bytes, 1, 4, stdout) != 4) {
        give_up("cannot write");
    }
}

static void answer_texts(const llm_encoding_t *encoding, apr_pool_t *pool)
{
    apr_uint32_t len;

    while (read_number(&len)) {
        char *text = make_room(len);
        apr_uint32_t *ids = make_room(sizeof(*ids) * (size_t)len);
        apr_size_t count;

        if (len > TEXT_MAX || fread(text, 1, len, stdin) != len) {
            give_up("a text is not whole");
        }
        count = llm_bpe_encode(encoding, text, len, ids, pool);
        if (count != llm_bpe_encode(encoding, text, len, NULL, pool)) {
            give_up("counting and encoding do not agree");
        }
        write_number((apr_uint32_t)count);
        for (apr_size_t i = 0; i < count; ++i) {
            write_number(ids[i]);
        }
        free(ids);
        free(text);
        apr_pool_clear(pool);
    }
}

static apr_int64_t count_request(llm_tokenizer_t tokenizer, const char *body,
                                 apr_size_t len, apr_pool_t *pool)
{
    const llm_json_t *doc;

    if (llm_json_read(&doc, body, len, NULL, pool)) {
        give_up("a body is no JSON");
    }
    return llm_tokens_of_request(doc, tokenizer, pool);
}

static apr_int64_t count_answer(llm_tokenizer_t tokenizer, const char *text,
                                apr_size_t len, apr_pool_t *pool)
{
    llm_tally_t tally = {.family = NULL};
    llm_bytes_t plain = {text, len};

    llm_tally_open(&tally, tokenizer, pool);
    llm_tally_add_plain(&tally, plain, 0);
    return llm_tally_tokens(&tally);
}

static void estimate_texts(llm_tokenizer_t tokenizer, int are_requests,
                           apr_pool_t *pool)
{
    apr_uint32_t len;

    while (read_number(&len)) {
        char *text = make_room(len);

        if (len > TEXT_MAX || fread(text, 1, len, stdin) != len) {
            give_up("a text is not whole");
        }
        write_number(
            (apr_uint32_t)(are_requests
                               ? count_request(tokenizer, text, len, pool)
                               : count_answer(tokenizer, text, len, pool)));
        apr_pool_clear(pool);
        free(text);
    }
}

/* Processor time: others on the machine do not count. */
static int by_time(const void *a, const void *b)
{
    clock_t first = *(const clock_t *)a, second = *(const clock_t *)b;

    return first < second ? -1 : first > second;
}

static void measure(const llm_encoding_t *encoding, const char *path,
                    apr_pool_t *pool)
{
    clock_t times[ROUNDS];
    apr_finfo_t info;
    apr_file_t *file;
    apr_size_t count = 0;
    char *text;

    if (apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool)
        || apr_file_info_get(&info, APR_FINFO_SIZE, file)) {
        give_up("cannot open a file");
    }
    text = make_room((size_t)info.size);
    if (apr_file_read_full(file, text, (apr_size_t)info.size, NULL)) {
        give_up("cannot read a file");
    }
    apr_file_close(file);
    for (int i = 0; i < ROUNDS; ++i) {
        times[i] = clock();
        count =
            llm_bpe_encode(encoding, text, (apr_size_t)info.size, NULL, pool);
        times[i] = clock() - times[i];
        apr_pool_clear(pool);
    }
    qsort(times, ROUNDS, sizeof(*times), by_time);
    printf("%-24s %8lu bytes %7lu tokens %7.2f ms\n", path,
           (unsigned long)info.size, (unsigned long)count,
           (double)times[ROUNDS / 2] * 1000 / CLOCKS_PER_SEC);
    free(text);
}

int main(int argc, char **argv)
{
    llm_vocabulary_t *vocabulary = NULL;
    const llm_encoding_t *encoding;
    apr_pool_t *pool, *scratch;
    const char *what;

    if (argc < 3) {
        give_up("usage: encode VOCABULARY ENCODING [FILE ...]");
    }
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    what = strcmp(argv[1], "-") != 0
               ? llm_vocabulary_load(&vocabulary, argv[1], pool)
               : NULL;
    if (what) {
        give_up(what);
    }
    if (!strncmp(argv[2], "answer:", 7) || !strncmp(argv[2], "request:", 8)) {
        estimate_texts(llm_tokenizer_find(vocabulary, strchr(argv[2], ':') + 1),
                       argv[2][0] == 'r', scratch);
        return 0;
    }
    encoding = llm_vocabulary_find(vocabulary, argv[2]);
    if (!encoding) {
        give_up("there is no such encoding");
    }
    if (argc == 3) {
        answer_texts(encoding, scratch);
    }
    for (int i = 3; i < argc; ++i) {
        measure(encoding, argv[i], scratch);
    }
    return 0;
}
