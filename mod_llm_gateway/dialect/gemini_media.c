/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures, sound and documents as Gemini takes them: bytes as inlineData,
 * addresses as fileData. Gemini wants to know the media type; where the client
 * did not say it, the address's ending or the first bytes tell.
 *
 * And what a client wants its answer to be made of: responseModalities, and the
 * voice of sound.
 */
#include "dialect/gemini_internal.h"
#include "dialect/limits.h"

#include <string.h>
#include <strings.h>

#define FILES_URL "https://generativelanguage.googleapis.com/v1beta/"

typedef struct clue_t {
    const char *clue, *type;
} clue_t;

/* By how an address ends; media types as Gemini lists them. */
static const clue_t endings[] = {
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},
    {".gif", "image/gif"},
    {".heic", "image/heic"},
    {".heif", "image/heif"},
    {".pdf", "application/pdf"},
    {".txt", "text/plain"},
    {".md", "text/md"},
    {".html", "text/html"},
    {".csv", "text/csv"},
    {".xml", "text/xml"},
    {".json", "application/json"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mp3"},
    {".aac", "audio/aac"},
    {".ogg", "audio/ogg"},
    {".flac", "audio/flac"},
    {".mp4", "video/mp4"},
    {".mov", "video/mov"},
    {".webm", "video/webm"},
    {NULL, NULL},
};

/* By the first bytes, as base64 spells them. */
static const clue_t beginnings[] = {
    {"iVBORw0KGgo", "image/png"},  {"/9j/", "image/jpeg"},
    {"R0lGOD", "image/gif"},       {"UklGR", "image/webp"},
    {"JVBERi", "application/pdf"}, {NULL, NULL},
};

/* Types that clients write and Gemini does not list. */
static const clue_t others[] = {
    {"image/jpg", "image/jpeg"},
    {"audio/x-wav", "audio/wav"},
    {"audio/wave", "audio/wav"},
    {"text/markdown", "text/md"},
    {NULL, NULL},
};

/* The type that was said, in Gemini's word; NULL where none was. */
static const char *said_type(const llm_media_t *media)
{
    const clue_t *row;

    for (row = others; media->media_type && row->clue; ++row) {
        if (!strcasecmp(media->media_type, row->clue)) {
            return row->type;
        }
    }
    return media->media_type;
}

static const char *type_of_url(llm_text_t url)
{
    const clue_t *row;
    apr_size_t len = 0, size;

    while (len < url.len && url.data[len] != '?' && url.data[len] != '#') {
        ++len;
    }
    for (row = endings; row->clue; ++row) {
        size = strlen(row->clue);
        if (len > size
            && !strncasecmp(url.data + len - size, row->clue, size)) {
            return row->type;
        }
    }
    return NULL;
}

static const char *type_of_base64(llm_text_t data, llm_part_e kind)
{
    const clue_t *row;

    if (kind == LLM_PART_AUDIO) {
        return "audio/wav";
    }
    for (row = beginnings; row->clue; ++row) {
        apr_size_t size = strlen(row->clue);

        if (data.len > size && !memcmp(data.data, row->clue, size)) {
            return row->type;
        }
    }
    return NULL;
}

static int begins(llm_text_t text, const char *with)
{
    apr_size_t len = strlen(with);

    return text.len >= len && !strncasecmp(text.data, with, len);
}

static void put_file(llm_buf_t *out, const char *type, const char *before,
                     llm_text_t uri)
{
    llm_put_name(out, "fileData");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "mimeType", type);
    llm_put_name(out, "fileUri");
    llm_buf_putc(out, '"');
    llm_buf_puts(out, before);
    llm_buf_append(out, uri.data, uri.len);
    llm_buf_lit(out, "\"}");
}

static const char *put_bytes(llm_buf_t *out, const llm_media_t *media,
                             llm_part_e kind)
{
    const char *type = said_type(media);

    if (!type) {
        type = type_of_base64(media->base64, kind);
    }
    if (!type) {
        return "the media type of a part is not said";
    }
    llm_put_name(out, "inlineData");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "mimeType", type);
    llm_put_text_member(out, "data", media->base64);
    llm_buf_putc(out, '}');
    return NULL;
}

/* A handle is an address at Google, or the name of an uploaded file. */
static const char *put_handle(llm_buf_t *out, const llm_media_t *media)
{
    const char *type = said_type(media);

    if (begins(media->file_id, "https://") || begins(media->file_id, "gs://")) {
        put_file(out, type ? type : type_of_url(media->file_id), "",
                 media->file_id);
        return NULL;
    }
    if (begins(media->file_id, "files/")) {
        put_file(out, type, FILES_URL, media->file_id);
        return NULL;
    }
    return "a file is named by an id that is not Gemini's";
}

