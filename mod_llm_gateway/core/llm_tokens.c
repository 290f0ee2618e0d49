/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting text as it passes.
 *
 * Without a vocabulary characters are weighed: letters make words, which are
 * few tokens, digits and signs are more, and other scripts have weights of
 * their own. The weights were fitted to what o200k_base makes of the recorded
 * exchanges and of the texts in test/tokens/texts.json.
 *
 * By an encoding: text is kept, unescaped, until there is a good deal of it,
 * because most answers end with the provider's own count and need no other.
 * Then what can no longer be changed by what follows is counted and forgotten.
 * So an answer is never held whole, and yet counted as if it were. The weights
 * tell then in which scripts it was written: a family of models differs from
 * the encoding by that.
 */
#include "core/llm_tokens.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_buf.h"
#include "core/llm_pattern.h"

/* Kept before it is counted. */
#define KEPT_MAX 16384
/* What may be left of it then: a longer piece without a boundary is cut. */
#define LEFT_MAX 4096

typedef struct llm_counter_t {
    const llm_encoding_t *encoding;
    int is_own;         /* the encoding is the model's own */
    apr_int64_t tokens; /* of what is forgotten */
    int run;            /* of what is kept */
    llm_buf_t *kept;
    apr_pool_t *decoded; /* of one call: text without its escapes */
    apr_pool_t *scratch; /* of one call: the encoder's */
} llm_counter_t;

/* ---- which encoding ---------------------------------------------------- */

/* A longer name is compared by its beginning: no pattern is that long. */
#define NAME_MAX_LENGTH 128

typedef struct line_t {
    const char *model, *encoding, *family;
    unsigned tools, forced;
} line_t;

static const line_t lines[] = {
#define ENCODING(model, encoding, family, tools, forced)                       \
    {model, encoding, family, tools, forced},
#include "core/llm_encodings.def"
#undef ENCODING
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

/* The last line, which holds every name, where no other does. */
static const line_t *line_of(const char *name)
{
    for (apr_size_t i = 0; i + 1 < LINES; ++i) {
        if (llm_pattern_match(lines[i].model, name, NULL)) {
            return &lines[i];
        }
    }
    return &lines[LINES - 1];
}

/* "us.anthropic.claude-opus-4": the name may stand behind a dot. */
static const line_t *find_line(const char *name)
{
    const line_t *line = line_of(name);

    while (line == &lines[LINES - 1] && (name = strchr(name, '.'))) {
        line = line_of(++name);
    }
    return line;
}

llm_tokenizer_t llm_tokenizer_find(const llm_vocabulary_t *vocabulary,
                                   const char *model)
{
    llm_tokenizer_t tokenizer;
    const char *slash = model ? strrchr(model, '/') : NULL;
    char name[NAME_MAX_LENGTH];
    const line_t *line;

    apr_cpystrn(name, slash ? slash + 1 : model ? model : "", sizeof(name));
    for (char *at = name; *at; ++at) {
        *at = (char)apr_tolower(*at);
    }
    line = find_line(name);
    tokenizer.encoding = llm_vocabulary_find(vocabulary, line->encoding);
    tokenizer.family = llm_family_find(line->family);
    tokenizer.tools = line->tools;
    tokenizer.forced = line->forced;
    return tokenizer;
}

/* ---- characters -------------------------------------------------------- */

static const unsigned weights[LLM_SCRIPTS] = {
    [LLM_SCRIPT_ASCII] = 400,  [LLM_SCRIPT_ACCENTED] = 900,
    [LLM_SCRIPT_GREEK] = 400,  [LLM_SCRIPT_SEMITIC] = 520,
    [LLM_SCRIPT_INDIC] = 450,  [LLM_SCRIPT_EAST] = 800,
    [LLM_SCRIPT_OTHER] = 1000,
};
#define LETTER_WEIGHT 190
#define DIGIT_WEIGHT  500
#define BLANK_WEIGHT  250 /* what indents a line is one token as a whole */
#define LINE_WEIGHT   900

static unsigned weight_of(unsigned char c, unsigned char last)
{
    if (apr_isalpha(c)) {
        return LETTER_WEIGHT;
    }
    if (apr_isdigit(c)) {
        return DIGIT_WEIGHT;
    }
    if (apr_isspace(c)) {
        return last && apr_isspace(last) ? 20
               : c == ' '                ? BLANK_WEIGHT
                                         : LINE_WEIGHT;
    }
    return weights[LLM_SCRIPT_ASCII];
}

static const struct {
    unsigned end; /* the first character behind */
    llm_script_e script;
} scripts[] = {
    {0x00c0, LLM_SCRIPT_ASCII}, /* signs, as used between Latin letters */
    {0x0250, LLM_SCRIPT_ACCENTED}, {0x0370, LLM_SCRIPT_OTHER},
    {0x0530, LLM_SCRIPT_GREEK},    {0x0590, LLM_SCRIPT_OTHER},
    {0x0900, LLM_SCRIPT_SEMITIC},  {0x0f00, LLM_SCRIPT_INDIC},
    {0x1e00, LLM_SCRIPT_OTHER},    {0x1f00, LLM_SCRIPT_ACCENTED},
    {0x2000, LLM_SCRIPT_GREEK},    {0x2070, LLM_SCRIPT_ASCII},
    {0x2e80, LLM_SCRIPT_OTHER},    {0xa000, LLM_SCRIPT_EAST},
    {0xac00, LLM_SCRIPT_OTHER},    {0xd7b0, LLM_SCRIPT_EAST},
    {0xf900, LLM_SCRIPT_OTHER},    {0xfb00, LLM_SCRIPT_EAST},
    {0xfe00, LLM_SCRIPT_SEMITIC},  {0xff00, LLM_SCRIPT_OTHER},
    {0xfff0, LLM_SCRIPT_EAST},     {0x20000, LLM_SCRIPT_OTHER},
    {0x30000, LLM_SCRIPT_EAST},
};

static llm_script_e script_of(unsigned character)
{
    for (apr_size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); ++i) {
        if (character < scripts[i].end) {
            return scripts[i].script;
        }
    }
    return LLM_SCRIPT_OTHER;
}

