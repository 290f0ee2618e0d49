/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding: where texts are cut, which pairs become one, and that a
 * text that comes in pieces has as many tokens as one that comes whole.
 *
 * All of it with a vocabulary of some hundred tokens (test/vectors/tokens);
 * what the real ones give is compared where LLMGW_VOCABULARY names their file,
 * and in full by test/tokens/compare.mjs. The pieces are what a regular
 * expression engine makes of the encodings' expressions.
 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "core/llm_bpe.h"
#include "core/llm_bpe_split.h"
#include "core/llm_unicode.h"
#include "test/unit/core/random.h"

#define SMALL LLMGW_TEST_SRCDIR "/vectors/tokens/vocabulary"

static llm_bytes_t read_small(void)
{
    apr_file_t *file;
    apr_finfo_t info;
    llm_bytes_t bytes;
    char *data;

    ck_assert_int_eq(apr_file_open(&file, SMALL, APR_FOPEN_READ, 0, unit_pool),
                     APR_SUCCESS);
    ck_assert_int_eq(apr_file_info_get(&info, APR_FINFO_SIZE, file),
                     APR_SUCCESS);
    bytes.len = (apr_size_t)info.size;
    data = apr_palloc(unit_pool, bytes.len);
    ck_assert_int_eq(apr_file_read_full(file, data, bytes.len, NULL),
                     APR_SUCCESS);
    bytes.data = data;
    return bytes;
}

static const llm_encoding_t *load(const char *path, const char *name)
{
    llm_vocabulary_t *vocabulary = NULL;
    const char *wrong = llm_vocabulary_load(&vocabulary, path, unit_pool);

    ck_assert_msg(!wrong, "%s", wrong);
    return llm_vocabulary_find(vocabulary, name);
}

/* ---- pieces ------------------------------------------------------------ */

static const struct {
    const char *text, *cl100k, *o200k;
} cut[] = {
    {"I don't think we'll GO, it'S John's.",
     "I| don|'t| think| we|'ll| GO|,| it|'S| John|'s|.",
     "I| don't| think| we'll| GO|,| it'S| John's|."},
    {"HTTPServer camelCase XMLHttp ABC abcDEF",
     "HTTPServer| camelCase| XMLHttp| ABC| abcDEF",
     "HTTPServer| camel|Case| XMLHttp| ABC| abc|DEF"},
    {"12345678 3.14159 1,000", "123|456|78| |3|.|141|59| |1|,|000",
     "123|456|78| |3|.|141|59| |1|,|000"},
    {"a  b   c\n\n  d \t e   ", "a| | b|  | c|\n\n| | d| \t| e|   ",
     "a| | b|  | c|\n\n| | d| \t| e|   "},
    {"x\r\n\r\ny \n", "x|\r\n\r\n|y| \n", "x|\r\n\r\n|y| \n"},
    {"//path/to/file.c:///\n/\n", "//|path|/to|/file|.c|:///\n|/\n",
     "//|path|/to|/file|.c|:///\n/\n"},
    {"  leading and !trailing  ", " | leading| and| !|trailing|  ",
     " | leading| and| !|trailing|  "},
    {"日本語とEnglishのmix、テスト", "日本語とEnglishのmix|、テスト",
     "日本語とEnglishのmix|、テスト"},
    {"e\u0301cole E\u0301COLE \u0301x \u0301",
     "e|\u0301cole| E|\u0301COLE| \u0301|x| \u0301",
     "e\u0301cole| E\u0301|COLE| \u0301x| \u0301"},
    {"中ABC中aBc ABC中", "中ABC中aBc| ABC中", "中ABC中a|Bc| ABC中"},
    {"'\u017f '\u017fa don'\u017f", "'\u017f| '|\u017fa| don|'\u017f",
     "'\u017f| '|\u017fa| don'\u017f"},
    {"!!!???\r\n\n  --> x", "!!!???\r\n\n| | -->| x", "!!!???\r\n\n| | -->| x"},
    {"''s ' s 'll''ll", "''|s| '| s| '|ll|''|ll", "''|s| '| s| '|ll|''|ll"},
    {"_snake_case __init__", "_snake|_case| __|init|__",
     "_snake|_case| __|init|__"},
    {"🙂🙂 👩\u200d👩\u200d👧 ok",
     "🙂🙂| 👩\u200d👩\u200d👧| ok",
     "🙂🙂| 👩\u200d👩\u200d👧| ok"},
    {"\u3000\u3000全角\u00a0x", "\u3000|\u3000全角|\u00a0x",
     "\u3000|\u3000全角|\u00a0x"},
    {"٣٤٥٦ ⅷⅸ²³ a1b2", "٣٤٥|٦| |ⅷⅸ²|³| a|1|b|2", "٣٤٥|٦| |ⅷⅸ²|³| a|1|b|2"},
    {"\u01c5 \u01c5a a\u01c5 \u02b0a A\u02b0B",
     "\u01c5| \u01c5a| a\u01c5| \u02b0a| A\u02b0B",
     "\u01c5| \u01c5a| a|\u01c5| \u02b0a| A\u02b0|B"},
};