const char *llm_gemini_put_media(llm_buf_t *out, llm_request_t *req,
                                 const llm_media_t *media, llm_part_e kind)
{
    if (media->detail.data && !llm_text_equals(media->detail, "auto")) {
        llm_request_drop(req, "messages.content.image_url.detail");
    }
    if (media->filename.data) {
        llm_request_drop(req, "messages.content.file.filename");
    }
    if (media->base64.data) {
        return put_bytes(out, media, kind);
    }
    if (media->url.data) {
        put_file(out,
                 media->media_type ? said_type(media) : type_of_url(media->url),
                 "", media->url);
        return NULL;
    }
    return put_handle(out, media);
}

/* ---- what answers are made of ---- */

/* By number the same as bits of llm_show_e are, from 1. */
static const llm_word_t modalities[] = {
    {"TEXT", 1},
    {"IMAGE", 2},
    {"AUDIO", 3},
    {NULL, 0},
};

/* One voice by its name; what else there is is Google's. */
static llm_problem_t *read_voice(llm_ask_t *ask, const llm_json_t *config,
                                 apr_pool_t *pool)
{
    static const char where[] = "generationConfig.speechConfig";
    static const char *const known[] = {"voiceConfig", NULL};
    static const char *const voices[] = {"prebuiltVoiceConfig", NULL};
    static const char *const names[] = {"voiceName", NULL};
    const llm_json_t *speech = llm_gemini_want(config, "speechConfig");
    const llm_json_t *voice = llm_gemini_want(speech, "voiceConfig");
    const llm_json_t *built = llm_gemini_want(voice, "prebuiltVoiceConfig");

    if (speech && speech->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool, where, "expected an object");
    }
    if (speech && !(ask->modalities & LLM_SHOW_SOUND)) {
        llm_ask_add_unknown(ask, speech, "generationConfig", pool);
        return NULL;
    }
    ask->voice = llm_json_text(llm_gemini_want(built, "voiceName"));
    llm_gemini_note_others(ask, speech, known, where, pool);
    llm_gemini_note_others(ask, voice, voices, where, pool);
    llm_gemini_note_others(ask, built, names, where, pool);
    return NULL;
}

llm_problem_t *llm_gemini_read_modalities(llm_ask_t *ask,
                                          const llm_json_t *config,
                                          apr_pool_t *pool)
{
    const llm_json_t *modes = llm_gemini_want(config, "responseModalities");
    const llm_json_t *mode;

    if (modes && modes->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "generationConfig.responseModalities",
                                 "expected an array");
    }
    for (mode = modes ? modes->child : NULL; mode; mode = mode->next) {
        int number = llm_gemini_enum(modalities, mode, 0);

        if (number < 1 || number > 3) {
            ask->modalities = 0;
            llm_ask_add_unknown(ask, modes, "generationConfig", pool);
            break;
        }
        ask->modalities |= 1u << (number - 1);
    }
    return read_voice(ask, config, pool);
}

/* Is it said in Gemini's own words? */
static int is_own(const llm_ask_t *ask, const char *camel, const char *snake)
{
    return llm_gemini_unknown(ask, camel) || llm_gemini_unknown(ask, snake);
}

static void put_voice(llm_buf_t *out, const llm_ask_t *ask)
{
    if (ask->voice.data && !is_own(ask, "speechConfig", "speech_config")) {
        llm_put_name(out, "speechConfig");
        llm_buf_lit(out, "{\"voiceConfig\":{\"prebuiltVoiceConfig\":{");
        llm_put_text_member(out, "voiceName", ask->voice);
        llm_buf_lit(out, "}}}");
    }
}

/* Sound comes without text; in a stream it has no head, so OpenAI's pcm16 is
 * all it can be. */
llm_problem_t *llm_gemini_put_modalities(llm_buf_t *out, llm_request_t *req,
                                         const llm_ask_t *ask, apr_pool_t *pool)
{
    int sound = (ask->modalities & LLM_SHOW_SOUND) != 0;
    llm_problem_t *problem = NULL;

    if (sound && ask->sound_format.data
        && !llm_text_equals(ask->sound_format, "pcm16")
        && (ask->stream || !llm_text_equals(ask->sound_format, "wav"))) {
        problem = llm_request_lacks(
            req, llm_problem_field(pool, "audio.format",
                                   ask->stream
                                       ? "Gemini's sound is streamed as pcm16"
                                       : "Gemini's sound is pcm16 or wav"));
    }
    if (problem || !(ask->modalities & ~(unsigned)LLM_SHOW_TEXT)
        || is_own(ask, "responseModalities", "response_modalities")) {
        put_voice(out, ask);
        return problem;
    }
    put_voice(out, ask);
    llm_put_name(out, "responseModalities");
    llm_buf_putc(out, '[');
    if ((ask->modalities & LLM_SHOW_TEXT) && !sound) {
        llm_buf_lit(out, "\"TEXT\"");
    }
    if (ask->modalities & LLM_SHOW_IMAGE) {
        llm_put_comma(out);
        llm_buf_lit(out, "\"IMAGE\"");
    }
    if (sound) {
        llm_put_comma(out);
        llm_buf_lit(out, "\"AUDIO\"");
    }
    llm_buf_putc(out, ']');
    return NULL;
}