static void weigh_character(llm_tally_t *tally, unsigned character)
{
    if (character < 0x80) {
        tally->weights[LLM_SCRIPT_ASCII] +=
            weight_of((unsigned char)character, tally->last);
        tally->last = (unsigned char)character;
    }
    else {
        llm_script_e script = script_of(character);

        tally->weights[script] += weights[script];
        tally->last = 0;
    }
}

/* The character at *pat, which is moved behind it. What is cut off or no UTF-8
 * counts as something. */
static unsigned next_character(const char **pat, const char *end)
{
    const unsigned char *at = (const unsigned char *)*pat;
    unsigned length = at[0] < 0xc0   ? 1
                      : at[0] < 0xe0 ? 2
                      : at[0] < 0xf0 ? 3
                                     : 4;
    unsigned character = length == 1 ? at[0] : at[0] & (0x7fu >> length);

    if ((apr_size_t)(end - *pat) < length) {
        *pat = end;
        return 0xfffd;
    }
    for (unsigned i = 1; i < length; ++i) {
        character = character << 6 | (at[i] & 0x3fu);
    }
    *pat += length;
    return character;
}

static void weigh(llm_tally_t *tally, const char *at, apr_size_t len)
{
    const char *end = at + len;

    while (at < end) {
        weigh_character(tally, next_character(&at, end));
    }
}

