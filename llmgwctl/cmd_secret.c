/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl secret: the providers' secrets, sealed under a master key.
 *
 * Sealing is done here, so that neither the store nor its owner nor the socket
 * ever sees a secret. The order of `set`: the secret is asked for first, when
 * nothing is held; the store is opened by a process of its own, since this one
 * may have to be root for the master key file; the file is held from before
 * the key is read until the secret is stored (store/master.h).
 *
 * Rotation: the file gets a second key in front of the one it has, each secret
 * is sealed anew with the first, the former is taken out. Killed anywhere, the
 * file and the store fit together, and the next `secret rotate` goes on.
 */
#include "llmgwctl/ctl.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_redact.h"
#include "store/master.h"

static const ctl_column_t columns[] = {
    {"name", "NAME", CTL_TEXT, 0}, {"set", "SET", CTL_TIME, 0},
    {"uid", "BY UID", CTL_ID, 0},  {"master", "MASTER KEY", CTL_TEXT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

/* ------------------------------------------------- memory of what is secret */

typedef struct memory_t {
    char secret[LLM_SECRET_MAX + 1];
    char line[LLM_SECRET_MAX + 64];
    llm_master_file_t file;
} memory_t;

/* Pages that no dump of this process and no process made of it has. */
static memory_t *get_memory(void)
{
    const struct rlimit none = {0, 0};
    void *memory = mmap(NULL, sizeof(memory_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return NULL;
    }
    /* Where the system cannot do these, secrets are merely in memory. */
    (void)mlock(memory, sizeof(memory_t));
    (void)madvise(memory, sizeof(memory_t), MADV_DONTDUMP);
    (void)madvise(memory, sizeof(memory_t), MADV_DONTFORK);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    ((memory_t *)memory)->file.fd = -1;
    return memory;
}

static void drop_memory(memory_t *memory)
{
    llm_master_close(&memory->file);
    llm_wipe(memory, sizeof(*memory));
    munmap(memory, sizeof(*memory));
}

static const char *master_path(const ctl_t *ctl)
{
    const char *path = ctl_option(ctl, "master-key");

    if (!path) {
        path = ctl->world->env("LLMGW_MASTER_KEY");
    }
    return path && *path ? path : LLM_MASTER_DEFAULT;
}

static int fail_file(ctl_t *ctl, const char *what)
{
    return ctl_fail(ctl, CTL_REFUSED, "master_key", "the master key: %s", what);
}

/* ------------------------------------------------------------------- listing */

typedef struct names_t {
    apr_array_header_t *names;   /* of const char *: all of them */
    apr_array_header_t *masters; /* of const char *: what each is sealed with */
    apr_pool_t *pool;
} names_t;

static void note_secret(void *baton, const llm_json_t *row)
{
    names_t *names = baton;

    APR_ARRAY_PUSH(names->names, const char *) =
        llm_json_string(llm_json_get(row, "name"), names->pool);
    APR_ARRAY_PUSH(names->masters, const char *) =
        llm_json_string(llm_json_get(row, "master"), names->pool);
}

static int ask_names(ctl_t *ctl, names_t *names)
{
    names->pool = ctl->pool;
    names->names = apr_array_make(ctl->pool, 8, sizeof(const char *));
    names->masters = apr_array_make(ctl->pool, 8, sizeof(const char *));
    return ctl_ask(ctl, ctl_request(ctl, "secret.list"), note_secret, names,
                   NULL);
}

/* ----------------------------------------------------------------------- set */

static int ask_secret(ctl_t *ctl, memory_t *memory, apr_size_t *plen)
{
    const char *name = ctl_argument(ctl, 0), *wrong;
    apr_status_t status;
    char text[128];

    wrong = llm_key_check_name(name);
    if (wrong) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "NAME: %s", wrong);
    }
    if (strcmp(llm_redact(name, ctl->pool), name) != 0) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "NAME: this looks like a secret itself; expected a "
                        "name for it, such as the provider's");
    }
    status = ctl->world->secret(
        apr_psprintf(ctl->pool, "Secret of '%s' (not shown): ", name),
        memory->line, sizeof(memory->line), plen);
    wrong = status == APR_SUCCESS  ? llm_secret_check(memory->line, plen)
            : status == APR_ENOSPC ? "it is too long"
                                   : apr_strerror(status, text, sizeof(text));
    return wrong ? ctl_fail(ctl, CTL_USAGE, "usage", "the secret: %s", wrong)
                 : CTL_DONE;
}

