/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-tokenizers of cl100k_base and o200k_base.
 *
 * The encodings define them as regular expressions, whose alternatives are
 * tried in order:
 *
 *   cl100k  (?i:'s|'t|'re|'ve|'m|'ll|'d)          a contraction
 *           [^\r\n\p{L}\p{N}]?\p{L}+              a word, with what is before
 *           \p{N}{1,3}                            up to three digits
 *            ?[^\s\p{L}\p{N}]+[\r\n]*             symbols
 *           \s*[\r\n]+ | \s+(?!\S) | \s+          blanks
 *   o200k   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*
 *             [\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|...)?
 *           [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+
 *             [\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|...)?
 *           \p{N}{1,3}
 *            ?[^\s\p{L}\p{N}]+[\r\n/]*
 *           \s*[\r\n]+ | \s+(?!\S) | \s+
 *
 * Here they are functions that read forward. Where an expression would go back
 * (blanks, and the two halves of o200k's words) it is known beforehand where
 * to: a run is read once and the places that matter are noted, so that no text
 * takes more than a few looks at each character.
 */
#include "core/llm_bpe_split.h"

#include <string.h>

#include "core/llm_unicode.h"
#include "core/llm_utf8.h"

#define LETTERS (LLM_UNICODE_UPPER | LLM_UNICODE_LOWER | LLM_UNICODE_LETTER)
#define SYMBOLS (LLM_UNICODE_OTHER | LLM_UNICODE_MARK)
/* o200k: what may stand in both halves of a word, and in one of them */
#define CASELESS (LLM_UNICODE_LETTER | LLM_UNICODE_MARK)
#define UPPERS   (LLM_UNICODE_UPPER | CASELESS)
#define LOWERS   (LLM_UNICODE_LOWER | CASELESS)

#define LONG_S 0x17F /* what "s" is too when case is ignored */

typedef struct text_t {
    const char *end;
    int open; /* the end was looked at */
} text_t;

/* A character; class 0 at the end of the text. */
typedef struct glyph_t {
    unsigned class;
    apr_uint32_t point;
    const char *next;
} glyph_t;

static apr_uint32_t point_of(const char *at, apr_size_t length)
{
    const unsigned char *byte = (const unsigned char *)at;

    return length == 2 ? (apr_uint32_t)(byte[0] & 0x1F) << 6 | (byte[1] & 0x3F)
           : length == 3
               ? (apr_uint32_t)(byte[0] & 0x0F) << 12
                     | (apr_uint32_t)(byte[1] & 0x3F) << 6 | (byte[2] & 0x3F)
               : (apr_uint32_t)(byte[0] & 0x07) << 18
                     | (apr_uint32_t)(byte[1] & 0x3F) << 12
                     | (apr_uint32_t)(byte[2] & 0x3F) << 6 | (byte[3] & 0x3F);
}

static glyph_t look_wide(text_t *text, const char *at)
{
    glyph_t glyph = {LLM_UNICODE_OTHER, 0xFFFD, at + 1};
    apr_size_t length = llm_utf8_length(at, text->end);

    if (length) {
        glyph.point = point_of(at, length);
        glyph.class = llm_unicode_class(glyph.point);
        glyph.next = at + length;
    }
    else if (text->end - at < 4) {
        text->open = 1; /* the rest of a character may follow */
    }
    return glyph;
}

static inline glyph_t look(text_t *text, const char *at)
{
    glyph_t glyph = {0, 0, at};

    if (at >= text->end) {
        text->open = 1;
        return glyph;
    }
    if ((unsigned char)*at >= 0x80) {
        return look_wide(text, at);
    }
    glyph.point = (unsigned char)*at;
    glyph.class = llm_unicode_class(glyph.point);
    glyph.next = at + 1;
    return glyph;
}

static int is_line_end(apr_uint32_t point)
{
    return point == '\r' || point == '\n';
}

static apr_uint32_t lower(apr_uint32_t point)
{
    return point >= 'A' && point <= 'Z' ? point + 0x20
           : point == LONG_S            ? 's'
                                        : point;
}

/* Behind 's, 't, 're, 've, 'm, 'll, 'd; NULL when there is none. */
static const char *contraction_end(text_t *text, const char *at)
{
    glyph_t glyph = look(text, at), second;
    apr_uint32_t wanted;

    if (glyph.point != '\'') {
        return NULL;
    }
    glyph = look(text, glyph.next);
    switch (lower(glyph.point)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return glyph.next;
    case 'r':
    case 'v':
        wanted = 'e';
        break;
    case 'l':
        wanted = 'l';
        break;
    default:
        return NULL;
    }
    second = look(text, glyph.next);
    return lower(second.point) == wanted ? second.next : NULL;
}

static const char *number_end(text_t *text, glyph_t glyph)
{
    glyph_t next;

    for (int digits = 1; digits < 3; ++digits) {
        next = look(text, glyph.next);
        if (next.class != LLM_UNICODE_NUMBER) {
            break;
        }
        glyph = next;
    }
    return glyph.next;
}

/* Behind symbols with at most one space before them, and the line ends (and
 * slashes, where these count) that follow; NULL when there are none. */
static const char *symbols_end(text_t *text, glyph_t first, int with_slashes)
{
    glyph_t glyph = first.point == ' ' ? look(text, first.next) : first;

    if (!(glyph.class & SYMBOLS)) {
        return NULL;
    }
    while (glyph.class & SYMBOLS) {
        first = glyph;
        glyph = look(text, glyph.next);
    }
    while (is_line_end(glyph.point) || (with_slashes && glyph.point == '/')) {
        first = glyph;
        glyph = look(text, glyph.next);
    }
    return first.next;
}

/* Up to the last line end of the run; where there is none all of it at the
 * end of the text, else all but the last blank, which goes with what
 * follows, unless it is the only one. */
static const char *blanks_end(text_t *text, const char *at)
{
    const char *lines = NULL, *last = at, *end = at;
    glyph_t glyph = look(text, at);

    while (glyph.class == LLM_UNICODE_SPACE) {
        last = end;
        end = glyph.next;
        lines = is_line_end(glyph.point) ? end : lines;
        glyph = look(text, end);
    }
    return lines ? lines : glyph.class && last > at ? last : end;
}

/* ---- cl100k_base ------------------------------------------------------- */

static const char *word_end(text_t *text, glyph_t glyph)
{
    const char *end = glyph.next;

    while (glyph.class & LETTERS) {
        end = glyph.next;
        glyph = look(text, end);
    }
    return end;
}

static const char *piece_of_cl100k(text_t *text, const char *at)
{
    glyph_t first = look(text, at), second;
    const char *end = NULL;

    if (first.class & LETTERS) {
        return word_end(text, first);
    }
    if (first.class == LLM_UNICODE_NUMBER) {
        return number_end(text, first);
    }
    end = contraction_end(text, at);
    if (end) {
        return end;
    }
    if (!is_line_end(first.point)) {
        second = look(text, first.next);
        if (second.class & LETTERS) {
            return word_end(text, second);
        }
    }
    end = symbols_end(text, first, 0);
    return end ? end : blanks_end(text, at);
}

/* ---- o200k_base -------------------------------------------------------- */

/* The first alternative: any number of UPPERS, then LOWERS. Where no
 * lower-case letter follows the first run, the second half is the last of the
 * caseless characters in it. NULL: there is none. */
static const char *lowered_end(text_t *text, const char *at)
{
    const char *caseless = NULL;
    glyph_t glyph = look(text, at);

    while (glyph.class & UPPERS) {
        caseless = glyph.class & CASELESS ? glyph.next : caseless;
        glyph = look(text, glyph.next);
    }
    while (glyph.class & LOWERS) {
        caseless = glyph.next;
        glyph = look(text, glyph.next);
    }
    return caseless;
}

/* The second one, where the first does not match: capitals alone. */
static const char *capitals_end(text_t *text, const char *at)
{
    const char *end = NULL;
    glyph_t glyph = look(text, at);

    while (glyph.class & UPPERS) {
        end = glyph.next;
        glyph = look(text, end);
    }
    return end;
}

static const char *cased_word_end(text_t *text, const char *at, glyph_t first)
{
    int may_lead = first.class & (SYMBOLS | LLM_UNICODE_SPACE)
                   && !is_line_end(first.point);
    const char *end = NULL;

    end = may_lead ? lowered_end(text, first.next) : NULL;
    end = end ? end : lowered_end(text, at);
    end = end || !may_lead ? end : capitals_end(text, first.next);
    return end ? end : capitals_end(text, at);
}

static const char *piece_of_o200k(text_t *text, const char *at)
{
    glyph_t first = look(text, at);
    const char *end, *contraction;

    if (first.class == LLM_UNICODE_NUMBER) {
        return number_end(text, first);
    }
    end = cased_word_end(text, at, first);
    if (end) {
        contraction = contraction_end(text, end);
        return contraction ? contraction : end;
    }
    end = symbols_end(text, first, 1);
    return end ? end : blanks_end(text, at);
}

/* ---- the table --------------------------------------------------------- */

#define SPLIT(name)                                                            \
    static const char *split_##name(const char *at, const char *end,           \
                                    int *popen)                                \
    {                                                                          \
        text_t text = {end, 0};                                                \
        const char *stop = piece_of_##name(&text, at);                         \
                                                                               \
        *popen |= text.open;                                                   \
        return stop;                                                           \
    }
SPLIT(cl100k)
SPLIT(o200k)

static const struct {
    const char *name;
    llm_bpe_split_fn *split;
} splits[] = {
    {"cl100k_base", split_cl100k},
    {"o200k_base", split_o200k},
};

llm_bpe_split_fn *llm_bpe_split_find(const char *name)
{
    for (apr_size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); ++i) {
        if (!strcmp(splits[i].name, name)) {
            return splits[i].split;
        }
    }
    return NULL;
}
