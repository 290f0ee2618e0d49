/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: noun, verb, arguments and options, in any sensible order.
 *
 * Words are read from left to right. The first is the noun, the next the verb
 * where the noun has verbs, the rest are arguments; options may stand
 * anywhere after the word they belong to, as "--name value" or "--name=value",
 * and "--" ends them. "--help" and the word "help" ask for the help of the
 * level that was reached.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#define WORD_MAX 64 /* longer words resemble nothing */

const ctl_option_t ctl_globals[] = {
    {"store", "DIR", "the store's folder"},
    {"json", NULL, "print one JSON object"},
    {"help", NULL, "show what there is, at every level"},
    {"version", NULL, "print the version"},
    {NULL, NULL, NULL},
};

typedef struct words_t {
    ctl_t *ctl;
    const char *const *next; /* the word to be read */
    const char *const *end;
    int is_open; /* options are still recognised */
} words_t;

/* Edits needed to make b of a; two neighbours that changed places are one. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    apr_size_t i, j, m = strlen(a), n = strlen(b);

    if (m > WORD_MAX || n > WORD_MAX) {
        return WORD_MAX;
    }
    for (j = 0; j <= n; ++j) {
        rows[0][j] = (unsigned)j;
    }
    for (i = 1; i <= m; ++i) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];

        row[0] = (unsigned)i;
        for (j = 1; j <= n; ++j) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

            if (above[j] + 1 < best) {
                best = above[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && rows[(i + 1) % 3][j - 2] + 1 < best) {
                best = rows[(i + 1) % 3][j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[m % 3][n];
}

const char *ctl_nearest(const char *word, const char *const *candidates)
{
    apr_size_t len = strlen(word);
    unsigned best = len < 4 ? 2 : 3; /* nothing so far off is meant */
    const char *nearest = NULL;

    for (; *candidates; ++candidates) {
        unsigned d = distance(word, *candidates);

        if (len && !strncmp(*candidates, word, len)) {
            return *candidates; /* a beginning is the best guess there is */
        }
        if (d < best) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}

/* "; did you mean 'x'?", or "". */
static const char *suggestion(const char *word, const apr_array_header_t *known,
                              const char *dashes, apr_pool_t *pool)
{
    const char *nearest =
        ctl_nearest(word, (const char *const *)(void *)known->elts);

    return nearest ? apr_psprintf(pool, "; did you mean %s%s?", dashes, nearest)
                   : "";
}

static void add(apr_array_header_t *names, const char *name)
{
    APR_ARRAY_PUSH(names, const char *) = name;
}

static int read_noun(words_t *words, const char *word)
{
    ctl_t *ctl = words->ctl;
    apr_array_header_t *known = apr_array_make(ctl->pool, 8, sizeof(char *));
    const ctl_noun_t *const *noun;

    for (noun = ctl_nouns; *noun; ++noun) {
        add(known, (*noun)->name);
        if (!strcmp((*noun)->name, word)) {
            ctl->noun = *noun;
            /* One that has no verbs is a command by itself. */
            if (!(*noun)->commands[0].verb && !(*noun)->commands[1].run) {
                ctl->command = (*noun)->commands;
            }
            return CTL_DONE;
        }
    }
    add(known, NULL);
    return ctl_fail(ctl, CTL_USAGE, "usage", "no such command: %s%s", word,
                    suggestion(word, known, "", ctl->pool));
}

static int read_verb(words_t *words, const char *word)
{
    ctl_t *ctl = words->ctl;
    apr_array_header_t *known = apr_array_make(ctl->pool, 8, sizeof(char *));
    const ctl_command_t *command;

    for (command = ctl->noun->commands; command->run; ++command) {
        add(known, command->verb);
        if (!strcmp(command->verb, word)) {
            ctl->command = command;
            return CTL_DONE;
        }
    }
    add(known, NULL);
    return ctl_fail(ctl, CTL_USAGE, "usage", "no such command: %s %s%s",
                    ctl->noun->name, word,
                    suggestion(word, known, "", ctl->pool));
}

static int read_word(words_t *words, const char *word)
{
    ctl_t *ctl = words->ctl;

    if (!ctl->noun) {
        if (!strcmp(word, "help")) {
            ctl->wants_help = 1;
            return CTL_DONE;
        }
        return read_noun(words, word);
    }
    if (!ctl->command) {
        return read_verb(words, word);
    }
    add(ctl->arguments, word);
    return CTL_DONE;
}

static const ctl_option_t *find_option(const ctl_option_t *options,
                                       const char *name,
                                       apr_array_header_t *known)
{
    for (; options && options->name; ++options) {
        add(known, options->name);
        if (!strcmp(options->name, name)) {
            return options;
        }
    }
    return NULL;
}