/* A new master key would not open the secrets that are there. */
static int make_master(ctl_t *ctl, const char *path)
{
    const char *what = NULL;
    names_t names;
    apr_status_t status;
    int result = ask_names(ctl, &names);

    if (result != CTL_DONE) {
        return result;
    }
    if (names.names->nelts) {
        return ctl_fail(
            ctl, CTL_REFUSED, "master_key",
            "there is no master key %s, and the store's secrets are sealed "
            "with the master key %s: name its file with --master-key, or "
            "delete the secrets and set them again",
            path, APR_ARRAY_IDX(names.masters, 0, const char *));
    }
    status = llm_master_create(path, &what, ctl->pool);
    if (status != APR_SUCCESS && status != APR_EEXIST) {
        return fail_file(ctl, what);
    }
    ctl_remark(ctl,
               "A new master key was made: %s. Keep a copy of it apart "
               "from the store's backups.",
               path);
    return CTL_DONE;
}

/* The file, made if need be. */
static int hold_master(ctl_t *ctl, memory_t *memory)
{
    const char *path = master_path(ctl), *what = NULL;
    apr_status_t status = llm_master_open(&memory->file, path, LLM_MASTER_SHARE,
                                          &what, ctl->pool);

    if (status == ENOENT) {
        int result = make_master(ctl, path);

        if (result != CTL_DONE) {
            return result;
        }
        status = llm_master_open(&memory->file, path, LLM_MASTER_SHARE, &what,
                                 ctl->pool);
    }
    return status == APR_SUCCESS ? CTL_DONE : fail_file(ctl, what);
}

/* Hex of the sealed secret; NULL: the library failed. */
static const char *seal(const memory_t *memory, const char *name,
                        const char *secret, apr_size_t len, apr_pool_t *pool)
{
    unsigned char *sealed = apr_palloc(pool, LLM_SEALED_MAX);
    apr_size_t sealed_len;
    char *text;

    if (llm_seal(sealed, &sealed_len, &memory->file.masters, name, secret, len)
        != APR_SUCCESS) {
        return NULL;
    }
    text = apr_palloc(pool, 2 * sealed_len + 1);
    llm_hex_print(text, sealed, sealed_len);
    return text;
}

static int is_in(const llm_masters_t *masters, const char *id)
{
    char text[LLM_MASTER_ID_TEXT];
    unsigned i;

    for (i = 0; i < masters->count; ++i) {
        llm_master_id_print(text, masters->list[i].id);
        if (id && !strcmp(text, id)) {
            return 1;
        }
    }
    return 0;
}

/* The gateway has one master key file: it has to open them all. */
static int check_master(ctl_t *ctl, const memory_t *memory)
{
    names_t names;
    int status = ask_names(ctl, &names), i;

    for (i = 0; status == CTL_DONE && i < names.names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names.names, i, const char *);
        const char *id = APR_ARRAY_IDX(names.masters, i, const char *);

        if (strcmp(name, ctl_argument(ctl, 0)) != 0
            && !is_in(&memory->file.masters, id)) {
            status = ctl_fail(ctl, CTL_REFUSED, "master_key",
                              "%s is not the master key the secret '%s' is "
                              "sealed with (%s): name the right file with "
                              "--master-key, or delete that secret",
                              memory->file.path, name, id);
        }
    }
    return status;
}

static int store_secret(ctl_t *ctl, const memory_t *memory, apr_size_t len)
{
    const char *name = ctl_argument(ctl, 0);
    const char *sealed = seal(memory, name, memory->line, len, ctl->pool);
    llm_buf_t *request = ctl_request(ctl, "secret.set");
    const llm_json_t *done, *secret;
    int status;

    if (!sealed) {
        return ctl_fail(ctl, CTL_REFUSED, "internal",
                        "the secret could not be sealed");
    }
    ctl_request_text(request, "name", name);
    ctl_request_text(request, "sealed", sealed);
    status = ctl_ask(ctl, request, NULL, NULL, &done);
    if (status != CTL_DONE) {
        return status;
    }
    if (ctl->face == CTL_TABLE) {
        fprintf(ctl->world->out, "%s: stored\n", name);
        ctl_remark(ctl,
                   "LLMKey secret:%s uses it from the gateway's next "
                   "start or graceful restart on.",
                   name);
        return CTL_DONE;
    }
    secret = llm_json_get(done, "secret");
    ctl_record(ctl, "secret", columns, ctl_cells(columns, secret, ctl->pool),
               NULL);
    return CTL_DONE;
}

static int secret_set(ctl_t *ctl)
{
    memory_t *memory = get_memory();
    apr_size_t len = 0;
    int status;

    if (!memory) {
        return ctl_fail(ctl, CTL_REFUSED, "internal", "out of memory");
    }
    status = ask_secret(ctl, memory, &len);
    if (status == CTL_DONE) {
        status = ctl_open_store_apart(ctl);
    }
    if (status == CTL_DONE) {
        status = hold_master(ctl, memory);
    }
    if (status == CTL_DONE) {
        status = check_master(ctl, memory);
    }
    if (status == CTL_DONE) {
        status = store_secret(ctl, memory, len);
    }
    drop_memory(memory);
    return status;
}

