/* SPDX-License-Identifier: Apache-2.0 */
/* What was compressed comes out as it went in, wherever it was cut. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_buf.h"
#include "core/llm_inflate.h"

static void take(void *baton, const char *data, apr_size_t len)
{
    ck_assert_uint_gt(len, 0);
    llm_buf_append(baton, data, len);
}

START_TEST(codings_nobody_knows_are_refused)
{
    static const char *const codings[] = {"br",         "zstd", "compress",
                                          "gzip, gzip", "gz",   "GZIP,br"};
    apr_size_t i;

    for (i = 0; i < sizeof(codings) / sizeof(*codings); ++i) {
        ck_assert_ptr_null(llm_inflate_make(codings[i], unit_pool));
    }
}
END_TEST

#ifdef LLM_HAVE_ZLIB

#include <zlib.h>

/* zlib's window bits say the form. */
#define GZIP 31
#define ZLIB 15
#define RAW  (-15)

typedef struct packed_t {
    char *data;
    apr_size_t len;
} packed_t;

static packed_t pack(const char *text, apr_size_t len, int bits)
{
    packed_t packed;
    z_stream z;

    memset(&z, 0, sizeof(z));
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, 0), Z_OK);
    packed.len = deflateBound(&z, len) + 32;
    packed.data = apr_palloc(unit_pool, packed.len);
    z.next_in = (Bytef *)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)packed.data;
    z.avail_out = (uInt)packed.len;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.len = z.total_out;
    deflateEnd(&z);
    return packed;
}

static packed_t join(packed_t one, packed_t two)
{
    packed_t both = {apr_palloc(unit_pool, one.len + two.len),
                     one.len + two.len};

    memcpy(both.data, one.data, one.len);
    memcpy(both.data + one.len, two.data, two.len);
    return both;
}

/* What comes out; *pwrong: what was said to be wrong. */
static llm_buf_t *unpack(const char *coding, packed_t packed, apr_size_t piece,
                         const char **pwrong, int *pwhole)
{
    llm_inflate_t *inflate = llm_inflate_make(coding, unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    apr_size_t at, len;

    ck_assert_ptr_nonnull(inflate);
    *pwrong = NULL;
    for (at = 0; at < packed.len && !*pwrong; at += len) {
        char *copy;

        len = packed.len - at < piece ? packed.len - at : piece;
        copy = apr_pmemdup(unit_pool, packed.data + at, len);
        *pwrong = llm_inflate_feed(inflate, copy, len, take, out);
        memset(copy, '?', len);
    }
    *pwhole = llm_inflate_is_whole(inflate);
    return out;
}

static void must_give(const char *coding, packed_t packed, const char *text,
                      apr_size_t len)
{
    static const apr_size_t pieces[] = {1, 2, 7, 1000, 1000000};
    apr_size_t i;

    for (i = 0; i < sizeof(pieces) / sizeof(*pieces); ++i) {
        const char *wrong;
        int whole;
        llm_buf_t *out = unpack(coding, packed, pieces[i], &wrong, &whole);

        ck_assert_msg(!wrong, "%s by %d: %s", coding, (int)pieces[i], wrong);
        ck_assert_int_eq(whole, 1);
        ck_assert_uint_eq(out->len, len);
        ck_assert_int_eq(len ? memcmp(out->data, text, len) : 0, 0);
    }
}

/* Words that do not repeat themselves too soon; more than one window. */
static char *long_text(apr_size_t *plen)
{
    llm_buf_t *text = llm_buf_make(0, unit_pool);
    unsigned i;

    for (i = 0; i < 20000; ++i) {
        llm_buf_printf(text, "word %u, ", i * 2654435761u);
    }
    *plen = text->len;
    return apr_pstrmemdup(unit_pool, text->data, text->len);
}

START_TEST(each_form_comes_out_as_it_went_in)
{
    static const char small[] = "{\"id\":\"chatcmpl-1\"}";
    apr_size_t len;
    char *text = long_text(&len);

    must_give("gzip", pack(small, sizeof(small), GZIP), small, sizeof(small));
    must_give("gzip", pack(text, len, GZIP), text, len);
    must_give("X-GZIP", pack(text, len, GZIP), text, len);
    must_give("deflate", pack(text, len, ZLIB), text, len);
    must_give("Deflate", pack(text, len, RAW), text, len);
    must_give("gzip", pack("", 0, GZIP), "", 0);
}
END_TEST

START_TEST(members_follow_one_another)
{
    packed_t both = join(pack("one ", 4, GZIP), pack("two", 3, GZIP));

    must_give("gzip", both, "one two", 7);
}
END_TEST

START_TEST(padding_behind_the_end_means_nothing)
{
    packed_t zeros = {(char *)"\0\0\0", 3};

    must_give("gzip", join(pack("text", 4, GZIP), zeros), "text", 4);
    must_give("deflate", join(pack("text", 4, ZLIB), zeros), "text", 4);
    must_give("gzip",
              join(join(pack("text", 4, GZIP), zeros), pack("no", 2, GZIP)),
              "text", 4);
}
END_TEST

START_TEST(what_is_cut_off_is_not_whole)
{
    apr_size_t len;
    char *text = long_text(&len);
    packed_t packed = pack(text, len, GZIP);
    const char *wrong;
    int whole;

    packed.len -= 9;
    unpack("gzip", packed, 100, &wrong, &whole);
    ck_assert_ptr_null(wrong);
    ck_assert_int_eq(whole, 0);
}
END_TEST

START_TEST(what_is_damaged_says_so)
{
    packed_t packed = pack("some text, and more of it", 25, GZIP);
    packed_t plain = {(char *)"{\"id\":\"plain\"}", 14};
    const char *wrong;
    int whole;

    packed.data[packed.len - 6] ^= 1; /* the check sum */
    unpack("gzip", packed, 100, &wrong, &whole);
    ck_assert_str_eq(wrong, "its compressed data is damaged");
    unpack("gzip", plain, 100, &wrong, &whole);
    ck_assert_str_eq(wrong, "its compressed data is damaged");
}
END_TEST

START_TEST(a_bomb_is_stopped)
{
    apr_size_t len = 64 * 1024 * 1024;
    char *zeros = apr_pcalloc(unit_pool, len);
    packed_t packed = pack(zeros, len, GZIP);
    const char *wrong;
    int whole;
    llm_buf_t *out = unpack("gzip", packed, 1000000, &wrong, &whole);

    ck_assert_str_eq(wrong,
                     "it is a hundred times as large as its compressed form");
    ck_assert_uint_lt(out->len, 2 * 1024 * 1024);
    /* what is small may be anything */
    must_give("gzip", pack(zeros, 1000000, GZIP), zeros, 1000000);
}
END_TEST

#endif

Suite *inflate_suite(void)
{
    Suite *suite = suite_create("inflate");
    TCase *codings = tcase_create("codings");

    tcase_add_checked_fixture(codings, unit_pool_open, unit_pool_close);
    tcase_add_test(codings, codings_nobody_knows_are_refused);
#ifdef LLM_HAVE_ZLIB
    tcase_add_test(codings, each_form_comes_out_as_it_went_in);
    tcase_add_test(codings, members_follow_one_another);
    tcase_add_test(codings, padding_behind_the_end_means_nothing);
    tcase_add_test(codings, what_is_cut_off_is_not_whole);
    tcase_add_test(codings, what_is_damaged_says_so);
    tcase_add_test(codings, a_bomb_is_stopped);
#endif
    suite_add_tcase(suite, codings);
    return suite;
}