static const char *cut_up(const char *name, const char *text)
{
    llm_bpe_split_fn *split = llm_bpe_split_find(name);
    const char *at = text, *end = text + strlen(text), *joined = "";

    while (at < end) {
        int open = 0;
        const char *stop = split(at, end, &open);

        ck_assert(stop > at && stop <= end);
        joined = apr_pstrcat(
            unit_pool, joined, at > text ? "|" : "",
            apr_pstrmemdup(unit_pool, at, (apr_size_t)(stop - at)), NULL);
        at = stop;
    }
    return joined;
}

START_TEST(a_text_is_cut_as_the_expressions_say)
{
    for (apr_size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); ++i) {
        ck_assert_str_eq(cut_up("cl100k_base", cut[i].text), cut[i].cl100k);
        ck_assert_str_eq(cut_up("o200k_base", cut[i].text), cut[i].o200k);
    }
}
END_TEST

/* A piece that is said to be closed stays the same whatever follows. */
START_TEST(a_closed_piece_does_not_change)
{
    static const char *const names[] = {"cl100k_base", "o200k_base"};

    for (apr_size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); ++i) {
        const char *text = cut[i].text, *end = text + strlen(text);

        for (int n = 0; n < 2; ++n) {
            llm_bpe_split_fn *split = llm_bpe_split_find(names[n]);

            for (const char *early = text + 1; early <= end; ++early) {
                int open = 0, whole = 0;
                const char *stop = split(text, early, &open);

                if (!open) {
                    ck_assert_ptr_eq(stop, split(text, end, &whole));
                }
            }
        }
    }
}
END_TEST

START_TEST(characters_have_the_classes_of_unicode_16)
{
    ck_assert_int_eq(llm_unicode_class('a'), LLM_UNICODE_LOWER);
    ck_assert_int_eq(llm_unicode_class(0x1C5), LLM_UNICODE_UPPER); /* Lt */
    ck_assert_int_eq(llm_unicode_class(0x101), LLM_UNICODE_LOWER);
    ck_assert_int_eq(llm_unicode_class(0x100), LLM_UNICODE_UPPER);
    ck_assert_int_eq(llm_unicode_class(0x301), LLM_UNICODE_MARK);
    ck_assert_int_eq(llm_unicode_class(0x4E2D), LLM_UNICODE_LETTER);
    ck_assert_int_eq(llm_unicode_class(0xB2), LLM_UNICODE_NUMBER);
    ck_assert_int_eq(llm_unicode_class(0x3000), LLM_UNICODE_SPACE);
    ck_assert_int_eq(llm_unicode_class(0x200B), LLM_UNICODE_OTHER);
    /* new in 16.0: Garay */
    ck_assert_int_eq(llm_unicode_class(0x10D50), LLM_UNICODE_UPPER);
    ck_assert_int_eq(llm_unicode_class(0x10FFFF), LLM_UNICODE_OTHER);
    ck_assert_int_eq(llm_unicode_class(0xFFFFFFFF), LLM_UNICODE_OTHER);
}
END_TEST

