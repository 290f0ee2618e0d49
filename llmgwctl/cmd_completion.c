/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl completion: what a shell needs to complete llmgwctl's words, made
 * from the commands' tables, as help is.
 *
 * The three scripts do the same: find noun and verb among the words before,
 * pass over the values of options, and offer what the table has at that place.
 * Names of keys and teams are asked for when they are needed, by
 * "llmgwctl completion keys" and "teams".
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

/* What stands where a value or an argument is to be. */
typedef enum { NOTHING, WORDS, KEYS, TEAMS, FILES, FOLDERS } kind_e;

typedef struct place_t {
    kind_e kind;
    const char *words; /* WORDS: separated by blanks */
} place_t;

/* "a|b|c" as words; a name that stands for a value is in capitals. */
static place_t words_of(const char *value, apr_pool_t *pool)
{
    char *words = apr_pstrdup(pool, value), *at;

    if (!strchr(value, '|')
        || value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789|-_")]) {
        return (place_t){NOTHING, NULL};
    }
    for (at = words; *at; ++at) {
        *at = *at == '|' ? ' ' : *at;
    }
    return (place_t){WORDS, words};
}

static place_t place_of_value(const ctl_option_t *option, apr_pool_t *pool)
{
    static const struct {
        const char *value;
        place_t place;
    } known[] = {{"FORMAT", {WORDS, "table csv json"}},
                 {"TEAM", {TEAMS, NULL}},
                 {"DIR", {FOLDERS, NULL}},
                 {"FILE", {FILES, NULL}},
                 {"PROGRAM", {FILES, NULL}}};
    apr_size_t i;

    if (!strcmp(option->name, "key") && !strcmp(option->value, "NAME")) {
        return (place_t){KEYS, NULL};
    }
    for (i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (!strcmp(option->value, known[i].value)) {
            return known[i].place;
        }
    }
    return words_of(option->value, pool);
}

static place_t place_of_argument(const ctl_noun_t *noun,
                                 const ctl_command_t *command)
{
    const char *arguments = command->arguments ? command->arguments : "";
    int is_new = command->verb && !strcmp(command->verb, "create");

    if (!strcmp(arguments, "SHELL")) {
        return (place_t){WORDS, "bash zsh fish"};
    }
    if (strstr(arguments, "FILE")) {
        return (place_t){FILES, NULL};
    }
    if (strstr(arguments, "DIR")) {
        return (place_t){FOLDERS, NULL};
    }
    if (strncmp(arguments, "NAME", 4) != 0 || is_new) {
        return (place_t){NOTHING, NULL};
    }
    return (place_t){!strcmp(noun->name, "key")    ? KEYS
                     : !strcmp(noun->name, "team") ? TEAMS
                                                   : NOTHING,
                     NULL};
}

/* Takes a value in a word of its own; "[=X]" is one that only follows "=". */
static int takes_value(const ctl_option_t *option)
{
    return option->value && option->value[0] != '[';
}

/* Every option that takes a value, each once: "--store|--format". */
static const char *value_options(const char *between, apr_pool_t *pool)
{
    const char *names = "";
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;
    const ctl_option_t *option;

    for (option = ctl_globals; option->name; ++option) {
        if (takes_value(option)) {
            names = apr_pstrcat(pool, names, *names ? between : "", "--",
                                option->name, NULL);
        }
    }
    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            for (option = command->options; option && option->name; ++option) {
                const char *name = apr_pstrcat(pool, "--", option->name, NULL);
                const char *seen = strstr(names, name);
                apr_size_t len = strlen(name);

                while (seen && seen[len] && !strchr(between, seen[len])) {
                    seen = strstr(seen + 1, name);
                }
                if (takes_value(option) && !seen) {
                    names = apr_pstrcat(pool, names, between, name, NULL);
                }
            }
        }
    }
    return names;
}

static const char *option_words(const ctl_option_t *option, const char *words,
                                apr_pool_t *pool)
{
    for (; option && option->name; ++option) {
        words = apr_pstrcat(pool, words, *words ? " " : "", "--", option->name,
                            NULL);
    }
    return words;
}

/* Is the noun a command by itself? */
static int is_alone(const ctl_noun_t *noun)
{
    return !noun->commands[0].verb;
}