/* How results are to be printed. */
static int settle_face(ctl_t *ctl)
{
    static const char *const faces[] = {"table", "csv", "json", NULL};
    const char *format = ctl_option(ctl, "format");
    unsigned i;

    ctl->face = ctl_option(ctl, "json") ? CTL_JSON : CTL_TABLE;
    if (!format || ctl->face == CTL_JSON) {
        return CTL_DONE;
    }
    for (i = 0; faces[i]; ++i) {
        if (!strcmp(faces[i], format)) {
            ctl->face = (ctl_face_e)i;
            return CTL_DONE;
        }
    }
    return ctl_fail(ctl, CTL_USAGE, "usage",
                    "--format: expected table, csv or json, not '%s'", format);
}

static int is_list(const ctl_option_t *option)
{
    apr_size_t len = option->value ? strlen(option->value) : 0;

    return len > 3 && !strcmp(option->value + len - 3, "...");
}

/* What an option means to all commands alike. */
static int apply(ctl_t *ctl, const char *name, const char *value)
{
    apr_table_setn(ctl->options, name, value);
    if (!strcmp(name, "help")) {
        ctl->wants_help = 1;
    }
    else if (!strcmp(name, "store")) {
        ctl->store = value;
    }
    return CTL_DONE;
}

static int read_option(words_t *words, const char *word)
{
    ctl_t *ctl = words->ctl;
    apr_array_header_t *known = apr_array_make(ctl->pool, 8, sizeof(char *));
    const char *sign = strchr(word, '=');
    const char *name =
        sign ? apr_pstrmemdup(ctl->pool, word, (apr_size_t)(sign - word))
             : word;
    const char *value = sign ? sign + 1 : NULL;
    const ctl_option_t *option = find_option(ctl_globals, name, known);

    if (!option && ctl->command) {
        option = find_option(ctl->command->options, name, known);
    }
    if (!option) {
        add(known, NULL);
        return ctl_fail(ctl, CTL_USAGE, "usage", "no such option: --%s%s", name,
                        suggestion(name, known, "--", ctl->pool));
    }
    if (option->value && option->value[0] == '[') {
        return apply(ctl, option->name, value ? value : "");
    }
    if (!option->value) {
        return value ? ctl_fail(ctl, CTL_USAGE, "usage", "--%s: takes no value",
                                option->name)
                     : apply(ctl, option->name, "");
    }
    if (!value && words->next < words->end) {
        value = *words->next++;
    }
    if (!value || !*value) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "--%s: expected %s",
                        option->name, option->value);
    }
    if (is_list(option) && ctl_option(ctl, option->name)) {
        value = apr_pstrcat(ctl->pool, ctl_option(ctl, option->name), ", ",
                            value, NULL);
    }
    return apply(ctl, option->name, value);
}

static int is_option(const words_t *words, const char *word)
{
    return words->is_open && word[0] == '-' && word[1];
}

static int read_next(words_t *words)
{
    const char *word = *words->next++;

    if (!is_option(words, word)) {
        return read_word(words, word);
    }
    if (!strcmp(word, "--")) {
        words->is_open = 0;
        return CTL_DONE;
    }
    if (!strcmp(word, "-h")) {
        return apply(words->ctl, "help", "");
    }
    if (word[1] != '-') {
        return ctl_fail(words->ctl, CTL_USAGE, "usage", "no such option: %s",
                        word);
    }
    return read_option(words, word + 2);
}

/* Are all words there? */
static int check_complete(ctl_t *ctl)
{
    const ctl_command_t *command = ctl->command;
    unsigned count = (unsigned)ctl->arguments->nelts;

    if (!command) {
        if (ctl->face != CTL_JSON) {
            ctl_help(ctl, ctl->world->err);
            return CTL_USAGE;
        }
        return ctl_fail(ctl, CTL_USAGE, "usage", "a command is missing");
    }
    if (count < command->least) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "%s%s%s: expected %s",
                        ctl->noun->name, command->verb ? " " : "",
                        command->verb ? command->verb : "", command->arguments);
    }
    if (count > command->most) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "%s%s%s: '%s' is one word too many", ctl->noun->name,
                        command->verb ? " " : "",
                        command->verb ? command->verb : "",
                        ctl_argument(ctl, command->most));
    }
    return CTL_DONE;
}

int ctl_read_words(ctl_t *ctl, int argc, const char *const *argv)
{
    words_t words = {ctl, argv + (argc > 0), argv + argc, 1};
    const char *const *word;
    int status = CTL_DONE;

    /* An error in the first word is told as the last word wants it. */
    for (word = words.next; word < words.end && strcmp(*word, "--"); ++word) {
        if (!strcmp(*word, "--json") || !strcmp(*word, "--format=json")) {
            ctl->face = CTL_JSON;
        }
    }
    while (status == CTL_DONE && words.next < words.end) {
        status = read_next(&words);
    }
    if (status == CTL_DONE) {
        status = settle_face(ctl);
    }
    if (status == CTL_DONE && ctl_option(ctl, "version")) {
        fputs("llmgwctl " LLMGW_VERSION "\n", ctl->world->out);
        ctl->command = NULL;
        ctl->wants_help = 0;
        return CTL_DONE;
    }
    if (status == CTL_DONE && !ctl->wants_help) {
        status = check_complete(ctl);
    }
    return status;
}
