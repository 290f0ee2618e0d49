/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures in answers of the Responses API: items of their own,
 *
 *   {"id":"ig_...","type":"image_generation_call","status":"completed",
 *    "output_format":"png","result":"<base64>"}
 *
 * which OpenAI's tool of that name makes, and which is how a picture of any
 * model is told to a client here. In a stream previews come before the picture;
 * they are not it, and are passed over. A client sends the item back as it got
 * it, or by its id alone, which is of use to OpenAI only.
 *
 * Hidden thinking is the other item that is whole at once for a client.
 */
#include "dialect/openai_responses_internal.h"

#include <strings.h>

#include <apr_strings.h>

/* What stands for the picture where there are bytes; "png" where nobody said. */
static const char *format_of(const llm_media_t *media)
{
    const char *type = llm_media_type(media, "image/png");

    return strncasecmp(type, "image/", 6) ? "png" : type + 6;
}

int llm_responses_shows(const llm_media_t *media)
{
    return media && media->base64.data && media->media_type
           && llm_media_is_image(media);
}

void llm_responses_put_shown(llm_buf_t *out, const char *id, const char *status,
                             const llm_media_t *media)
{
    llm_buf_lit(out, "{\"id\":");
    llm_buf_put_string(out, id);
    llm_buf_lit(out, ",\"type\":\"image_generation_call\"");
    llm_put_string_member(out, "status", status);
    if (media) {
        llm_put_string_member(out, "output_format", format_of(media));
        llm_put_text_member(out, "result", media->base64);
    }
    else {
        llm_buf_lit(out, ",\"result\":null");
    }
    llm_buf_putc(out, '}');
}

const llm_media_t *llm_responses_read_shown(const llm_json_t *item,
                                            apr_pool_t *pool)
{
    llm_text_t bytes = llm_json_text(llm_json_want(item, "result"));
    const char *format =
        llm_json_string(llm_json_want(item, "output_format"), pool);
    llm_media_t *media;

    if (llm_text_is_empty(bytes)) {
        return NULL;
    }
    media = apr_pcalloc(pool, sizeof(*media));
    media->base64 = bytes;
    media->media_type =
        apr_pstrcat(pool, "image/", format && *format ? format : "png", NULL);
    return media;
}

/* ---- events ---- */

static void open_event(llm_buf_t *out, const char *type, unsigned *psequence,
                       int index)
{
    llm_buf_lit(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_lit(out, "\ndata: {");
    llm_put_string_member(out, "type", type);
    llm_put_int_member(out, "sequence_number", (*psequence)++);
    llm_put_int_member(out, "output_index", index);
}

/* OpenAI's events for a picture, without previews. */
static void put_steps(llm_buf_t *out, unsigned *psequence, int index,
                      const char *id)
{
    static const char *const steps[] = {
        "response.image_generation_call.in_progress",
        "response.image_generation_call.generating",
        "response.image_generation_call.completed",
        NULL,
    };
    int i;

    for (i = 0; steps[i]; ++i) {
        open_event(out, steps[i], psequence, index);
        llm_put_string_member(out, "item_id", id);
        llm_buf_lit(out, "}\n\n");
    }
}

llm_bytes_t llm_responses_put_whole(llm_buf_t *out, unsigned *psequence,
                                    int index, const char *seed,
                                    llm_text_t hidden, const llm_media_t *shown,
                                    apr_pool_t *pool)
{
    const char *id = llm_call_id_make(shown ? "ig_" : "rs_", seed, index, pool);
    apr_size_t from, len;

    open_event(out, "response.output_item.added", psequence, index);
    llm_put_name(out, "item");
    if (shown) {
        llm_responses_put_shown(out, id, "in_progress", NULL);
    }
    else {
        llm_responses_put_reasoning(out, id, LLM_TEXT_NONE, LLM_TEXT_NONE, 1);
    }
    llm_buf_lit(out, "}\n\n");
    if (shown) {
        put_steps(out, psequence, index, id);
    }
    open_event(out, "response.output_item.done", psequence, index);
    llm_put_name(out, "item");
    from = out->len;
    if (shown) {
        llm_responses_put_shown(out, id, "completed", shown);
    }
    else {
        llm_responses_put_reasoning(out, id, LLM_TEXT_NONE, hidden, 1);
    }
    len = out->len - from;
    llm_buf_lit(out, "}\n\n");
    return (llm_bytes_t){out->data + from, len};
}
