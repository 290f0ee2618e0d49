/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dead process's journal, read by the owner. The first byte says of which
 * version the file is and whether its records' CRCs are put right; the rest is
 * the file. Whatever is in it, the owner gets to its end: the file is gone,
 * unless a newer program wrote it; no more is stored than fits into it; and in
 * the end records, hours and days agree.
 */
#include "test/fuzz/rig.h"

#include <fcntl.h>

#include <apr_strings.h>

#include "store/bytes.h"
#include "store/codec.h"
#include "store/crc32c.h"
#include "store/journal.h"

#define FILE_MAX (16 * LLM_JOURNAL_RECORD)
#define DAY      APR_INT64_C(86400000000)
#define SOME_DAY (APR_INT64_C(20700) * DAY)

static apr_uint64_t files;

static int find_agreement(void *baton, const char *line, apr_size_t len)
{
    static const char good[] = "\"agree\":true";

    for (; len >= sizeof(good) - 1; ++line, --len) {
        if (!memcmp(line, good, sizeof(good) - 1)) {
            *(int *)baton = 1;
        }
    }
    return 0;
}

static void must_agree(void)
{
    static const char check[] = "{\"op\":\"check\"}";
    const llm_caller_t caller = {.uid = 0};
    const llm_json_t *request;
    int agrees = 0;

    MUST(llm_json_read(&request, check, sizeof(check) - 1, NULL, rig_pool)
         == APR_SUCCESS);
    llm_command_run(rig_store, &caller, request, find_agreement, &agrees,
                    rig_pool);
    MUST(agrees);
}

/* Times within a few days, as each day has a table, and right CRCs. */
static void put_right(unsigned char *bytes, apr_size_t size, apr_size_t each)
{
    for (; size >= each; bytes += each, size -= each) {
        apr_int64_t began = (apr_int64_t)llm_le_get(bytes + 8, 8);
        apr_size_t end = (apr_size_t)llm_le_get(bytes + 4, 2);

        llm_le_put(bytes + 8,
                   (apr_uint64_t)(SOME_DAY + (began & 0x3FFFFFFFFFll)), 8);
        if (end < 28 || end > each) {
            end = each;
            llm_le_put(bytes + 4, end, 2);
        }
        llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
    }
}

static const char *write_file(const unsigned char *bytes, apr_size_t size,
                              unsigned version, apr_pool_t *pool)
{
    char name[LLM_JOURNAL_NAME];
    const char *path;
    int fd;

    llm_journal_name_print(name, ++files, 0, version);
    path = apr_psprintf(pool, "%s/journal/%s", rig_dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    return path;
}

static int has_newer(const unsigned char *bytes, apr_size_t size,
                     apr_size_t each)
{
    for (; size >= each; bytes += each, size -= each) {
        if (llm_codec_judge(bytes, each) == LLM_CODEC_NEWER) {
            return 1;
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char bytes[FILE_MAX];
    unsigned drained, stored = 0, ticks = 0, version;
    apr_size_t each;
    const char *path;
    apr_pool_t *pool;

    if (!size) {
        return 0;
    }
    if (!rig_store) {
        rig_open();
        atexit(must_agree);
    }
    pool = fuzz_pool();
    version = data[0] & 1 ? 1 : LLM_JOURNAL_VERSION;
    each = version == 1 ? LLM_JOURNAL_RECORD_1 : LLM_JOURNAL_RECORD;
    size = size - 1 < sizeof(bytes) ? size - 1 : sizeof(bytes);
    memcpy(bytes, data + 1, size);
    if (data[0] & 2) {
        put_right(bytes, size, each);
    }
    path = write_file(bytes, size, version, pool);
    do {
        MUST(llm_store_tick(rig_store, &drained) == APR_SUCCESS);
        stored += drained;
    } while ((drained || !access(path, F_OK)) && ++ticks < 20);
    MUST(stored <= size / each);
    if (!access(path, F_OK)) {
        MUST(has_newer(bytes, size, each));
        unlink(path);
        llm_store_tick(rig_store, &drained);
    }
    apr_pool_destroy(pool);
    return 0;
}