/* ---- merges ------------------------------------------------------------ */

/* Letters, so that all is one piece, with many pairs among them. */
static char *random_word(test_random_t *dice, apr_size_t len)
{
    static const char letters[] = "aaaabbcthein";
    char *word = apr_palloc(unit_pool, len + 1);

    for (apr_size_t i = 0; i < len; ++i) {
        word[i] = letters[test_random_below(dice, sizeof(letters) - 1)];
    }
    word[len] = '\0';
    return word;
}

/* The id of a token, or -1: a piece that is one is encoded as one. */
static long id_of(const llm_encoding_t *encoding, const char *data,
                  apr_size_t len)
{
    apr_uint32_t ids[512];

    return llm_bpe_encode(encoding, data, len, ids, unit_pool) == 1
               ? (long)ids[0]
               : -1;
}

/* As the definition has it: again and again the lowest of all pairs. */
static apr_size_t merge_slowly(const llm_encoding_t *encoding, const char *word,
                               apr_size_t len, long *ids)
{
    apr_size_t begin[512], count = len;

    for (apr_size_t i = 0; i <= len; ++i) {
        begin[i] = i;
    }
    for (;;) {
        long lowest = -1;
        apr_size_t best = 0;

        for (apr_size_t i = 0; i + 1 < count; ++i) {
            long id = id_of(encoding, word + begin[i], begin[i + 2] - begin[i]);

            if (id >= 0 && (lowest < 0 || id < lowest)) {
                lowest = id;
                best = i;
            }
        }
        if (lowest < 0) {
            break;
        }
        memmove(begin + best + 1, begin + best + 2,
                sizeof(*begin) * (count - best - 1));
        --count;
    }
    for (apr_size_t i = 0; i < count; ++i) {
        ids[i] = id_of(encoding, word + begin[i], begin[i + 1] - begin[i]);
    }
    return count;
}

START_TEST(the_lowest_pair_is_merged_first)
{
    test_random_t dice = test_random_make("bpe");
    const llm_encoding_t *encoding = load(SMALL, "cl100k_base");

    for (int round = 0; round < 300; ++round) {
        apr_size_t len = 1 + test_random_below(&dice, round % 3 ? 24 : 120);
        char *word = random_word(&dice, len);
        apr_uint32_t ids[512];
        long expected[512];
        apr_size_t count = llm_bpe_encode(encoding, word, len, ids, unit_pool);

        ck_assert_uint_eq(count, merge_slowly(encoding, word, len, expected));
        for (apr_size_t i = 0; i < count; ++i) {
            ck_assert_int_eq((long)ids[i], expected[i]);
        }
    }
}
END_TEST

START_TEST(bytes_that_are_no_utf8_have_tokens_too)
{
    test_random_t dice = test_random_make("bytes");
    const llm_encoding_t *encoding = load(SMALL, "o200k_base");
    char bytes[200];

    for (int round = 0; round < 200; ++round) {
        apr_size_t len = 1 + test_random_below(&dice, sizeof(bytes));
        apr_size_t count;

        for (apr_size_t i = 0; i < len; ++i) {
            bytes[i] = (char)test_random(&dice);
        }
        count = llm_bpe_encode(encoding, bytes, len, NULL, unit_pool);
        ck_assert(count >= 1 && count <= len);
    }
}
END_TEST