static const char *noun_words(apr_pool_t *pool)
{
    const ctl_noun_t *const *noun;
    const char *words = "";

    for (noun = ctl_nouns; *noun; ++noun) {
        words =
            apr_pstrcat(pool, words, *words ? " " : "", (*noun)->name, NULL);
    }
    return words;
}

static const char *verb_words(const ctl_noun_t *noun, apr_pool_t *pool)
{
    const ctl_command_t *command;
    const char *words = "";

    for (command = noun->commands; command->run; ++command) {
        words =
            apr_pstrcat(pool, words, *words ? " " : "", command->verb, NULL);
    }
    return words;
}

/* "key list", as the scripts compare it; "usage -" for one without verbs. */
static const char *path_of(const ctl_noun_t *noun, const ctl_command_t *command,
                           apr_pool_t *pool)
{
    return apr_pstrcat(pool, noun->name, " ",
                       command->verb ? command->verb : "-", NULL);
}

/* ----------------------------------------------------------- bash and zsh */

/* A branch of the script's first case: what completes after an option. */
static void put_place(FILE *out, const char *pattern, place_t place)
{
    static const char *const calls[] = {
        [NOTHING] = "",
        [KEYS] = "_llmgwctl_names keys",
        [TEAMS] = "_llmgwctl_names teams",
        [FILES] = "_llmgwctl_files",
        [FOLDERS] = "_llmgwctl_folders",
    };

    if (place.kind == WORDS) {
        fprintf(out, "    \"%s\") _llmgwctl_words '%s' ;;\n", pattern,
                place.words);
    }
    else if (place.kind != NOTHING) {
        fprintf(out, "    \"%s\") %s ;;\n", pattern, calls[place.kind]);
    }
}

static void put_values(FILE *out, const ctl_noun_t *noun,
                       const ctl_command_t *command, apr_pool_t *pool)
{
    const ctl_option_t *option;

    for (option = command->options; option && option->name; ++option) {
        if (takes_value(option)) {
            put_place(out,
                      apr_pstrcat(pool, path_of(noun, command, pool), " --",
                                  option->name, NULL),
                      place_of_value(option, pool));
        }
    }
}

/* What is the same in both shells: which words there are at which place. */
static void put_cases(FILE *out, apr_pool_t *pool)
{
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;

    fputs("    case $before in --store) _llmgwctl_folders; return ;; esac\n"
          "    case \"$noun $verb $before\" in\n",
          out);
    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            put_values(out, *noun, command, pool);
        }
    }
    fprintf(out,
            "    esac\n"
            "    case $before in\n"
            "    %s) return ;;\n"
            "    esac\n"
            "    if [[ -z $noun ]]; then\n"
            "        _llmgwctl_words '%s %s'\n"
            "        return\n"
            "    fi\n"
            "    case \"$noun $verb\" in\n",
            value_options("|", pool), noun_words(pool),
            option_words(ctl_globals, "", pool));
    for (noun = ctl_nouns; *noun; ++noun) {
        if (!is_alone(*noun)) {
            fprintf(out, "    \"%s \") _llmgwctl_words '%s --help' ;;\n",
                    (*noun)->name, verb_words(*noun, pool));
        }
        for (command = (*noun)->commands; command->run; ++command) {
            const char *path = path_of(*noun, command, pool);

            fprintf(out,
                    "    \"%s\") case $current in -*) _llmgwctl_words '%s'; "
                    "return ;; esac ;;\n",
                    path,
                    option_words(command->options,
                                 option_words(ctl_globals, "", pool), pool));
        }
    }
    fputs("    esac\n    case \"$noun $verb\" in\n", out);
    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            put_place(out, path_of(*noun, command, pool),
                      place_of_argument(*noun, command));
        }
    }
    fputs("    esac\n", out);
}

/* Noun and verb, from the words before the one that is completed. */
static void put_reading(FILE *out, const char *first, const char *word,
                        const char *last, apr_pool_t *pool)
{
    const ctl_noun_t *const *noun;

    fprintf(out,
            "    for ((i = %s; i < %s; i++)); do\n"
            "        case %s in\n"
            "        --store) ((i++)); store=%s ;;\n"
            "        %s) ((i++)) ;;\n"
            "        -* | =) ;;\n"
            "        *)  if [[ -z $noun ]]; then noun=%s\n"
            "            elif [[ -z $verb ]]; then verb=%s; fi ;;\n"
            "        esac\n"
            "    done\n"
            "    case $noun in\n",
            first, last, word, word, value_options("|", pool), word, word);
    for (noun = ctl_nouns; *noun; ++noun) {
        if (is_alone(*noun)) {
            fprintf(out, "    %s) verb=- ;;\n", (*noun)->name);
        }
    }
    fputs("    esac\n", out);
}

