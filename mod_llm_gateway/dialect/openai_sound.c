/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in more than text, in OpenAI's words: `modalities` and `audio` of a
 * request, `audio` of a message or delta.
 *
 * OpenAI's sound has a transcript, which is a text here like any other. Where
 * the bytes come from elsewhere they are mostly samples without a head
 * (audio/L16, 24000 a second), which is OpenAI's pcm16; "wav" is the same behind
 * a head, made here so that it has a number of bytes that base64 need not touch:
 * a JUNK chunk of two bytes brings it to 54. In a stream there is pcm16 alone,
 * at OpenAI too. The id of such an answer is of no use, and it has expired when
 * it was made: nothing is kept here.
 */
#include "dialect/openai_internal.h"

#include <string.h>
#include <strings.h>

#include <apr_base64.h>
#include <apr_strings.h>

#define RATE     24000 /* samples a second of pcm16 */
#define WAV_HEAD 54    /* bytes: a multiple of three */

/* ---- requests ---- */

static const llm_word_t modality_words[] = {
    {"text", LLM_SHOW_TEXT},
    {"image", LLM_SHOW_IMAGE},
    {"audio", LLM_SHOW_SOUND},
    {NULL, 0},
};

static llm_problem_t *read_audio(llm_ask_t *ask, const llm_json_t *audio,
                                 apr_pool_t *pool)
{
    static const char *const known[] = {"voice", "format", NULL};
    const llm_json_t *voice = llm_json_want(audio, "voice");
    const llm_json_t *format = llm_json_want(audio, "format");

    if (audio->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool, "audio", "expected an object");
    }
    if (voice && voice->type != LLM_JSON_STRING) {
        return llm_problem_field(pool, "audio.voice",
                                 "expected the name of a voice");
    }
    if (format && format->type != LLM_JSON_STRING) {
        return llm_problem_field(pool, "audio.format", "expected a string");
    }
    ask->voice = llm_json_text(voice);
    ask->sound_format = llm_json_text(format);
    llm_ask_add_unknowns(ask, audio, known, "audio", pool);
    return NULL;
}

llm_problem_t *llm_openai_read_modalities(llm_ask_t *ask, const llm_json_t *doc,
                                          apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "modalities"), *node;
    const llm_json_t *audio = llm_json_want(doc, "audio");

    if (list && list->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "modalities", "expected an array");
    }
    for (node = list ? list->child : NULL; node; node = node->next) {
        int bit = llm_word_value(modality_words, llm_json_text(node), 0);

        ask->modalities |= (unsigned)bit;
        if (!bit) {
            ask->modalities = 0;
            llm_ask_add_unknown(ask, list, NULL, pool);
            break;
        }
    }
    if (audio && (ask->modalities & LLM_SHOW_SOUND)) {
        return read_audio(ask, audio, pool);
    }
    llm_ask_add_unknown(ask, audio, NULL, pool);
    return NULL;
}

void llm_openai_put_modalities(llm_buf_t *out, const llm_ask_t *ask)
{
    if (ask->modalities & LLM_SHOW_SOUND) {
        llm_put_raw_member(out, "modalities", "[\"text\",\"audio\"]");
        llm_put_name(out, "audio");
        llm_buf_putc(out, '{');
        llm_put_text_member(out, "voice",
                            ask->voice.data ? ask->voice
                                            : LLM_TEXT_LITERAL("alloy"));
        llm_put_text_member(out, "format",
                            ask->sound_format.data ? ask->sound_format
                                                   : LLM_TEXT_LITERAL("pcm16"));
        llm_buf_putc(out, '}');
    }
    else if (ask->modalities & LLM_SHOW_IMAGE) {
        llm_put_raw_member(out, "modalities", "[\"image\",\"text\"]");
    }
}

/* ---- a provider's answer ---- */

static const struct {
    const char *format, *type;
} formats[] = {
    {"pcm16", "audio/L16;codec=pcm;rate=24000"},
    {"wav", "audio/wav"},
    {"mp3", "audio/mpeg"},
    {"flac", "audio/flac"},
    {"aac", "audio/aac"},
    {"opus", "audio/ogg"},
    {NULL, NULL},
};

void llm_openai_read_sound(llm_parts_t *parts, const llm_ask_t *ask,
                           const llm_json_t *said, apr_pool_t *pool)
{
    const llm_json_t *audio = llm_json_want(said, "audio");
    llm_text_t transcript = llm_json_text(llm_json_want(audio, "transcript"));
    llm_text_t data = llm_json_text(llm_json_want(audio, "data"));
    llm_media_t *media;
    int i = 0;

    if (transcript.len) {
        llm_parts_add_text(parts, LLM_PART_TEXT, transcript, pool);
    }
    if (!data.len) {
        return;
    }
    while (ask && ask->sound_format.data && formats[i].format
           && !llm_text_equals(ask->sound_format, formats[i].format)) {
        ++i;
    }
    media = apr_pcalloc(pool, sizeof(*media));
    media->media_type = formats[i].type ? formats[i].type : "audio/basic";
    media->base64 = data;
    llm_parts_add_shown(parts, media, pool);
}

/* ---- for clients ---- */

static int is_type(const char *type, const char *word)
{
    apr_size_t len = strlen(word);

    return !strncasecmp(type, word, len)
           && (!type[len] || type[len] == ';' || type[len] == ' ');
}

