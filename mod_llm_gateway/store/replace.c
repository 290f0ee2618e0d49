/* SPDX-License-Identifier: Apache-2.0 */
/* Making a store beside another one, and letting them change places. */
#include "store/replace.h"

#include "store/bdb_care.h"
#include "store/command.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define UNFINISHED "unfinished" /* in a folder that holds no store yet */
#define NAMES_MAX  1000

struct llm_replace_t {
    llm_folder_t *folder; /* the store's */
    llm_folder_t *made;   /* the new one's, then the old one's */
    const char *unfinished;
    int is_done;
    const char *what; /* of the failure */
    apr_pool_t *pool;
};

static apr_status_t failed(llm_replace_t *replace, const char *path,
                           apr_status_t status)
{
    char text[200];

    replace->what = apr_psprintf(replace->pool, "%s: %s", path,
                                 apr_strerror(status, text, sizeof(text)));
    return status;
}

/* Does a process hold the lock of that file? */
static int is_locked(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    int is = 0;

    if (fd >= 0) {
        is = !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK;
        close(fd);
    }
    return is;
}

/* The owner may be between two lives while the children go on. */
static apr_status_t check_children(llm_replace_t *replace)
{
    apr_array_header_t *names;
    const char *path = replace->folder->journal;
    apr_status_t status = llm_folder_list(&names, path, replace->pool);
    int i;

    if (status != APR_SUCCESS) {
        return failed(replace, path, status);
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *file =
            apr_pstrcat(replace->pool, path, "/",
                        APR_ARRAY_IDX(names, i, const char *), NULL);

        if (is_locked(file)) {
            replace->what = apr_psprintf(
                replace->pool,
                "processes of a gateway are running: stop it first (%s is "
                "locked)",
                file);
            return APR_EBUSY;
        }
    }
    return APR_SUCCESS;
}

/* What others left that were killed. */
static void remove_unfinished(llm_replace_t *replace)
{
    apr_array_header_t *names;
    int i;

    if (llm_folder_list(&names, replace->folder->dir, replace->pool)
        != APR_SUCCESS) {
        return;
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        const char *path =
            apr_pstrcat(replace->pool, replace->folder->dir, "/", name, NULL);

        if (!strncmp(name, LLM_REPLACED_PREFIX, strlen(LLM_REPLACED_PREFIX))
            && !access(apr_pstrcat(replace->pool, path, "/" UNFINISHED, NULL),
                       F_OK)) {
            llm_folder_remove(path);
        }
    }
}