static void put_bash(FILE *out, apr_pool_t *pool)
{
    fputs("# bash completion for llmgwctl; made by: llmgwctl completion bash\n"
          "_llmgwctl_words()\n{\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
          "}\n"
          "_llmgwctl_names()\n{\n"
          "    _llmgwctl_words \"$(\"$program\" ${store:+--store \"$store\"} "
          "completion \"$1\" 2>/dev/null)\"\n"
          "}\n"
          "_llmgwctl_files()\n{\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "}\n"
          "_llmgwctl_folders()\n{\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n"
          "}\n"
          "_llmgwctl()\n{\n"
          "    local current before noun= verb= store= i\n"
          "    local program=${COMP_WORDS[0]}\n"
          "    COMPREPLY=()\n"
          "    current=${COMP_WORDS[COMP_CWORD]}\n"
          "    before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    if [[ $current == = ]]; then\n"
          "        current=\n"
          "    elif [[ $before == = ]]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n",
          out);
    put_reading(out, "1", "${COMP_WORDS[i]}", "COMP_CWORD", pool);
    put_cases(out, pool);
    fputs("}\ncomplete -F _llmgwctl llmgwctl\n", out);
}

static void put_zsh(FILE *out, apr_pool_t *pool)
{
    fputs("#compdef llmgwctl\n"
          "# zsh completion for llmgwctl; made by: llmgwctl completion zsh\n"
          "_llmgwctl_words() { compadd -- ${=1} }\n"
          "_llmgwctl_names() {\n"
          "    compadd -- ${(f)\"$($program ${store:+--store} "
          "${store:+$store} completion $1 2>/dev/null)\"}\n"
          "}\n"
          "_llmgwctl_files() { _files }\n"
          "_llmgwctl_folders() { _files -/ }\n"
          "_llmgwctl() {\n"
          "    local current before noun= verb= store= i\n"
          "    local program=${words[1]}\n"
          "    current=${words[CURRENT]}\n"
          "    before=${words[CURRENT - 1]}\n"
          "    if [[ $current == --*=* ]]; then\n"
          "        before=${current%%=*}\n"
          "        compset -P '*='\n"
          "    fi\n",
          out);
    put_reading(out, "2", "${words[i]}", "CURRENT", pool);
    put_cases(out, pool);
    fputs("}\n"
          "if [[ ${funcstack[1]} == _llmgwctl ]]; then\n"
          "    _llmgwctl \"$@\"\n"
          "else\n"
          "    compdef _llmgwctl llmgwctl\n"
          "fi\n",
          out);
}

/* -------------------------------------------------------------------- fish */

/* In single quotes. */
static const char *fish_text(const char *text, apr_pool_t *pool)
{
    char *safe = apr_palloc(pool, 2 * strlen(text) + 1), *to = safe;

    for (; *text; ++text) {
        if (*text == '\'' || *text == '\\') {
            *to++ = '\\';
        }
        *to++ = *text;
    }
    *to = '\0';
    return safe;
}

static const char *fish_place(place_t place, apr_pool_t *pool)
{
    switch (place.kind) {
    case WORDS:
        return apr_psprintf(pool, "-x -a '%s'", place.words);
    case KEYS:
        return "-x -a '(llmgwctl completion keys 2>/dev/null)'";
    case TEAMS:
        return "-x -a '(llmgwctl completion teams 2>/dev/null)'";
    case FILES:
        return "-r -F";
    case FOLDERS:
        return "-x -a '(__fish_complete_directories)'";
    default:
        return "-x";
    }
}

static void fish_options(FILE *out, const char *when,
                         const ctl_option_t *option, apr_pool_t *pool)
{
    for (; option && option->name; ++option) {
        fprintf(out, "complete -c llmgwctl -n '%s' -l %s %s -d '%s'\n", when,
                option->name,
                takes_value(option)
                    ? fish_place(place_of_value(option, pool), pool)
                    : "",
                fish_text(option->help, pool));
    }
}

