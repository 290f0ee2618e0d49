/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded strings and ids of usage records. No allocation: a record is filled
 * while a request runs and again when its process is about to die.
 */
#include "core/llm_record.h"

#include "core/llm_utf8.h"

#include <string.h>

#define ID_PREFIX "req_"

static const char digits[] = "0123456789abcdef";

/* The last byte position, at or before `end`, at which a character begins. */
static apr_size_t character_border(const char *text, apr_size_t end)
{
    while (end && llm_utf8_is_tail(text[end])) {
        --end;
    }
    return end;
}

void llm_record_set(char *field, apr_size_t size, const char *value)
{
    apr_size_t len = value ? strnlen(value, size) : 0;

    if (len == size) {
        len = character_border(value, size - 1);
    }
    if (len) {
        memcpy(field, value, len);
    }
    /* The rest too: records are compared and written out as a whole. */
    memset(field + len, 0, size - len);
}

const char *llm_finish_name(llm_finish_e finish)
{
    static const char *const names[] = {
        [LLM_FINISH_NONE] = "",
        [LLM_FINISH_STOP] = "stop",
        [LLM_FINISH_STOP_SEQUENCE] = "stop_sequence",
        [LLM_FINISH_LENGTH] = "length",
        [LLM_FINISH_TOOL_CALLS] = "tool_calls",
        [LLM_FINISH_FILTERED] = "content_filter",
        [LLM_FINISH_PAUSE] = "pause",
        [LLM_FINISH_OTHER] = "other",
    };

    return names[finish];
}

void llm_record_id_print(char *text, const unsigned char *id)
{
    int i;

    memcpy(text, ID_PREFIX, sizeof(ID_PREFIX) - 1);
    text += sizeof(ID_PREFIX) - 1;
    for (i = 0; i < LLM_RECORD_ID; ++i) {
        *text++ = digits[id[i] >> 4];
        *text++ = digits[id[i] & 15];
    }
    *text = '\0';
}

/* 0..15, or -1. */
static int digit_value(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

int llm_record_id_read(unsigned char *id, const char *text)
{
    int i;

    if (strnlen(text, LLM_RECORD_ID_TEXT) != LLM_RECORD_ID_TEXT - 1
        || memcmp(text, ID_PREFIX, sizeof(ID_PREFIX) - 1)) {
        return 0;
    }
    text += sizeof(ID_PREFIX) - 1;
    for (i = 0; i < LLM_RECORD_ID; ++i, text += 2) {
        int high = digit_value(text[0]), low = digit_value(text[1]);

        if (high < 0 || low < 0) {
            return 0;
        }
        id[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}
