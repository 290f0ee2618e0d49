/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of llmgwctl: words to a command, what the command needs, the
 * command itself, and how it says that it failed.
 *
 * The result is complete or the exit status says otherwise: output that could
 * not be written (a full disk, a closed pipe) is a failure too.
 */
#include "llmgwctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#define NOUN(name) extern const ctl_noun_t ctl_##name;
#include "llmgwctl/commands.def"
#undef NOUN

#define NOUN(name) &ctl_##name,
const ctl_noun_t *const ctl_nouns[] = {
#include "llmgwctl/commands.def"
    NULL,
};
#undef NOUN

const char *ctl_option(const ctl_t *ctl, const char *name)
{
    return apr_table_get(ctl->options, name);
}

const char *ctl_argument(const ctl_t *ctl, unsigned index)
{
    return index < (unsigned)ctl->arguments->nelts
               ? APR_ARRAY_IDX(ctl->arguments, (int)index, const char *)
               : NULL;
}

int ctl_fail(ctl_t *ctl, ctl_exit_e status, const char *code, const char *fmt,
             ...)
{
    const char *message;
    va_list args;

    va_start(args, fmt);
    message = apr_pvsprintf(ctl->pool, fmt, args);
    va_end(args);
    if (ctl->face == CTL_JSON) {
        /* The words quoted in it may be any bytes; JSON may not. */
        message = llm_text_string(
            llm_text_escape(message, strlen(message), ctl->pool), ctl->pool);
        ctl_print_error(ctl, code, message);
    }
    else {
        fprintf(ctl->world->err, "llmgwctl: %s\n",
                ctl_safe_text(message, ctl->pool));
    }
    return (int)status;
}

void ctl_remark(const ctl_t *ctl, const char *fmt, ...)
{
    va_list args;

    if (ctl->face == CTL_JSON) {
        return;
    }
    va_start(args, fmt);
    fprintf(ctl->world->err, "%s\n",
            ctl_safe_text(apr_pvsprintf(ctl->pool, fmt, args), ctl->pool));
    va_end(args);
}

/* What came of opening it. */
static int opened(ctl_t *ctl, apr_status_t status, const char *what)
{
    char text[128];

    if (status == APR_SUCCESS) {
        return CTL_DONE;
    }
    ctl->client = NULL;
    return ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                    "the store %s cannot be reached: %s", ctl->store,
                    what ? what : apr_strerror(status, text, sizeof(text)));
}

int ctl_open_store(ctl_t *ctl)
{
    const char *what = NULL;
    apr_status_t status;

    if (ctl->client) {
        return CTL_DONE;
    }
    status = ctl->world->door->open(&ctl->client, ctl->store, &what, ctl->pool);
    return opened(ctl, status, what);
}

int ctl_open_store_apart(ctl_t *ctl)
{
    const char *what = NULL;
    apr_status_t status = ctl->world->door->open_apart(
        &ctl->client, ctl->store, NULL, NULL, &what, ctl->pool);

    return opened(ctl, status, what);
}

static int run_command(ctl_t *ctl)
{
    int status = CTL_DONE;

    if (ctl->command->needs & CTL_NEEDS_STORE) {
        status = ctl_open_store(ctl);
    }
    if (status == CTL_DONE) {
        status = ctl->command->run(ctl);
    }
    if (ctl->client) {
        ctl->world->door->close(ctl->client);
        ctl->client = NULL;
    }
    return status;
}

int ctl_run(const ctl_world_t *world, int argc, const char *const *argv,
            apr_pool_t *pool)
{
    ctl_t ctl = {.pool = pool, .world = world, .face = CTL_TABLE};
    int status;

    ctl.options = apr_table_make(pool, 8);
    ctl.arguments = apr_array_make(pool, 4, sizeof(const char *));
    ctl.store = world->env("LLMGW_STORE");
    if (!ctl.store || !*ctl.store) {
        ctl.store = CTL_STORE_DEFAULT;
    }
    status = ctl_read_words(&ctl, argc, argv);
    if (status == CTL_DONE && ctl.wants_help) {
        ctl_help(&ctl, world->out);
    }
    else if (status == CTL_DONE && ctl.command) {
        status = run_command(&ctl);
    }
    if ((fflush(world->out) || ferror(world->out)) && status == CTL_DONE) {
        fputs("llmgwctl: the output could not be written\n", world->err);
        status = CTL_REFUSED;
    }
    return status;
}