/* Fed with a cut at each place, what is certain and the rest make the whole. */
START_TEST(a_text_in_two_parts_counts_as_one)
{
    const llm_encoding_t *encoding = load(SMALL, "o200k_base");

    for (apr_size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); ++i) {
        const char *text = cut[i].text;
        apr_size_t len = strlen(text), used;
        apr_size_t whole = llm_bpe_encode(encoding, text, len, NULL, unit_pool);

        for (apr_size_t at = 0; at <= len; ++at) {
            apr_size_t sure =
                llm_bpe_count_part(encoding, text, at, &used, unit_pool);

            ck_assert_uint_le(used, at);
            ck_assert_uint_eq(whole, sure
                                         + llm_bpe_encode(encoding, text + used,
                                                          len - used, NULL,
                                                          unit_pool));
        }
    }
}
END_TEST

/* Megabytes without a boundary end, and soon. */
START_TEST(a_long_run_is_no_trouble)
{
    const llm_encoding_t *encoding = load(SMALL, "cl100k_base");
    apr_size_t len = 1 << 20;
    char *run = apr_palloc(unit_pool, len);

    memset(run, 'a', len);
    ck_assert_uint_eq(llm_bpe_encode(encoding, run, len, NULL, unit_pool),
                      len / 8);
}
END_TEST

/* ---- the file ---------------------------------------------------------- */

static const char *read_changed(llm_bytes_t file, apr_size_t len, apr_size_t at,
                                char byte)
{
    llm_vocabulary_t *vocabulary = NULL;
    char *copy = apr_pmemdup(unit_pool, file.data, file.len);

    copy[at] = byte;
    return llm_vocabulary_read(&vocabulary, copy, len, unit_pool);
}

START_TEST(a_damaged_file_is_refused)
{
    llm_bytes_t file = read_small();
    llm_vocabulary_t *vocabulary = NULL;

    ck_assert_str_eq(read_changed(file, file.len, 0, 'X'),
                     "it is no vocabulary file");
    ck_assert_str_eq(read_changed(file, file.len, 8, 2),
                     "it is of another version");
    ck_assert_str_eq(read_changed(file, file.len, 12, 9),
                     "it is damaged: its head");
    ck_assert_str_eq(read_changed(file, file.len, 16 + 28, 3),
                     "it is damaged: an encoding's entry");
    ck_assert_str_eq(read_changed(file, file.len, 16 + 24, 1),
                     "it is damaged: an encoding's tokens");
    for (apr_size_t len = 0; len < file.len - 8; len += 97) {
        ck_assert_ptr_nonnull(read_changed(file, len, 0, 'L'));
    }
    ck_assert_ptr_nonnull(
        llm_vocabulary_load(&vocabulary, "/no/such/file", unit_pool));
    ck_assert_ptr_nonnull(llm_vocabulary_load(&vocabulary, "/", unit_pool));
    ck_assert_ptr_null(vocabulary);
    ck_assert_ptr_null(llm_vocabulary_find(NULL, "cl100k_base"));
}
END_TEST

/* Whatever byte is wrong: it is refused, or it encodes something. */
START_TEST(no_changed_byte_does_harm)
{
    test_random_t dice = test_random_make("damage");
    llm_bytes_t file = read_small();

    for (int round = 0; round < 2000; ++round) {
        char *copy = apr_pmemdup(unit_pool, file.data, file.len);
        llm_vocabulary_t *vocabulary = NULL;
        const llm_encoding_t *encoding;

        copy[test_random_below(&dice, round % 2 ? 200 : file.len)] =
            (char)test_random(&dice);
        if (llm_vocabulary_read(&vocabulary, copy, file.len, unit_pool)) {
            continue;
        }
        encoding = llm_vocabulary_find(vocabulary, "cl100k_base");
        if (encoding) {
            (void)llm_bpe_encode(encoding, cut[0].text, strlen(cut[0].text),
                                 NULL, unit_pool);
        }
        apr_pool_clear(unit_pool);
        file = read_small();
    }
}
END_TEST

/* ---- the real ones ----------------------------------------------------- */

#define IDS 24

