/* SPDX-License-Identifier: Apache-2.0 */
/* Reading bytes that may be too few, or not what they say. */
#include "store/bytes.h"

#include <string.h>

const unsigned char *llm_reader_take(llm_reader_t *reader, apr_size_t len)
{
    const unsigned char *at = reader->at;

    if (reader->failed || (apr_size_t)(reader->end - at) < len) {
        reader->failed = 1;
        return NULL;
    }
    reader->at += len;
    return at;
}

apr_uint64_t llm_reader_number(llm_reader_t *reader, unsigned width)
{
    const unsigned char *at = llm_reader_take(reader, width);

    return at ? llm_le_get(at, width) : 0;
}

void llm_reader_string(llm_reader_t *reader, char *field, apr_size_t size,
                       unsigned width)
{
    apr_size_t len = (apr_size_t)llm_reader_number(reader, width);
    const unsigned char *at = llm_reader_take(reader, len);

    if (len >= size) {
        reader->failed = 1;
    }
    else if (at) {
        memcpy(field, at, len);
    }
}

int llm_reader_is_done(const llm_reader_t *reader)
{
    return !reader->failed && reader->at == reader->end;
}