/* ------------------------------------------------------------ list and delete */

typedef struct listing_t {
    ctl_list_t *list;
    apr_pool_t *pool; /* for one row */
} listing_t;

static void list_secret(void *baton, const llm_json_t *row)
{
    listing_t *listing = baton;

    ctl_list_add(listing->list, ctl_cells(columns, row, listing->pool));
    apr_pool_clear(listing->pool);
}

static int secret_list(ctl_t *ctl)
{
    listing_t listing = {.list = ctl_list_begin(ctl, "secrets", columns)};
    int status;

    apr_pool_create(&listing.pool, ctl->pool);
    status = ctl_ask(ctl, ctl_request(ctl, "secret.list"), list_secret,
                     &listing, NULL);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_list_end(listing.list);
    if (!ctl_list_count(listing.list)) {
        ctl_remark(ctl, "There are no secrets.");
    }
    return CTL_DONE;
}

static int secret_delete(ctl_t *ctl)
{
    static const ctl_column_t name[] = {{"name", "NAME", CTL_TEXT, 0},
                                        {NULL, NULL, CTL_TEXT, 0}};
    llm_buf_t *request = ctl_request(ctl, "secret.delete");
    const llm_json_t *done;
    int status;

    ctl_request_text(request, "name", ctl_argument(ctl, 0));
    status = ctl_ask(ctl, request, NULL, NULL, &done);
    if (status != CTL_DONE) {
        return status;
    }
    if (ctl->face == CTL_TABLE) {
        fprintf(ctl->world->out, "%s: deleted\n",
                ctl_safe_text(ctl_argument(ctl, 0), ctl->pool));
        return CTL_DONE;
    }
    ctl_record(ctl, "secret", name,
               ctl_cells(name, llm_json_get(done, "secret"), ctl->pool), NULL);
    return CTL_DONE;
}

/* -------------------------------------------------------------------- rotate */

/* How a secret cannot be opened. */
static int fail_secret(ctl_t *ctl, const memory_t *memory, const char *name,
                       apr_status_t status)
{
    return ctl_fail(
        ctl, CTL_REFUSED, status == APR_NOTFOUND ? "master_key" : "damaged",
        "the secret '%s' %s: llmgwctl secret set %s, or secret delete %s", name,
        status == APR_NOTFOUND ? apr_psprintf(
            ctl->pool, "is sealed with a master key that is not in %s",
            memory->file.path)
        : status == APR_ENOTIMPL ? "was sealed by a newer version"
                                 : "is damaged",
        name, name);
}

/* One secret under the first key. */
static int reseal(ctl_t *ctl, memory_t *memory, const char *name)
{
    llm_buf_t *request = ctl_request(ctl, "secret.get");
    unsigned char *sealed = apr_palloc(ctl->pool, LLM_SEALED_MAX);
    apr_size_t sealed_len, len;
    const llm_json_t *done;
    const char *was, *text;
    apr_status_t status;
    int result;

    ctl_request_text(request, "name", name);
    result = ctl_ask(ctl, request, NULL, NULL, &done);
    if (result != CTL_DONE) {
        return result;
    }
    was = llm_json_string(llm_json_get(done, "sealed"), ctl->pool);
    if (!was
        || !llm_hex_read(sealed, LLM_SEALED_MAX, &sealed_len, was,
                         strlen(was))) {
        return fail_secret(ctl, memory, name, APR_EINVAL);
    }
    status = llm_unseal(memory->secret, &len, &memory->file.masters, name,
                        sealed, sealed_len);
    if (status != APR_SUCCESS) {
        return fail_secret(ctl, memory, name, status);
    }
    text = seal(memory, name, memory->secret, len, ctl->pool);
    llm_wipe(memory->secret, sizeof(memory->secret));
    if (!text) {
        return ctl_fail(ctl, CTL_REFUSED, "internal",
                        "the secret '%s' could not be sealed", name);
    }
    request = ctl_request(ctl, "secret.reseal");
    ctl_request_text(request, "name", name);
    ctl_request_text(request, "was", was);
    ctl_request_text(request, "sealed", text);
    return ctl_ask(ctl, request, NULL, NULL, NULL);
}

