/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What images and sound used, where the answer does not say it in tokens.
 *
 * Prices are by the token or by the image, so what a provider bills otherwise
 * is told in a measure that a price can be made of:
 *
 *   images    as many pieces as came, or were asked for where none came
 *   sound in  10 tokens a second, which is how OpenAI counts a user's sound; of
 *             a file whose length nobody told, by its size: of a WAV file by
 *             the rate in its head, of others 16,000 bytes a second
 *   speech    20 tokens a second, OpenAI's count of a model's sound, at 15
 *             characters a second: 4 tokens for 3 characters
 *
 * Moderation is free where it tells no usage. docs/openai.md has the prices
 * that follow.
 */
#include "flow/media.h"

#include <string.h>

#include "core/llm_form.h"
#include "core/llm_json.h"
#include "flow/form.h"
#include "flow/stream_internal.h"

#define HEARD_A_SECOND 10
#define BYTES_A_SECOND 16000
#define SECONDS_MAX    1e9

static void estimate(llm_usage_t *usage, llm_class_e class, apr_int64_t n)
{
    usage->n[class] = n;
    usage->estimated |= 1u << class;
}

static int knows_tokens(const llm_usage_t *usage)
{
    return llm_usage_is_known(usage, LLM_CLASS_INPUT)
           || llm_usage_is_known(usage, LLM_CLASS_OUTPUT);
}

/* ---- told by the answer ------------------------------------------------ */

/* A number, or one in a string, as older answers have it. */
static int seconds_of(const llm_json_t *node, double *pseconds)
{
    llm_text_t text = llm_json_text(node);
    const llm_json_t number = {.type = LLM_JSON_NUMBER,
                               .raw = {text.data, text.len}};

    return llm_json_double(text.len ? &number : node, pseconds)
           && *pseconds >= 0 && *pseconds < SECONDS_MAX;
}

void llm_media_meter(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    const llm_json_t *data = llm_json_get(doc, "data");
    double seconds;

    if (knows_tokens(&x->usage)) {
        return;
    }
    if (x->op == LLM_OP_IMAGE && llm_json_is(data, LLM_JSON_ARRAY)) {
        llm_usage_set(&x->usage, LLM_CLASS_IMAGES, (apr_int64_t)data->count);
    }
    if (x->op == LLM_OP_TRANSCRIBE
        && (seconds_of(llm_json_path(doc, "usage", "seconds", NULL), &seconds)
            || seconds_of(llm_json_get(doc, "duration"), &seconds))) {
        estimate(&x->usage, LLM_CLASS_AUDIO_IN,
                 (apr_int64_t)(seconds * HEARD_A_SECOND + 0.999999));
    }
}

/* ---- estimated --------------------------------------------------------- */

static apr_uint32_t little(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    return (apr_uint32_t)byte[0] | (apr_uint32_t)byte[1] << 8
           | (apr_uint32_t)byte[2] << 16 | (apr_uint32_t)byte[3] << 24;
}

/* "RIFF", a length, "WAVEfmt ", a length, 8 bytes, and the rate. */
static apr_size_t rate_of(llm_bytes_t file)
{
    apr_uint32_t rate = 0;

    if (file.len >= 32 && !memcmp(file.data, "RIFF", 4)
        && !memcmp(file.data + 8, "WAVEfmt ", 8)) {
        rate = little(file.data + 28);
    }
    return rate ? rate : BYTES_A_SECOND;
}

static void add_file(void *baton, const llm_form_part_t *part)
{
    apr_int64_t *tokens = baton;

    if (part->is_file) {
        apr_size_t rate = rate_of(part->value);

        *tokens +=
            (apr_int64_t)((part->value.len * HEARD_A_SECOND + rate - 1) / rate);
    }
}

/* Once: a form may be large. */
static apr_int64_t heard(llm_exchange_t *x)
{
    llm_bytes_t boundary;
    apr_size_t first;

    if (x->input_estimate < 0) {
        x->input_estimate = 0;
        if (llm_form_is_asked(x)
            && !llm_form_boundary(
                &boundary, apr_table_get(x->headers_in, "Content-Type"))) {
            llm_form_scan(&first, x->raw, boundary, add_file,
                          &x->input_estimate);
        }
    }
    return x->input_estimate;
}

static apr_int64_t characters(llm_bytes_t text)
{
    apr_int64_t count = 0;

    for (apr_size_t i = 0; i < text.len; ++i) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static void estimate_speech(llm_exchange_t *x, llm_usage_t *usage)
{
    apr_int64_t input = llm_flow_input(x); /* reads the document as well */
    llm_text_t text = llm_json_text(llm_json_get(x->doc, "input"));

    if (!llm_usage_is_known(usage, LLM_CLASS_INPUT)) {
        estimate(usage, LLM_CLASS_INPUT, input);
    }
    if (!llm_usage_is_known(usage, LLM_CLASS_OUTPUT)) {
        estimate(usage, LLM_CLASS_AUDIO_OUT,
                 (characters(llm_text_decode(text, x->pool)) * 4 + 2) / 3);
    }
}

void llm_media_estimate(llm_exchange_t *x, llm_usage_t *usage)
{
    if (x->op == LLM_OP_SPEECH) {
        estimate_speech(x, usage);
    }
    if (knows_tokens(usage)) {
        return;
    }
    if (x->op == LLM_OP_IMAGE && !llm_usage_is_known(usage, LLM_CLASS_IMAGES)) {
        estimate(usage, LLM_CLASS_IMAGES, x->pieces > 0 ? x->pieces : 1);
    }
    if (x->op == LLM_OP_TRANSCRIBE
        && !(usage->estimated & 1u << LLM_CLASS_AUDIO_IN)) {
        estimate(usage, LLM_CLASS_AUDIO_IN, heard(x));
    }
}

void llm_media_say_sound(llm_usage_t *usage)
{
    if (llm_usage_is_known(usage, LLM_CLASS_OUTPUT)) {
        llm_usage_set(usage, LLM_CLASS_AUDIO_OUT,
                      usage->n[LLM_CLASS_AUDIO_OUT]
                          + usage->n[LLM_CLASS_OUTPUT]);
        usage->n[LLM_CLASS_OUTPUT] = 0;
        usage->known &= ~(1u << LLM_CLASS_OUTPUT);
    }
}
