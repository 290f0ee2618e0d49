/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, made from the tables: of the program, of a noun, of a command.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#define MARGIN 26 /* where the explanations begin */

static const char *synopsis(const ctl_noun_t *noun,
                            const ctl_command_t *command, apr_pool_t *pool)
{
    return apr_pstrcat(pool, noun->name, command->verb ? " " : "",
                       command->verb ? command->verb : "",
                       command->arguments ? " " : "",
                       command->arguments ? command->arguments : "", NULL);
}

/* A word and what it means, below one another where the word is long. */
static void explain(FILE *to, const char *word, const char *meaning)
{
    int gap = MARGIN - 2 - (int)strlen(word);

    if (gap < 2) {
        fprintf(to, "  %s\n%*s%s\n", word, MARGIN, "", meaning);
    }
    else {
        fprintf(to, "  %s%*s%s\n", word, gap, "", meaning);
    }
}

static void list_options(FILE *to, const char *title,
                         const ctl_option_t *options, apr_pool_t *pool)
{
    if (!options || !options->name) {
        return;
    }
    fprintf(to, "\n%s:\n", title);
    for (; options->name; ++options) {
        explain(
            to,
            apr_pstrcat(pool, "--", options->name,
                        options->value && options->value[0] != '[' ? " " : "",
                        options->value ? options->value : "", NULL),
            options->help);
    }
}

static void list_commands(FILE *to, const ctl_noun_t *noun, apr_pool_t *pool)
{
    const ctl_command_t *command;

    for (command = noun->commands; command->run; ++command) {
        explain(to, synopsis(noun, command, pool), command->summary);
    }
}

static void help_program(FILE *to, apr_pool_t *pool)
{
    const ctl_noun_t *const *noun;

    fputs("Usage: llmgwctl [--store DIR] [--json] COMMAND ...\n\n"
          "Reads and edits the store of mod_llm_gateway, whether the gateway "
          "runs or not.\n\nCommands:\n",
          to);
    for (noun = ctl_nouns; *noun; ++noun) {
        list_commands(to, *noun, pool);
    }
    list_options(to, "Options of every command", ctl_globals, pool);
    fputs(
        "\nWithout --store the folder is $LLMGW_STORE, else " CTL_STORE_DEFAULT
        ".\nExit status: 0 done, 1 refused or not found, 2 wrong usage, 3 the "
        "store\ncannot be reached.\n\n"
        "'llmgwctl COMMAND --help' says more about one of them.\n",
        to);
}

static void help_noun(FILE *to, const ctl_noun_t *noun, apr_pool_t *pool)
{
    fprintf(to, "Usage: llmgwctl %s COMMAND ...\n\n%s.\n\nCommands:\n",
            noun->name, noun->summary);
    list_commands(to, noun, pool);
    list_options(to, "Options of every command", ctl_globals, pool);
}

static void help_command(FILE *to, const ctl_noun_t *noun,
                         const ctl_command_t *command, apr_pool_t *pool)
{
    fprintf(to, "Usage: llmgwctl %s%s\n\n%s.\n", synopsis(noun, command, pool),
            command->options ? " [options]" : "", command->summary);
    if (command->about) {
        fprintf(to, "\n%s\n", command->about);
    }
    list_options(to, "Options", command->options, pool);
    list_options(to, "Options of every command", ctl_globals, pool);
    fprintf(to, "\nExample:\n  %s\n", command->example);
}

void ctl_help(const ctl_t *ctl, FILE *to)
{
    if (ctl->command) {
        help_command(to, ctl->noun, ctl->command, ctl->pool);
    }
    else if (ctl->noun) {
        help_noun(to, ctl->noun, ctl->pool);
    }
    else {
        help_program(to, ctl->pool);
    }
}