static void fish_command(FILE *out, const ctl_noun_t *noun,
                         const ctl_command_t *command, apr_pool_t *pool)
{
    const char *when = apr_pstrcat(pool, "__llmgwctl_in ", noun->name,
                                   command->verb ? " " : "",
                                   command->verb ? command->verb : "", NULL);
    place_t place = place_of_argument(noun, command);

    if (command->verb) {
        fprintf(out,
                "complete -c llmgwctl -n '__llmgwctl_at %s' -a %s -d '%s'\n",
                noun->name, command->verb, fish_text(command->summary, pool));
    }
    fish_options(out, when, command->options, pool);
    if (place.kind != NOTHING) {
        fprintf(out, "complete -c llmgwctl -n '%s' %s\n", when,
                place.kind == FILES ? "-F" : fish_place(place, pool));
    }
}

static void put_fish(FILE *out, apr_pool_t *pool)
{
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;

    fprintf(out,
            "# fish completion for llmgwctl; made by: llmgwctl completion "
            "fish\n"
            "function __llmgwctl_words\n"
            "    set -l skip 0\n"
            "    for word in (commandline -opc)[2..-1]\n"
            "        if test $skip = 1\n"
            "            set skip 0\n"
            "            continue\n"
            "        end\n"
            "        switch $word\n"
            "            case %s\n"
            "                set skip 1\n"
            "            case '-*'\n"
            "            case '*'\n"
            "                echo $word\n"
            "        end\n"
            "    end\n"
            "end\n"
            "# The words so far are these.\n"
            "function __llmgwctl_at\n"
            "    set -l words (__llmgwctl_words)\n"
            "    test \"$words\" = \"$argv\"\n"
            "end\n"
            "# The words so far begin with these.\n"
            "function __llmgwctl_in\n"
            "    set -l words (__llmgwctl_words)\n"
            "    set -l count (count $argv)\n"
            "    test (count $words) -ge $count\n"
            "    and test \"$words[1..$count]\" = \"$argv\"\n"
            "end\n"
            "complete -c llmgwctl -f\n",
            value_options(" ", pool));
    fish_options(out, "true", ctl_globals, pool);
    for (noun = ctl_nouns; *noun; ++noun) {
        fprintf(out, "complete -c llmgwctl -n __llmgwctl_at -a %s -d '%s'\n",
                (*noun)->name, fish_text((*noun)->summary, pool));
        for (command = (*noun)->commands; command->run; ++command) {
            fish_command(out, *noun, command, pool);
        }
    }
}

/* ------------------------------------------------------------------- names */

static void print_name(void *baton, const llm_json_t *row)
{
    ctl_t *ctl = baton;
    const char *name = llm_json_string(llm_json_get(row, "name"), ctl->pool);

    if (name) {
        fprintf(ctl->world->out, "%s\n", name);
    }
}

static int print_names(ctl_t *ctl, const char *op)
{
    int status = ctl_open_store(ctl);

    return status == CTL_DONE
               ? ctl_ask(ctl, ctl_request(ctl, op), print_name, ctl, NULL)
               : status;
}

static int completion(ctl_t *ctl)
{
    const char *what = ctl_argument(ctl, 0);
    FILE *out = ctl->world->out;

    if (!strcmp(what, "bash")) {
        put_bash(out, ctl->pool);
    }
    else if (!strcmp(what, "zsh")) {
        put_zsh(out, ctl->pool);
    }
    else if (!strcmp(what, "fish")) {
        put_fish(out, ctl->pool);
    }
    else if (!strcmp(what, "keys")) {
        return print_names(ctl, "key.list");
    }
    else if (!strcmp(what, "teams")) {
        return print_names(ctl, "team.list");
    }
    else {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "completion: expected bash, zsh or fish, not '%s'",
                        what);
    }
    return CTL_DONE;
}

static const ctl_command_t commands[] = {
    {.arguments = "SHELL",
     .least = 1,
     .most = 1,
     .summary = "Write the completion for bash, zsh or fish",
     .about = "For this shell alone: source <(llmgwctl completion bash).",
     .example = "llmgwctl completion bash >/etc/bash_completion.d/llmgwctl",
     .run = completion},
    {.run = NULL},
};

const ctl_noun_t ctl_completion = {
    .name = "completion",
    .summary = "Completion of words in a shell",
    .commands = commands,
};
