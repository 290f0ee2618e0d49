/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image takes.
 *
 * Its size stands near the beginning of its file, whatever its format:
 *
 *   PNG    "\x89PNG", a length and "IHDR", width and height of 4 bytes
 *   GIF    "GIF8", two bytes, width and height of 2, low byte first
 *   JPEG   ff d8, then segments: ff, a mark, a length of 2 bytes; in those that
 *          begin a frame precision, height and width follow
 *   WebP   "RIFF", a length, "WEBP", a chunk "VP8 ", "VP8L" or "VP8X", each
 *          with the size at a place of its own
 *
 * Only so much is decoded as is needed to find it. What has no size that can
 * be seen costs what the family's page says an ordinary one does.
 */
#include "core/llm_tokens.h"

#include <string.h>

/* Decoded at most; a JPEG may have long notes before its size. */
#define HEAD_MAX 65536
/* What a server shrinks an image to before it cuts it: no count grows past. */
#define SIDE_MAX 100000

typedef struct bytes_t {
    const unsigned char *at;
    apr_size_t len;
} bytes_t;

typedef struct size_two_t {
    apr_uint64_t width, height;
} size_two_t;

/* ---- sizes ------------------------------------------------------------- */

static unsigned big(const unsigned char *at, int count)
{
    unsigned number = 0;

    for (int i = 0; i < count; ++i) {
        number = number << 8 | at[i];
    }
    return number;
}

static unsigned little(const unsigned char *at, int count)
{
    unsigned number = 0;

    for (int i = count; i > 0; --i) {
        number = number << 8 | at[i - 1];
    }
    return number;
}

static size_two_t size_of_png(bytes_t file)
{
    size_two_t size = {0, 0};

    if (file.len >= 24 && !memcmp(file.at + 12, "IHDR", 4)) {
        size.width = big(file.at + 16, 4);
        size.height = big(file.at + 20, 4);
    }
    return size;
}

static size_two_t size_of_gif(bytes_t file)
{
    size_two_t size = {0, 0};

    if (file.len >= 10) {
        size.width = little(file.at + 6, 2);
        size.height = little(file.at + 8, 2);
    }
    return size;
}

/* c0 to cf begin a frame, but for three that hold tables. */
static int begins_frame(unsigned char mark)
{
    return mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8
           && mark != 0xcc;
}

static size_two_t size_of_jpeg(bytes_t file)
{
    size_two_t size = {0, 0};
    apr_size_t at = 2;

    while (at + 9 <= file.len && file.at[at] == 0xff) {
        if (file.at[at + 1] == 0xff) {
            ++at; /* filling */
        }
        else if (begins_frame(file.at[at + 1])) {
            size.height = big(file.at + at + 5, 2);
            size.width = big(file.at + at + 7, 2);
            break;
        }
        else {
            at += 2 + (apr_size_t)big(file.at + at + 2, 2);
        }
    }
    return size;
}

static size_two_t size_of_webp(bytes_t file)
{
    size_two_t size = {0, 0};

    if (file.len < 30) {
        return size;
    }
    if (!memcmp(file.at + 12, "VP8 ", 4)) {
        size.width = little(file.at + 26, 2) & 0x3fff;
        size.height = little(file.at + 28, 2) & 0x3fff;
    }
    else if (!memcmp(file.at + 12, "VP8L", 4)) {
        unsigned bits = little(file.at + 21, 4);

        size.width = (bits & 0x3fff) + 1;
        size.height = (bits >> 14 & 0x3fff) + 1;
    }
    else if (!memcmp(file.at + 12, "VP8X", 4)) {
        size.width = little(file.at + 24, 3) + 1;
        size.height = little(file.at + 27, 3) + 1;
    }
    return size;
}

