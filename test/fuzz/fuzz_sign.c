/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of AWS: five lines are the secret, the host, the path with its
 * query, a header's value and the body. Whatever they hold, what is written is
 * whole header lines, the same for the same, and but for the signature they are
 * those of any other secret.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/sign_aws.h"

#define SIGNATURE (64 + 2) /* its digits, the last of all, and the line's end */

/* The line that begins at *prest; what follows it is left there. */
static const char *next_line(char **prest)
{
    char *line = *prest, *end = strchr(line, '\n');

    if (end) {
        *end = '\0';
    }
    *prest = end ? end + 1 : line + strlen(line);
    return line;
}

static llm_buf_t *sign(const llm_aws_key_t *key, const char *host,
                       const llm_request_t *request, apr_pool_t *pool)
{
    llm_aws_place_t place = {"us-east-1", "bedrock", host};
    llm_buf_t *out = llm_buf_make(0, pool);

    llm_aws_sign(out, key, &place, request, 1440938160000000, pool);
    return out;
}

static int is_same(const llm_buf_t *a, const llm_buf_t *b, apr_size_t len)
{
    return a->len == b->len && !memcmp(a->data, b->data, len);
}

static void check_lines(const llm_buf_t *out)
{
    const char *at = out->data, *end = at + out->len;
    int lines = 0;

    for (; at < end; ++lines) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        MUST(stop && stop > at && stop[-1] == '\r');
        MUST(!memchr(at, '\r', (size_t)(stop - at - 1)));
        MUST(memchr(at, ':', (size_t)(stop - at)));
        at = stop + 1;
    }
    MUST(lines == 2 || lines == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *rest = apr_pstrmemdup(pool, size ? (const char *)bytes : "", size);
    const char *secret, *host;
    llm_request_t request;
    llm_bytes_t body;
    llm_aws_key_t key;
    llm_buf_t *out;

    /* no line end is in a secret, which is one line of a file */
    for (char *at = rest; (at = strchr(at, '\r'));) {
        *at = ' ';
    }
    secret = next_line(&rest);
    host = next_line(&rest);
    memset(&request, 0, sizeof(request));
    request.method = "POST";
    request.path = next_line(&rest);
    request.headers = apr_table_make(pool, 2);
    apr_table_set(request.headers, "X-Amz-Fuzz", next_line(&rest));
    body.data = rest;
    body.len = strlen(rest);
    request.body = &body;
    request.body_count = body.len ? 1 : 0;
    if (llm_aws_key_read(&key, secret)) {
        out = sign(&key, host, &request, pool);
        check_lines(out);
        MUST(is_same(out, sign(&key, host, &request, pool), out->len));
        key.secret.data = "another secret";
        key.secret.len = 14;
        MUST(is_same(out, sign(&key, host, &request, pool),
                     out->len - SIGNATURE));
    }
    apr_pool_destroy(pool);
    return 0;
}