/* Both halves of a pair count, as a character outside the plane would. */
static unsigned escaped(const char **pat, const char *end)
{
    const char *at = *pat;
    unsigned character = 0;

    if (at + 1 < end && at[1] == 'u') {
        for (int i = 2; i < 6 && at + i < end; ++i) {
            unsigned char c = (unsigned char)at[i];

            character =
                character << 4
                | (unsigned)(apr_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        *pat = end - at < 6 ? end : at + 6;
        return character;
    }
    *pat = end - at < 2 ? end : at + 2;
    return at + 1 < end && at[1] == 'n' ? '\n' : '"';
}

static void weigh_escaped(llm_tally_t *tally, llm_text_t text)
{
    const char *at = text.data, *end = text.data + text.len;

    while (at < end) {
        weigh_character(tally, *at == '\\' ? escaped(&at, end)
                                           : next_character(&at, end));
    }
}

/* In o200k_base's tokens, and in those of the family. */
static void weigh_all(const llm_tally_t *tally, const llm_family_t *family,
                      double *ptokens, double *pown)
{
    *ptokens = *pown = 0;
    for (int i = 0; i < LLM_SCRIPTS; ++i) {
        *ptokens += (double)tally->weights[i] / 1000;
        *pown += (double)tally->weights[i] * family->percent[i] / 100000;
    }
}

/* ---- by an encoding ---------------------------------------------------- */

static int is_own(const llm_family_t *family)
{
    for (int i = 0; i < LLM_SCRIPTS; ++i) {
        if (family->percent[i] != 100) {
            return 0;
        }
    }
    return 1;
}

void llm_tally_open(llm_tally_t *tally, llm_tokenizer_t tokenizer,
                    apr_pool_t *pool)
{
    llm_counter_t *counter;

    tally->family = tokenizer.family;
    if (!tokenizer.encoding) {
        return;
    }
    counter = apr_pcalloc(pool, sizeof(*counter));
    counter->encoding = tokenizer.encoding;
    counter->is_own = is_own(tokenizer.family);
    counter->kept = llm_buf_make(0, pool);
    apr_pool_create(&counter->decoded, pool);
    apr_pool_tag(counter->decoded, "llm_counter_decoded");
    apr_pool_create(&counter->scratch, pool);
    apr_pool_tag(counter->scratch, "llm_counter_scratch");
    tally->counter = counter;
}

/* Counts what is certain and forgets it. */
static void count_kept(llm_counter_t *counter)
{
    const llm_encoding_t *encoding = counter->encoding;
    apr_size_t used = 0;

    if (!counter->kept->len) {
        return;
    }
    counter->tokens += (apr_int64_t)llm_bpe_count_part(
        encoding, counter->kept->data, counter->kept->len, &used,
        counter->scratch);
    llm_buf_drop(counter->kept, used);
    apr_pool_clear(counter->scratch);
}

static apr_int64_t tokens_kept(llm_counter_t *counter)
{
    apr_size_t tokens;

    if (!counter->kept->len) {
        return 0;
    }
    tokens = llm_bpe_encode(counter->encoding, counter->kept->data,
                            counter->kept->len, NULL, counter->scratch);
    apr_pool_clear(counter->scratch);
    return (apr_int64_t)tokens;
}

static void end_run(llm_counter_t *counter)
{
    counter->tokens += tokens_kept(counter);
    llm_buf_clear(counter->kept);
}

static void keep(llm_counter_t *counter, const char *data, apr_size_t len,
                 int run)
{
    if (run != counter->run) {
        end_run(counter);
        counter->run = run;
    }
    while (len) {
        apr_size_t part = len < KEPT_MAX ? len : KEPT_MAX;

        llm_buf_append(counter->kept, data, part);
        data += part;
        len -= part;
        if (counter->kept->len >= KEPT_MAX) {
            count_kept(counter);
            if (counter->kept->len > LEFT_MAX) {
                end_run(counter);
            }
        }
    }
}

/* ---- as it passes ------------------------------------------------------ */

void llm_tally_add_plain(llm_tally_t *tally, llm_bytes_t text, int run)
{
    if (!tally->counter || !tally->counter->is_own) {
        weigh(tally, text.data, text.len);
    }
    if (tally->counter && text.len) {
        keep(tally->counter, text.data, text.len, run);
    }
}

void llm_tally_add(llm_tally_t *tally, llm_text_t text, int run)
{
    llm_bytes_t plain = {text.data, text.len};

    if (!tally->counter) {
        weigh_escaped(tally, text);
        return;
    }
    if (text.len && memchr(text.data, '\\', text.len)) {
        plain = llm_text_decode(text, tally->counter->decoded);
    }
    llm_tally_add_plain(tally, plain, run);
    apr_pool_clear(tally->counter->decoded);
}

apr_int64_t llm_tally_tokens(llm_tally_t *tally)
{
    llm_counter_t *counter = tally->counter;
    double weighed, own;
    apr_int64_t tokens;

    if (counter && counter->is_own) {
        count_kept(counter);
        return counter->tokens + tokens_kept(counter);
    }
    weigh_all(tally, tally->family ? tally->family : llm_family_find("other"),
              &weighed, &own);
    if (!counter) {
        tokens = (apr_int64_t)(own + 0.5);
        return tokens || own <= 0 ? tokens : 1;
    }
    count_kept(counter);
    tokens = counter->tokens + tokens_kept(counter);
    return weighed > 0 ? (apr_int64_t)((double)tokens * own / weighed + 0.5)
                       : tokens;
}