static const struct {
    const char *text;
    apr_uint32_t cl100k[IDS], o200k[IDS];
    apr_size_t cl100k_count, o200k_count;
} real[] = {
    {"Hello, world! It's 2026.",
     {9906, 11, 1917, 0, 1102, 596, 220, 2366, 21, 13},
     {13225, 11, 2375, 0, 7744, 220, 1323, 21, 13},
     10,
     9},
    {"Größe, être, señor: naïve façade",
     {6600, 80040, 11, 23761, 11, 55330, 269, 25, 95980, 588, 95972, 1037},
     {3193, 52715, 11, 9104, 11, 94716, 25, 153475, 737, 114665},
     12,
     10},
    {"日本語のテキスト🙂",
     {9080, 22656, 45918, 252, 16144, 57933, 62903, 71634, 9468, 19044},
     {9048, 40909, 3385, 16056, 18368, 38236, 37459},
     10,
     7},
    {"    if (x != NULL) {\n        return -1;\n    }\n",
     {262, 422, 320, 87, 976, 1808, 8, 341, 286, 471, 482, 16, 280, 262, 457},
     {271, 538, 350, 87, 1666, 3943, 8, 405, 309, 622, 533, 16, 307, 271, 606},
     15,
     15},
    {"<|endoftext|> is text",
     {27, 91, 8862, 728, 428, 91, 29, 374, 1495},
     {27, 91, 419, 1440, 919, 91, 29, 382, 2201},
     9,
     9},
};

static void compare(const llm_encoding_t *encoding, const char *text,
                    const apr_uint32_t *expected, apr_size_t count)
{
    apr_uint32_t ids[256];

    ck_assert_uint_eq(
        llm_bpe_encode(encoding, text, strlen(text), ids, unit_pool), count);
    for (apr_size_t i = 0; i < count; ++i) {
        ck_assert_uint_eq(ids[i], expected[i]);
    }
}

START_TEST(texts_have_the_ids_of_the_published_encodings)
{
    const char *path = getenv("LLMGW_VOCABULARY");

    if (!path || !*path) {
        printf("# bpe: LLMGW_VOCABULARY is not set, the published encodings "
               "are not compared\n");
        return;
    }
    for (apr_size_t i = 0; i < sizeof(real) / sizeof(real[0]); ++i) {
        compare(load(path, "cl100k_base"), real[i].text, real[i].cl100k,
                real[i].cl100k_count);
        compare(load(path, "o200k_base"), real[i].text, real[i].o200k,
                real[i].o200k_count);
    }
}
END_TEST

Suite *bpe_suite(void)
{
    Suite *suite = suite_create("bpe");
    TCase *pieces = tcase_create("pieces");
    TCase *merges = tcase_create("merges");
    TCase *file = tcase_create("file");
    TCase *published = tcase_create("published");

    tcase_add_checked_fixture(pieces, unit_pool_open, unit_pool_close);
    tcase_add_test(pieces, a_text_is_cut_as_the_expressions_say);
    tcase_add_test(pieces, a_closed_piece_does_not_change);
    tcase_add_test(pieces, characters_have_the_classes_of_unicode_16);
    suite_add_tcase(suite, pieces);
    tcase_add_checked_fixture(merges, unit_pool_open, unit_pool_close);
    tcase_set_timeout(merges, 60);
    tcase_add_test(merges, the_lowest_pair_is_merged_first);
    tcase_add_test(merges, bytes_that_are_no_utf8_have_tokens_too);
    tcase_add_test(merges, a_text_in_two_parts_counts_as_one);
    tcase_add_test(merges, a_long_run_is_no_trouble);
    suite_add_tcase(suite, merges);
    tcase_add_checked_fixture(file, unit_pool_open, unit_pool_close);
    tcase_set_timeout(file, 60);
    tcase_add_test(file, a_damaged_file_is_refused);
    tcase_add_test(file, no_changed_byte_does_harm);
    suite_add_tcase(suite, file);
    tcase_add_checked_fixture(published, unit_pool_open, unit_pool_close);
    tcase_add_test(published, texts_have_the_ids_of_the_published_encodings);
    suite_add_tcase(suite, published);
    return suite;
}
