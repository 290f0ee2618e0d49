/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's chunks, as short as tests like to write them, and what comes of
 * them: streamed, and in the array that is sent without alt=sse. */
#ifndef LLM_TEST_GEMINI_CHUNKS_H
#define LLM_TEST_GEMINI_CHUNKS_H

#include "test/unit/dialect/wire.h"

#include <apr_strings.h>

#include "test/unit/unit.h"

#define ASK                                                                    \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"

static inline const char *whole(const char *body)
{
    return wire_read("gemini", wire_ask(ASK "}"), body);
}

/* Chunks as Gemini frames them: CRLF, no event names, no [DONE]. */
static inline const char *events(const char *const *chunks)
{
    const char *bytes = "";

    for (; *chunks; ++chunks) {
        bytes =
            apr_pstrcat(unit_pool, bytes, "data: ", *chunks, "\r\n\r\n", NULL);
    }
    return bytes;
}

static inline const char *streamed(const char *const *chunks)
{
    return wire_stream("gemini", wire_ask(ASK "}"), events(chunks));
}

static inline const char *array(const char *const *chunks)
{
    const char *body = "[";

    for (; *chunks; ++chunks) {
        body = apr_pstrcat(unit_pool, body, body[1] ? "\n,\r\n" : "", *chunks,
                           NULL);
    }
    return apr_pstrcat(unit_pool, body, "]", NULL);
}

/* The same as events, and as the array that comes without alt=sse. */
static inline const char *both_for(const char *request,
                                   const char *const *chunks)
{
    const llm_ask_t *ask = wire_ask(request);
    const char *streamed = wire_stream("gemini", ask, events(chunks));

    ck_assert_str_eq(wire_read("gemini", ask, array(chunks)), streamed);
    return streamed;
}

static inline const char *both(const char *const *chunks)
{
    return both_for(ASK "}", chunks);
}

#define CHUNKS(...) ((const char *const[]){__VA_ARGS__, NULL})
/* One candidate with these parts and whatever follows them. */
#define PARTS(parts, more)                                                     \
    "{\"candidates\":[{\"content\":{\"parts\":[" parts                         \
    "],\"role\":\"model\"}" more "}]"
#define STOP    ",\"finishReason\":\"STOP\",\"index\":0"
#define SAID(t) "{\"text\":\"" t "\"}"

#endif /* LLM_TEST_GEMINI_CHUNKS_H */