/* Named by the time; the first that is free. */
static apr_status_t make_folder(const char **ppath, llm_replace_t *replace,
                                apr_time_t now)
{
    apr_time_exp_t date;
    int turn;

    apr_time_exp_gmt(&date, now);
    for (turn = 1; turn < NAMES_MAX; ++turn) {
        const char *path = apr_psprintf(
            replace->pool,
            "%s/" LLM_REPLACED_PREFIX "%04d%02d%02dT%02d%02d%02dZ%s",
            replace->folder->dir, date.tm_year + 1900, date.tm_mon + 1,
            date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
            turn > 1 ? apr_psprintf(replace->pool, "-%d", turn) : "");

        *ppath = path;
        if (!mkdir(path, 0700)) {
            return APR_SUCCESS;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return failed(replace, *ppath, errno);
}

static apr_status_t make_new(llm_replace_t *replace, apr_time_t now)
{
    const char *path;
    apr_status_t status = make_folder(&path, replace, now);

    if (status != APR_SUCCESS) {
        return status;
    }
    replace->unfinished =
        apr_pstrcat(replace->pool, path, "/" UNFINISHED, NULL);
    replace->made = llm_folder_make(path, replace->pool);
    status = llm_file_write(replace->unfinished, "");
    if (status != APR_SUCCESS) {
        return failed(replace, replace->unfinished, status);
    }
    return llm_folder_create(replace->made, &replace->what, replace->pool);
}

apr_status_t llm_replace_begin(llm_replace_t **preplace, const char *dir,
                               apr_time_t now, const char **pwhat,
                               apr_pool_t *pool)
{
    llm_replace_t *replace = apr_pcalloc(pool, sizeof(*replace));
    apr_status_t status;

    replace->pool = pool;
    replace->folder = llm_folder_make(dir, pool);
    status = llm_folder_create(replace->folder, &replace->what, pool);
    if (status == APR_SUCCESS) {
        status = llm_folder_check(replace->folder, &replace->what, pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_lock(replace->folder, &replace->what, pool);
        if (status == APR_EBUSY) {
            replace->what = apr_psprintf(
                pool, "a gateway is running on %s: stop it first", dir);
        }
    }
    if (status == APR_SUCCESS) {
        status = check_children(replace);
    }
    if (status == APR_SUCCESS) {
        remove_unfinished(replace);
        status = make_new(replace, now);
    }
    *pwhat = replace->what;
    if (status != APR_SUCCESS) {
        llm_replace_end(replace);
        return status;
    }
    *preplace = replace;
    return APR_SUCCESS;
}

const char *llm_replace_env(const llm_replace_t *replace)
{
    return replace->made->env;
}

const char *llm_replace_journal(const llm_replace_t *replace)
{
    return replace->made->journal;
}

/* ------------------------------------------------------------------ empty? */

static int holds_tables(const llm_replace_t *replace, const char *env)
{
    apr_array_header_t *names;

    return llm_folder_list(&names, env, replace->pool) == APR_SUCCESS
           && names->nelts;
}

static int note_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    int *pempty = baton;

    (void)key;
    (void)value;
    *pempty = 0;
    return 1;
}

/* These a store has that was only opened, or that was drained and emptied. */
static int is_bookkeeping(const char *table)
{
    return !strcmp(table, "meta") || !strcmp(table, "jpos")
           || !strcmp(table, "done") || !strcmp(table, "dict");
}

static apr_status_t look_for_rows(int *pempty, llm_bdb_t *bdb)
{
    static const char *const tables[] = {
#define TABLE(name) #name,
#include "store/tables.def"
#undef TABLE
        NULL,
    };
    apr_status_t status = APR_SUCCESS;
    char file[64];
    int i;

    for (i = 0; status == APR_SUCCESS && *pempty && tables[i]; ++i) {
        llm_table_t *table;

        if (is_bookkeeping(tables[i])) {
            continue;
        }
        apr_snprintf(file, sizeof(file), "%s.db", tables[i]);
        status = llm_table_open(&table, bdb, file);
        if (status == APR_SUCCESS) {
            status = llm_table_scan(table, LLM_DATUM_NONE, note_row, pempty);
            llm_table_close(table);
        }
    }
    return status;
}

apr_status_t llm_replace_is_empty(int *pempty, llm_replace_t *replace,
                                  const char **pwhat)
{
    const char *env = replace->folder->env;
    llm_bdb_t *bdb;
    apr_status_t status;

    *pempty = 1;
    if (!holds_tables(replace, env)) {
        return APR_SUCCESS;
    }
    status = llm_folder_check_env(replace->folder, pwhat, replace->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_bdb_open(&bdb, env, replace->pool);
    if (status == APR_SUCCESS) {
        apr_status_t closed;

        status = look_for_rows(pempty, bdb);
        closed = llm_bdb_close(bdb);
        status = status == APR_SUCCESS ? closed : status;
    }
    if (status != APR_SUCCESS) {
        failed(replace, env, status);
        *pwhat = replace->what;
    }
    return status;
}

/* ---------------------------------------------------------------- journals */

/* A journal only grows: of two files of a name the longer one has it all. */
static apr_status_t carry_journal(llm_replace_t *replace, const char *name)
{
    const char *from =
        apr_pstrcat(replace->pool, replace->folder->journal, "/", name, NULL);
    const char *to =
        apr_pstrcat(replace->pool, replace->made->journal, "/", name, NULL);
    struct stat here, there;
    apr_status_t status;

    if (lstat(from, &here) < 0 || !S_ISREG(here.st_mode)) {
        return APR_SUCCESS;
    }
    if (!lstat(to, &there)) {
        if (there.st_size >= here.st_size) {
            return APR_SUCCESS;
        }
        unlink(to);
    }
    status = llm_file_copy(from, to, NULL);
    return status == APR_SUCCESS ? APR_SUCCESS : failed(replace, from, status);
}

static apr_status_t carry_journals(llm_replace_t *replace)
{
    apr_array_header_t *names;
    apr_status_t status =
        llm_folder_list(&names, replace->folder->journal, replace->pool);
    int i;

    if (status != APR_SUCCESS) {
        return failed(replace, replace->folder->journal, status);
    }
    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        status = carry_journal(replace, APR_ARRAY_IDX(names, i, const char *));
    }
    return status;
}

/* ------------------------------------------------------------------ proofs */

/* The first opening of a copy applies all its logs. */
static apr_status_t recover(llm_replace_t *replace)
{
    llm_bdb_t *bdb;
    apr_status_t status =
        llm_bdb_open_copy(&bdb, replace->made->env, replace->pool);

    if (status == APR_SUCCESS) {
        status = llm_bdb_close(bdb);
    }
    if (status != APR_SUCCESS) {
        replace->what = "it cannot be recovered: is it damaged?";
    }
    return status;
}

static apr_status_t verify(llm_replace_t *replace)
{
    apr_array_header_t *names;
    apr_status_t status =
        llm_folder_list(&names, replace->made->env, replace->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_size_t len = strlen(name);

        if (len > 3 && !strcmp(name + len - 3, ".db")) {
            status = llm_bdb_verify(apr_pstrcat(
                replace->pool, replace->made->env, "/", name, NULL));
            if (status != APR_SUCCESS) {
                replace->what = apr_psprintf(replace->pool,
                                             "its table %s is damaged", name);
            }
        }
    }
    return status;
}

/* Keeps what the check's last line says. */
static int read_check(void *baton, const char *line, apr_size_t len)
{
    llm_replaced_t *result = baton;
    const llm_json_t *doc, *done;
    apr_int64_t records = 0;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    if (llm_json_read(&doc, line, len, NULL, pool) == APR_SUCCESS) {
        done = llm_json_get(doc, "done");
        result->agrees =
            done && llm_json_is(llm_json_get(done, "agree"), LLM_JSON_TRUE);
        if (done && llm_json_int(llm_json_get(done, "records"), &records)) {
            result->records = (apr_uint64_t)records;
        }
    }
    apr_pool_destroy(pool);
    return 0;
}

/* As its owner: drains the journals, which a check then counts with the rest. */
static apr_status_t open_and_sum(llm_replaced_t *result, llm_replace_t *replace)
{
    static const char request[] = "{\"op\":\"check\"}";
    const llm_store_options_t options = {.dir = replace->made->dir,
                                         .version = LLMGW_VERSION};
    const llm_caller_t caller = {.uid = (apr_uint32_t)geteuid()};
    const llm_json_t *doc;
    llm_store_t *store;
    apr_status_t status =
        llm_store_open(&store, &options, &replace->what, replace->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    status =
        llm_json_read(&doc, request, sizeof(request) - 1, NULL, replace->pool);
    if (status == APR_SUCCESS) {
        llm_command_run(store, &caller, doc, read_check, result, replace->pool);
    }
    llm_store_close(store);
    return status;
}

/* ------------------------------------------------------------------- places */

/* Killed between the two, the journals are read once more and every record of
 * them is known. */
static apr_status_t change_places(llm_replaced_t *result,
                                  llm_replace_t *replace)
{
    const llm_folder_t *folder = replace->folder, *made = replace->made;
    int had = holds_tables(replace, folder->env);
    apr_status_t status;

    if (unlink(replace->unfinished) < 0) {
        return failed(replace, replace->unfinished, errno);
    }
    status = llm_folder_sync(made->dir);
    if (status == APR_SUCCESS) {
        status = llm_folder_exchange(folder->env, made->env);
    }
    if (status == APR_SUCCESS) {
        replace->is_done = 1;
        status = llm_folder_exchange(folder->journal, made->journal);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(folder->dir);
    }
    if (status != APR_SUCCESS) {
        return failed(replace, folder->env, status);
    }
    if (!had) {
        llm_folder_remove(made->dir);
    }
    result->aside = had ? made->dir : NULL;
    return APR_SUCCESS;
}

apr_status_t llm_replace_finish(llm_replaced_t *presult, llm_replace_t *replace,
                                int copied, const char **pwhat)
{
    apr_status_t status = carry_journals(replace);

    memset(presult, 0, sizeof(*presult));
    if (status == APR_SUCCESS && copied) {
        status = recover(replace);
    }
    if (status == APR_SUCCESS) {
        status = verify(replace);
    }
    if (status == APR_SUCCESS) {
        status = open_and_sum(presult, replace);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(replace->made->env);
    }
    if (status == APR_SUCCESS) {
        status = change_places(presult, replace);
    }
    *pwhat = replace->what;
    return status;
}

void llm_replace_end(llm_replace_t *replace)
{
    if (!replace->is_done && replace->made) {
        llm_folder_remove(replace->made->dir);
    }
    llm_folder_unlock(replace->folder);
}