/* All that are not under the first key. */
static int reseal_all(ctl_t *ctl, memory_t *memory, unsigned *pcount)
{
    char first[LLM_MASTER_ID_TEXT];
    names_t names;
    int status = ask_names(ctl, &names), i;

    llm_master_id_print(first, memory->file.masters.list[0].id);
    for (i = 0; status == CTL_DONE && i < names.names->nelts; ++i) {
        if (strcmp(APR_ARRAY_IDX(names.masters, i, const char *), first) != 0) {
            status = reseal(ctl, memory,
                            APR_ARRAY_IDX(names.names, i, const char *));
            *pcount += 1;
        }
    }
    return status;
}

/* The file with a new key in front; one that has two is in the middle of a
 * rotation already. */
static int add_master(ctl_t *ctl, memory_t *memory)
{
    llm_masters_t *masters = &memory->file.masters;
    const char *what = NULL;
    apr_status_t status;

    if (masters->count > 1) {
        ctl_remark(ctl, "A rotation that was interrupted goes on.");
        return CTL_DONE;
    }
    masters->list[1] = masters->list[0];
    masters->count = 2;
    if (llm_master_make(&masters->list[0]) != APR_SUCCESS) {
        return ctl_fail(ctl, CTL_REFUSED, "internal",
                        "the system gives no randomness");
    }
    status = llm_master_replace(&memory->file, &what, ctl->pool);
    return status == APR_SUCCESS ? CTL_DONE : fail_file(ctl, what);
}

static int drop_former(ctl_t *ctl, memory_t *memory)
{
    const char *what = NULL;
    apr_status_t status;

    memory->file.masters.count = 1;
    status = llm_master_replace(&memory->file, &what, ctl->pool);
    return status == APR_SUCCESS ? CTL_DONE : fail_file(ctl, what);
}

static int say_rotated(ctl_t *ctl, const memory_t *memory, unsigned count)
{
    static const ctl_column_t said[] = {
        {"master", "MASTER KEY", CTL_TEXT, 0},
        {"secrets", "SEALED ANEW", CTL_COUNT, 0},
        {NULL, NULL, CTL_TEXT, 0},
    };
    char id[LLM_MASTER_ID_TEXT];
    const char *cells[3] = {id, apr_psprintf(ctl->pool, "%u", count), NULL};

    llm_master_id_print(id, memory->file.masters.list[0].id);
    ctl_record(ctl, "rotated", said, cells, NULL);
    return CTL_DONE;
}

static int rotate(ctl_t *ctl, memory_t *memory)
{
    const char *what = NULL;
    unsigned count = 0;
    int status;

    if (llm_master_open(&memory->file, master_path(ctl), LLM_MASTER_ALONE,
                        &what, ctl->pool)
        != APR_SUCCESS) {
        return fail_file(ctl, what);
    }
    status = add_master(ctl, memory);
    if (status == CTL_DONE) {
        status = reseal_all(ctl, memory, &count);
    }
    if (status == CTL_DONE) {
        status = drop_former(ctl, memory);
    }
    return status == CTL_DONE ? say_rotated(ctl, memory, count) : status;
}

static int secret_rotate(ctl_t *ctl)
{
    memory_t *memory = get_memory();
    int status;

    if (!memory) {
        return ctl_fail(ctl, CTL_REFUSED, "internal", "out of memory");
    }
    status = ctl_open_store_apart(ctl);
    if (status == CTL_DONE) {
        status = rotate(ctl, memory);
    }
    drop_memory(memory);
    return status;
}

/* ------------------------------------------------------------------ commands */

static const ctl_option_t master_options[] = {
    {"master-key", "FILE", "the master key file"},
    {NULL, NULL, NULL},
};

static const ctl_option_t list_options[] = {
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "set",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .summary = "Store a provider's secret",
     .about = "Asks for the secret, which is not shown, or reads one line of "
              "standard input.\nIt is kept encrypted; the first time, the "
              "master key file is made.",
     .example = "llmgwctl secret set openai",
     .options = master_options,
     .run = secret_set},
    {.verb = "list",
     .needs = CTL_NEEDS_STORE,
     .summary = "List the secrets, without what is in them",
     .example = "llmgwctl secret list",
     .options = list_options,
     .run = secret_list},
    {.verb = "rotate",
     .summary = "Seal all secrets with a new master key",
     .about = "Can be interrupted at any moment; the next run goes on.",
     .example = "llmgwctl secret rotate",
     .options = master_options,
     .run = secret_rotate},
    {.verb = "delete",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Remove a provider's secret",
     .about = "A gateway that runs has read it and goes on with it until its "
              "next restart.",
     .example = "llmgwctl secret delete openai",
     .run = secret_delete},
    {.run = NULL},
};

const ctl_noun_t ctl_secret = {
    .name = "secret",
    .summary = "Providers' secrets, encrypted",
    .commands = commands,
};
