/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of AWS's event stream, written: what its reader and its writer are
 * held against. */
#ifndef LLM_TEST_MESSAGES_H
#define LLM_TEST_MESSAGES_H

#include "core/llm_buf.h"

/* One message with the headers of a service: `kind` is "event" or
 * "exception", `name` goes into :event-type or :exception-type. */
void messages_put(llm_buf_t *out, const char *kind, const char *name,
                  const char *payload);
/* One message of these headers, as they stand on the wire. */
void messages_put_raw(llm_buf_t *out, llm_bytes_t headers, const char *payload);
/* A message a line, "name payload"; a name that ends with "Exception" is an
 * exception's. Text that is cut off inside a line is a message cut off. */
void messages_put_lines(llm_buf_t *out, const char *lines);

/* The other way: the lines these bytes are made of. Fails the test where they
 * are not, byte by byte, what messages_put_lines makes of them. */
const char *messages_lines(const char *data, apr_size_t len);

#endif /* LLM_TEST_MESSAGES_H */
