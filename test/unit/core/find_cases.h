/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of core/llm_find.h, against loops that look at one byte at a
 * time. Included twice: once for SSE2 and once for plain words.
 */
#include <string.h>

#include "core/llm_find.h"
#include "test/unit/core/random.h"

#define FIND_ROOM 160

static int find_is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

static int find_is_unplain(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20
           || (unsigned char)c >= 0x80;
}

static const char *find_slowly(const char *at, const char *end,
                               int (*is_hit)(char c))
{
    while (at < end && !is_hit(*at)) {
        ++at;
    }
    return at;
}

/* Do the masks of 64 bytes say what looking at each of them says? */
static int find_agrees_on_block(const char *at)
{
    llm_find_block_t block = llm_find_block(at), slow = {0, 0, 0};
    apr_uint64_t ends = 0;
    unsigned i;

    for (i = 0; i < 64; ++i) {
        apr_uint64_t bit = (apr_uint64_t)1 << i;
        char c = at[i];

        slow.quotes |= c == '"' ? bit : 0;
        slow.slashes |= c == '\\' ? bit : 0;
        slow.brackets |= c == '[' || c == ']' || c == '{' || c == '}' ? bit : 0;
        ends |= find_is_unplain(c) ? bit : 0;
    }
    return block.quotes == slow.quotes && block.slashes == slow.slashes
           && block.brackets == slow.brackets
           && llm_find_text_ends(at) == (apr_uint32_t)ends;
}

static int find_agrees_on_ends(const char *at, const char *end)
{
    return llm_find_plain_end(at, end) == find_slowly(at, end, find_is_unplain)
           && llm_find_line_end(at, end)
                  == find_slowly(at, end, find_is_line_end);
}

/* One byte among 63 others: every value at every place. */
static void find_check_values(void)
{
    char bytes[64];
    unsigned value, place;

    for (value = 0; value < 256; ++value) {
        ck_assert_int_eq(llm_find_is_text_end((char)value),
                         find_is_unplain((char)value));
        for (place = 0; place < sizeof(bytes); ++place) {
            memset(bytes, 'x', sizeof(bytes));
            bytes[place] = (char)value;
            if (!find_agrees_on_block(bytes)
                || !find_agrees_on_ends(bytes, bytes + sizeof(bytes))) {
                ck_abort_msg("byte %u at %u", value, place);
            }
        }
    }
}

/* Random bytes, at each distance from the end: nothing past it is found. */
static void find_check_ends(void)
{
    test_random_t dice = test_random_make("find");
    char bytes[FIND_ROOM + 1];
    unsigned round, i, len;

    for (round = 0; round < 200; ++round) {
        for (i = 0; i < FIND_ROOM; ++i) {
            bytes[i] =
                test_random_below(&dice, 40) ? 'a' : (char)test_random(&dice);
        }
        ck_assert(find_agrees_on_block(bytes));
        for (len = 0; len < FIND_ROOM; ++len) {
            char kept = bytes[len];

            bytes[len] = round & 1 ? '"' : '\n';
            if (!find_agrees_on_ends(bytes, bytes + len)) {
                ck_abort_msg("past the end at %u", len);
            }
            bytes[len] = kept;
        }
    }
}
