/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures and sound in answers of Converse and ConverseStream.
 *
 * A whole answer has a block {"image":{"format","source":{"bytes"}}}. In a
 * stream such a block has a start that tells the format, deltas with bytes, each
 * of which is base64 by itself, and an end: the picture is known at its end, so
 * its bytes are kept till then, as many as an answer may have. Where they lie at
 * S3 their address is what is told.
 */
#include "dialect/bedrock_internal.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

struct llm_bedrock_picture_t {
    const char *type; /* of the open block; NULL: none is open */
    llm_text_t url;   /* where its bytes are, or none */
    llm_buf_t *bytes; /* so far, decoded */
    apr_pool_t *pool;
};

static const char *const kinds[] = {"image", "audio", "video", NULL};

static const char *type_of(const char *kind, const llm_json_t *block,
                           apr_pool_t *pool)
{
    const char *format = llm_json_string(llm_json_want(block, "format"), pool);

    return apr_pstrcat(pool, kind, "/", format ? format : "png", NULL);
}

const llm_media_t *llm_bedrock_read_shown(const llm_json_t *block,
                                          apr_pool_t *pool)
{
    const llm_json_t *node = NULL, *source;
    llm_media_t *media;
    int i;

    for (i = 0; kinds[i] && !node; ++i) {
        node = llm_json_want(block, kinds[i]);
    }
    if (!node) {
        return NULL;
    }
    source = llm_json_want(node, "source");
    media = apr_pcalloc(pool, sizeof(*media));
    media->media_type = type_of(kinds[i - 1], node, pool);
    media->base64 = llm_json_text(llm_json_want(source, "bytes"));
    media->url =
        llm_json_text(llm_json_path(source, "s3Location", "uri", NULL));
    return media->base64.len || media->url.len ? media : NULL;
}

/* ---- streams ---- */

llm_bedrock_picture_t *llm_bedrock_picture_make(apr_size_t limit,
                                                apr_pool_t *pool)
{
    llm_bedrock_picture_t *picture = apr_pcalloc(pool, sizeof(*picture));

    picture->pool = pool;
    picture->bytes = llm_buf_make(limit, pool);
    return picture;
}

void llm_bedrock_picture_begin(llm_bedrock_picture_t *picture,
                               const llm_json_t *start)
{
    const llm_json_t *node = llm_json_want(start, "image");

    if (node) {
        picture->type = type_of("image", node, picture->pool);
        picture->url = LLM_TEXT_NONE;
        llm_buf_clear(picture->bytes);
    }
}

int llm_bedrock_picture_add(llm_bedrock_picture_t *picture,
                            const llm_json_t *delta, apr_pool_t *scratch)
{
    const llm_json_t *source = llm_json_path(delta, "image", "source", NULL);
    llm_text_t text = llm_json_text(llm_json_want(source, "bytes"));
    llm_text_t url =
        llm_json_text(llm_json_path(source, "s3Location", "uri", NULL));
    llm_bytes_t coded;
    char *plain;

    if (url.len) {
        picture->url.data = apr_pstrmemdup(picture->pool, url.data, url.len);
        picture->url.len = url.len;
    }
    if (text.len) {
        if (!picture->type) { /* a block without a start */
            picture->type = "image/png";
            llm_buf_clear(picture->bytes);
        }
        coded = llm_text_decode(text, scratch);
        plain = apr_palloc(scratch, coded.len + 1);
        llm_buf_append(
            picture->bytes, plain,
            (apr_size_t)apr_base64_decode(
                plain, apr_pstrmemdup(scratch, coded.data, coded.len)));
    }
    return !picture->bytes->overflow;
}

const llm_media_t *llm_bedrock_picture_end(llm_bedrock_picture_t *picture,
                                           apr_pool_t *scratch)
{
    int len = (int)picture->bytes->len;
    llm_media_t *media;
    char *text;

    if (!picture->type || (!len && !picture->url.len)) {
        picture->type = NULL;
        return NULL;
    }
    media = apr_pcalloc(scratch, sizeof(*media));
    media->media_type = picture->type;
    if (len) {
        text = apr_palloc(scratch, (apr_size_t)apr_base64_encode_len(len));
        apr_base64_encode(text, picture->bytes->data, len);
        media->base64.data = text;
        media->base64.len = strlen(text);
    }
    else {
        media->url = picture->url;
    }
    picture->type = NULL;
    picture->url = LLM_TEXT_NONE;
    llm_buf_clear(picture->bytes);
    return media;
}

/* ---- for clients ---- */

int llm_bedrock_shows(const llm_media_t *media)
{
    return media && llm_bedrock_image_format(media);
}

void llm_bedrock_put_shown(llm_buf_t *out, const llm_media_t *media)
{
    llm_buf_lit(out, "{\"image\":{");
    llm_put_string_member(out, "format", llm_bedrock_image_format(media));
    llm_buf_lit(out, ",\"source\":{");
    llm_put_text_member(out, "bytes", media->base64);
    llm_buf_lit(out, "}}}");
}