/* Samples a second where there is no head that says it; 0: there is one. */
static int bare_rate(const char *type)
{
    const char *rate = strstr(type, "rate=");
    apr_int64_t number = rate ? apr_strtoi64(rate + 5, NULL, 10) : RATE;

    if (!is_type(type, "audio/L16") && !is_type(type, "audio/pcm")) {
        return 0;
    }
    return number > 0 && number <= 1000000 ? (int)number : RATE;
}

static const char *format_wanted(const llm_ask_t *ask, apr_pool_t *pool)
{
    return ask->sound_format.data ? llm_text_string(ask->sound_format, pool)
           : ask->stream          ? "pcm16"
                                  : "wav";
}

int llm_openai_is_sound(const llm_ask_t *ask, const llm_media_t *media,
                        apr_pool_t *pool)
{
    const char *wanted, *type;
    int rate, i;

    if (!(ask->modalities & LLM_SHOW_SOUND) || !media || !media->base64.data
        || !media->media_type) {
        return 0;
    }
    type = media->media_type;
    rate = bare_rate(type);
    wanted = format_wanted(ask, pool);
    if (rate) {
        return (rate == RATE && !strcmp(wanted, "pcm16"))
               || (!ask->stream && !strcmp(wanted, "wav"));
    }
    for (i = 0; formats[i].format && strcmp(formats[i].format, wanted); ++i) {
    }
    return formats[i].format
           && (is_type(type, formats[i].type)
               || (!strcmp(wanted, "mp3") && is_type(type, "audio/mp3")));
}

static void put_number(unsigned char *at, apr_uint32_t value, int bytes)
{
    while (bytes--) {
        *at++ = (unsigned char)value;
        value >>= 8;
    }
}

/* The head of a wav of so many bytes, as base64: 16 bits, one channel. */
static void put_wav_head(llm_buf_t *out, apr_size_t size, int rate)
{
    static const char form[WAV_HEAD + 1] =
        "RIFF....WAVEJUNK\2\0\0\0..fmt \20\0\0\0\1\0\1\0rateRATE\2\0\20\0"
        "datasize";
    apr_uint32_t len = size > 0x7fffffff ? 0x7fffffff : (apr_uint32_t)size;
    unsigned char head[WAV_HEAD];
    char text[WAV_HEAD / 3 * 4 + 1];

    memcpy(head, form, WAV_HEAD);
    put_number(head + 4, len + WAV_HEAD - 8, 4);
    put_number(head + 20, 0, 2);
    put_number(head + 34, (apr_uint32_t)rate, 4);
    put_number(head + 38, (apr_uint32_t)rate * 2, 4);
    put_number(head + 50, len, 4);
    apr_base64_encode_binary(text, head, WAV_HEAD);
    llm_buf_append(out, text, WAV_HEAD / 3 * 4);
}

/* The next part that is sound; NULL where none is left. */
static const llm_part_t *next_sound(const llm_ask_t *ask,
                                    const llm_part_t *part, apr_pool_t *pool)
{
    while (part && !llm_openai_is_sound(ask, part->media, pool)) {
        part = part->next;
    }
    return part;
}

/* Several pieces as one: each is base64 by itself. */
static llm_text_t join_sounds(const llm_ask_t *ask, const llm_part_t *part,
                              apr_pool_t *pool)
{
    llm_buf_t *bytes;
    llm_bytes_t coded;
    llm_text_t joined = part->media->base64;
    char *text;

    if (!next_sound(ask, part->next, pool)
        && !memchr(joined.data, '\\', joined.len)) {
        return joined;
    }
    bytes = llm_buf_make(0, pool);
    for (; part; part = next_sound(ask, part->next, pool)) {
        coded = llm_text_decode(part->media->base64, pool);
        text = apr_palloc(pool, coded.len + 1);
        llm_buf_append(bytes, text,
                       (apr_size_t)apr_base64_decode(
                           text, apr_pstrmemdup(pool, coded.data, coded.len)));
    }
    text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)bytes->len));
    apr_base64_encode(text, bytes->data ? bytes->data : "", (int)bytes->len);
    return (llm_text_t){text, strlen(text)};
}

static apr_size_t size_of(llm_text_t base64)
{
    apr_size_t size = base64.len / 4 * 3, i;

    for (i = 1; i <= 2 && i <= base64.len; ++i) {
        size -= base64.data[base64.len - i] == '=' && size;
    }
    return size;
}

void llm_openai_put_sound(llm_buf_t *out, const llm_ask_t *ask,
                          const llm_part_t *parts, const char *seed,
                          apr_int64_t created, apr_pool_t *pool)
{
    const llm_part_t *part = next_sound(ask, parts, pool);
    llm_text_t data;
    int rate;

    if (!part) {
        return;
    }
    data = join_sounds(ask, part, pool);
    rate = bare_rate(part->media->media_type);
    llm_put_name(out, "audio");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", llm_call_id_make("audio_", seed, 0, pool));
    llm_put_name(out, "data");
    llm_buf_putc(out, '"');
    if (rate && !strcmp(format_wanted(ask, pool), "wav")) {
        put_wav_head(out, size_of(data), rate);
    }
    llm_buf_append(out, data.data, data.len);
    llm_buf_putc(out, '"');
    llm_put_int_member(out, "expires_at", created);
    llm_buf_lit(out, ",\"transcript\":\"\"}");
}

void llm_openai_put_sound_piece(llm_buf_t *out, const char *id, llm_text_t data,
                                apr_int64_t created)
{
    llm_buf_lit(out, "\"audio\":{");
    llm_put_string_member(out, "id", id);
    if (data.data) {
        llm_put_text_member(out, "data", data);
    }
    else {
        llm_put_int_member(out, "expires_at", created);
    }
    llm_buf_putc(out, '}');
}