static size_two_t size_of(bytes_t file)
{
    size_two_t none = {0, 0};

    if (file.len < 12) {
        return none;
    }
    return !memcmp(file.at, "\x89PNG", 4)    ? size_of_png(file)
           : !memcmp(file.at, "GIF8", 4)     ? size_of_gif(file)
           : !memcmp(file.at, "\xff\xd8", 2) ? size_of_jpeg(file)
           : !memcmp(file.at, "RIFF", 4) && !memcmp(file.at + 8, "WEBP", 4)
               ? size_of_webp(file)
               : none;
}

/* ---- base64 ------------------------------------------------------------ */

/* 64 for what is none. Both alphabets; a slash may be escaped in JSON. */
static unsigned digit_of(unsigned char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                 "qrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c == '-'   ? '+'
                                           : c == '_' ? '/'
                                                      : c)
                          : NULL;

    return found ? (unsigned)(found - digits) : 64;
}

static bytes_t decode_head(llm_text_t data, apr_pool_t *pool)
{
    apr_size_t most = data.len < HEAD_MAX ? data.len : HEAD_MAX;
    unsigned char *file = apr_palloc(pool, most + 1);
    bytes_t head = {file, 0};
    unsigned bits = 0, have = 0;

    for (apr_size_t i = 0; i < data.len && head.len < most; ++i) {
        unsigned digit = digit_of((unsigned char)data.data[i]);

        if (digit < 64) {
            bits = bits << 6 | digit;
            have += 6;
        }
        if (have >= 8) {
            have -= 8;
            file[head.len++] = (unsigned char)(bits >> have);
        }
    }
    return head;
}

/* What follows "data:image/png;base64,". */
static llm_text_t inside(llm_text_t data)
{
    const char *comma = data.len > 5 && !memcmp(data.data, "data:", 5)
                            ? memchr(data.data, ',', data.len)
                            : NULL;

    if (comma) {
        data.len -= (apr_size_t)(comma + 1 - data.data);
        data.data = comma + 1;
    }
    return data;
}

/* ---- tokens ------------------------------------------------------------ */

static apr_uint64_t parts(apr_uint64_t side, apr_uint64_t part)
{
    return (side + part - 1) / part;
}

/* Shrunk to fit 2048 x 2048, then to a short side of 768. */
static apr_uint64_t tiles_of(size_two_t size)
{
    apr_uint64_t wide = size.width, high = size.height;
    apr_uint64_t most = wide > high ? wide : high, least;

    if (most > 2048) {
        wide = parts(wide * 2048, most);
        high = parts(high * 2048, most);
    }
    least = wide < high ? wide : high;
    if (least > 768) {
        wide = wide * 768 / least;
        high = high * 768 / least;
    }
    return parts(wide, 512) * parts(high, 512);
}

static apr_uint64_t patches_of(size_two_t size)
{
    apr_uint64_t patches = parts(size.width, 32) * parts(size.height, 32);

    return patches < 1536 ? patches : 1536;
}

static apr_uint64_t area_of(const llm_image_price_t *price, size_two_t size)
{
    apr_uint64_t tokens = parts(size.width * size.height, price->each);

    return tokens < price->first ? tokens : price->first;
}

apr_int64_t llm_tokens_of_media(const llm_image_price_t *price, llm_text_t data,
                                int coarse, apr_pool_t *pool)
{
    size_two_t size;

    if (price->kind == LLM_IMAGE_FLAT
        || (coarse && price->kind == LLM_IMAGE_TILES)) {
        return price->first;
    }
    size = size_of(decode_head(inside(data), pool));
    if (!size.width || !size.height || size.width > SIDE_MAX
        || size.height > SIDE_MAX) {
        return price->unknown;
    }
    switch (price->kind) {
    case LLM_IMAGE_TILES:
        return (apr_int64_t)(price->first + price->each * tiles_of(size));
    case LLM_IMAGE_PATCHES:
        return (apr_int64_t)(price->each * patches_of(size) / 100);
    default:
        return (apr_int64_t)area_of(price, size);
    }
}
