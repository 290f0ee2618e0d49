/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of a recorded answer say, added up from the JSON by another
 * JSON reader, event by event: what our readers are held against.
 */
#ifndef LLM_TEST_TRUTH_H
#define LLM_TEST_TRUTH_H

#include <cjson/cJSON.h>

#include "test/unit/dialect/exchange.h"

typedef struct truth_t {
    llm_buf_t *text, *args; /* of the first choice */
    double input, output, total;
    int usage; /* there was one */
} truth_t;

/* body: whole, or the events of a stream. Fails for a dialect unknown here. */
void truth_of(truth_t *truth, const char *dialect, const char *body,
              apr_size_t len, int is_stream);
/* Arguments in the form in which this dialect's are in truth->args: as their
 * bytes, or, where they are values to the provider, printed by cJSON. */
void truth_put_args(llm_buf_t *out, const char *dialect, const llm_buf_t *args);
/* Can arguments be compared that way? A whole answer of Anthropic's is not
 * printed as it was written. */
int truth_has_args(const char *dialect, int is_stream);

/* ---- for the files that know a dialect -------------------------------- */

const char *truth_text(const cJSON *node, const char *name); /* or "" */
double truth_number(const cJSON *node, const char *name);    /* or 0 */
void truth_print(llm_buf_t *out, const cJSON *value);

void truth_add_bedrock(truth_t *truth, const cJSON *doc);
void truth_add_gemini(truth_t *truth, const cJSON *doc);
void truth_add_huggingface_inference(truth_t *truth, const cJSON *doc);
void truth_add_responses(truth_t *truth, const cJSON *doc);

#endif /* LLM_TEST_TRUTH_H */
