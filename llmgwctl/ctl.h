/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of llmgwctl share: how a command is described, what it is
 * given to work with, and how it speaks.
 *
 * A command is a record of a noun's table: its words, its options and a
 * function. Help, suggestions and the reading of the command line come from
 * these records. A new noun is a file cmd_<noun>.c and a line in commands.def;
 * a new verb is a record in its noun's file.
 *
 * Everything from outside (terminal, environment, clock, store) comes in by
 * ctl_world_t, so that a test is a world of its own.
 */
#ifndef CTL_H
#define CTL_H

#include <stdio.h>

#include "core/llm_buf.h"
#include "core/llm_json.h"
#include "core/llm_zone.h"
#include "store/command.h"

#define CTL_STORE_DEFAULT "/var/lib/llm-gateway"

/* What the process ends with; documented in llmgwctl(1). */
typedef enum {
    CTL_DONE = 0,
    CTL_REFUSED = 1,    /* the store said no, or there is no such thing */
    CTL_USAGE = 2,      /* the command line is wrong */
    CTL_UNREACHABLE = 3 /* the store cannot be reached */
} ctl_exit_e;

/* How results are printed. */
typedef enum {
    CTL_TABLE, /* aligned columns, for people */
    CTL_CSV,   /* RFC 4180 */
    CTL_JSON   /* one object */
} ctl_face_e;

typedef struct ctl_t ctl_t;

typedef struct ctl_option_t {
    const char *name;  /* without its dashes; NULL ends the table */
    const char *value; /* what it takes, as help shows it; NULL: a switch;
                          "[=WHAT]": it may have one, behind a "=";
                          "WHAT...": each time it is given its value is added
                          to the others, with ", " between them */
    const char *help;  /* one line */
} ctl_option_t;

/* Bits of what a command needs before it can run. */
enum { CTL_NEEDS_STORE = 1 << 0 };

typedef struct ctl_command_t {
    const char *verb;            /* NULL: the noun alone is the command */
    const char *arguments;       /* as help shows them: "NAME"; NULL none */
    unsigned least, most;        /* how many there may be */
    unsigned needs;              /* CTL_NEEDS_* */
    const char *summary;         /* one line, no full stop */
    const char *about;           /* paragraphs for its own help, or NULL */
    const char *example;         /* a command line that works */
    const ctl_option_t *options; /* its own; NULL none */
    int (*run)(ctl_t *ctl);      /* returns a ctl_exit_e; NULL ends a table */
} ctl_command_t;

typedef struct ctl_noun_t {
    const char *name;
    const char *summary;           /* one line, no full stop */
    const ctl_command_t *commands; /* ends with an empty record */
} ctl_noun_t;

/* All of them, as commands.def lists them; ends with NULL. */
extern const ctl_noun_t *const ctl_nouns[];
/* The options every command takes. */
extern const ctl_option_t ctl_globals[];
/* "table|csv|json", for the commands that print tables. */
#define CTL_OPTION_FORMAT                                                      \
    {                                                                          \
        "format", "FORMAT", "table, csv or json; --json is --format json"      \
    }

/* The way to a store; store/command.h says what each of them promises. */
typedef struct ctl_door_t {
    apr_status_t (*open)(llm_client_t **pclient, const char *dir,
                         const char **pwhat, apr_pool_t *pool);
    apr_status_t (*connect)(llm_client_t **pclient, const char *dir,
                            const char **pwhat, apr_pool_t *pool);
    apr_status_t (*open_apart)(llm_client_t **pclient, const char *dir,
                               void (*forget)(void *baton), void *baton,
                               const char **pwhat, apr_pool_t *pool);
    int (*is_online)(const llm_client_t *client);
    apr_status_t (*call)(llm_client_t *client, const char *request,
                         llm_line_cb *line, void *baton, const char **pwhat);
    void (*close)(llm_client_t *client);
} ctl_door_t;

/* Everything that is not on the command line. */
typedef struct ctl_world_t {
    FILE *out, *err;
    unsigned width; /* of the terminal that is out; 0: it is none */
    int colour;     /* out is a terminal that shows it */
    int is_utf8;    /* the locale's characters */
    int is_watched; /* err is a terminal: progress is shown there */
    apr_time_t now;
    apr_time_t (*clock)(void);
    /* Sleeps; returns at once, and non-zero from then on, when the user wants
     * it to end. The first call begins to heed that: until then a signal ends
     * the process. */
    int (*wait)(apr_interval_time_t time);
    const char *(*env)(const char *name); /* NULL where it is not set */
    const ctl_door_t *door;
    /* ctl_read_secret */
    apr_status_t (*secret)(const char *prompt, char *bytes, apr_size_t size,
                           apr_size_t *plen);
} ctl_world_t;

/* One run of the program. */
struct ctl_t {
    apr_pool_t *pool;
    const ctl_world_t *world;
    const ctl_noun_t *noun;        /* NULL until it was read */
    const ctl_command_t *command;  /* NULL until it was read */
    apr_table_t *options;          /* those given: name to value, "" switches */
    apr_array_header_t *arguments; /* of const char * */
    const char *store;             /* the folder */
    ctl_face_e face;
    int wants_help;
    llm_client_t *client;         /* open while the command runs, or NULL */
    struct ctl_list_t *open_list; /* the list that is being printed, or NULL */
    apr_time_t asked;             /* when the store was; for the progress */
    int has_progress;             /* a line of it stands on the terminal */
};

/* The whole program: reads the words, runs the command, returns what the
 * process shall end with. */
int ctl_run(const ctl_world_t *world, int argc, const char *const *argv,
            apr_pool_t *pool);

/* For commands that have something to do before the store is open: opens it,
 * unless it is. Returns a ctl_exit_e. */
int ctl_open_store(ctl_t *ctl);
/* The same; where no owner lives, in a process of its own: this one stays who
 * it is, see llm_client_open_apart. */
int ctl_open_store_apart(ctl_t *ctl);

/* The value of an option, "" for a switch; NULL when it was not given. */
const char *ctl_option(const ctl_t *ctl, const char *name);
const char *ctl_argument(const ctl_t *ctl, unsigned index); /* or NULL */

/* words.c: reads the command line into ctl. Returns a ctl_exit_e. */
int ctl_read_words(ctl_t *ctl, int argc, const char *const *argv);
/* The candidate nearest to a word that is none of them; NULL when none is
 * near. Candidates end with NULL. */
const char *ctl_nearest(const char *word, const char *const *candidates);

/* prompt.c: one line into bytes, without its end and not terminated: asked for
 * on the terminal, which does not show it, or of standard input when that is
 * none. APR_ENOSPC: it is longer. */
apr_status_t ctl_read_secret(const char *prompt, char *bytes, apr_size_t size,
                             apr_size_t *plen);

/* help.c: the help of the level that was read, to `to`. */
void ctl_help(const ctl_t *ctl, FILE *to);

/*
 * Says why a command failed and returns `status`: on standard error, or with
 * --json as {"error":{"code","message"}} on standard output.
 */
int ctl_fail(ctl_t *ctl, ctl_exit_e status, const char *code, const char *fmt,
             ...) __attribute__((format(printf, 4, 5)));
/* A remark for people; silent with --json. */
void ctl_remark(const ctl_t *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* --- steps.c: what takes longer than a second ----------------------------- */

/* A line on the terminal that standard error is, from the first second on and
 * changed a few times a second. All zero but `ctl` at first. */
typedef struct ctl_steps_t {
    const ctl_t *ctl;
    apr_time_t began, shown;
} ctl_steps_t;
void ctl_step(ctl_steps_t *steps, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes the line away. */
void ctl_steps_end(ctl_steps_t *steps);
/* "1.5 GB"; the unit that leaves the fewest digits. */
const char *ctl_bytes_text(apr_uint64_t bytes, apr_pool_t *pool);

/* --- ask.c: talking with the store ------------------------------------- */

/* A request to the store; members that are NULL are left out. */
llm_buf_t *ctl_request(const ctl_t *ctl, const char *op);
void ctl_request_text(llm_buf_t *request, const char *name, const char *value);
void ctl_request_raw(llm_buf_t *request, const char *name, const char *json);

/* `row` is valid during the call only. */
typedef void ctl_row_cb(void *baton, const llm_json_t *row);

/*
 * Asks, calls back for each row, and returns CTL_DONE with the result in
 * *pdone; or reports the error and returns its exit status. each and pdone
 * may be NULL.
 */
int ctl_ask(ctl_t *ctl, llm_buf_t *request, ctl_row_cb *each, void *baton,
            const llm_json_t **pdone);

/* The same, but without a word when the store cannot be reached: then *pis_lost
 * is set. */
int ctl_ask_maybe(ctl_t *ctl, llm_buf_t *request, ctl_row_cb *each, void *baton,
                  const llm_json_t **pdone, int *pis_lost);

/* progress.c: how far the store is, on the error stream where that is a
 * terminal and it took a second already; and away with it. */
void ctl_progress(ctl_t *ctl, const llm_json_t *progress);
void ctl_progress_end(ctl_t *ctl);

/* A time option ("7d", "2026-11-22", "today") as RFC 3339, or NULL in *ptime
 * when it was not given. Reports what is wrong and returns CTL_USAGE. */
int ctl_option_time(const char **ptime, ctl_t *ctl, const char *name);

/* --- print.c: one list of records, three faces ------------------------- */

/* What a cell's text is. All cells are plain text or NULL for "unknown". */
typedef enum {
    CTL_TEXT,
    CTL_COUNT,   /* an integer: exact digits */
    CTL_ID,      /* the same, where it is a name and not a measure */
    CTL_MONEY,   /* nano-dollars: exact digits. Two members in JSON and CSV:
                  <name>_nanodollars, an integer, and <name>, dollars */
    CTL_DECIMAL, /* decimal text, to be aligned as a number */
    CTL_TIME,    /* RFC 3339 */
    CTL_FLAG,    /* "true" or "false" */
    CTL_NAMES,   /* comma separated; an array in JSON */
    CTL_OBJECT   /* JSON, as it stands; not for tables */
} ctl_form_e;

enum {
    CTL_HIDE = 1 << 0,  /* in JSON and CSV only */
    CTL_IF_ANY = 1 << 1 /* in a table only where some row has one */
};

typedef struct ctl_column_t {
    const char *name;  /* of the member in JSON and CSV; NULL ends them */
    const char *title; /* in a table */
    ctl_form_e form;
    unsigned flags; /* CTL_HIDE, CTL_IF_ANY */
} ctl_column_t;

unsigned ctl_columns(const ctl_column_t *columns); /* how many */

/* The members of a JSON object as cells, in the columns' order; a member
 * that is absent or null is NULL. Lives in the pool. */
const char **ctl_cells(const ctl_column_t *columns, const llm_json_t *row,
                       apr_pool_t *pool);

/*
 * A list is begun, gets its rows, perhaps a total, and is ended. JSON and CSV
 * leave row by row, a table when it is ended. `name` is the member that
 * holds the list. Should ctl_fail come between, the JSON stays whole.
 *
 * Without a name the list goes on for ever: JSON is an object a line, a table
 * has no end, and what was added leaves with ctl_list_flush.
 */
typedef struct ctl_list_t ctl_list_t;
ctl_list_t *ctl_list_begin(ctl_t *ctl, const char *name,
                           const ctl_column_t *columns);
/* Its table leaves too while rows come, when there are many
 * (ctl_table_stream). */
void ctl_list_is_long(ctl_list_t *list);
void ctl_list_add(ctl_list_t *list, const char *const *cells);
/* The member "total", or the last line; columns as the list's. */
void ctl_list_total(ctl_list_t *list, const char *const *cells);
/* One more member of the object, as text; JSON only. */
void ctl_list_more(ctl_list_t *list, const char *name, const char *text);
/* The same of a record. */
void ctl_list_more_record(ctl_list_t *list, const char *name,
                          const ctl_column_t *columns,
                          const char *const *cells);
void ctl_list_end(ctl_list_t *list);
/* 0: the output is lost. */
int ctl_list_flush(ctl_list_t *list);
unsigned ctl_list_count(const ctl_list_t *list); /* rows so far */

/* {"error":{...}}, as the rest of an open list where there is one. */
void ctl_print_error(ctl_t *ctl, const char *code, const char *message);

/* One record: an object called `name`, or a line for each column. `secret`
 * (may be NULL) is a member beside it, in JSON. */
void ctl_record(ctl_t *ctl, const char *name, const ctl_column_t *columns,
                const char *const *cells, const char *secret);

/* --- zone.c: times of a zone --------------------------------------------- */

#define CTL_OPTION_TZ                                                          \
    {                                                                          \
        "tz", "ZONE", "days and dates of Europe/Berlin, +02:00 or local"       \
    }

typedef struct ctl_zone_t {
    llm_zone_t zone;  /* without changes: UTC */
    const char *name; /* as it was given */
} ctl_zone_t;

/* --tz. Reports what is wrong and returns CTL_USAGE. */
int ctl_read_zone(ctl_zone_t *zone, ctl_t *ctl);
void ctl_request_zone(llm_buf_t *request, const ctl_zone_t *zone,
                      apr_pool_t *pool);
/* A time option, its dates and words those of the zone; 0 when it was not
 * given. */
int ctl_read_when(apr_time_t *pwhen, ctl_t *ctl, const char *name,
                  const ctl_zone_t *zone);
/* Left out when it is 0. */
void ctl_request_when(llm_buf_t *request, const char *name, apr_time_t when,
                      apr_pool_t *pool);

/* --- fields.c: what usage is summed and filtered by ---------------------- */

#define CTL_BY_MAX 8

/* A column for each; ends with an empty one. */
extern const ctl_column_t ctl_fields[];
#define CTL_OPTION_FILTERS                                                     \
    {"key", "NAME", "only this key"},                                          \
        {"team", "TEAM", "only the keys of this team"},                        \
        {"model", "MODEL", "only this model, as it answered"},                 \
        {"provider", "NAME", "only this provider"},                            \
        {"user", "USER", "only this end user"},                                \
        {"tag", "TAG", "only requests with this tag"},                         \
        {"asked", "MODEL", "only this model, as it was asked for"},            \
        {"route", "NAME", "only this route"},                                  \
        {"client", "DIALECT", "only clients that speak this dialect"},         \
        {"status", "STATUS", "only this HTTP status: 429, 5xx"},               \
        {"finish", "REASON", "only answers that ended so"},                    \
        {"op", "OP", "only this operation: chat, embed"},                      \
        {"stream", "true|false", "only streamed answers, or only others"},     \
        {"tier", "TIER", "only this service tier"},                            \
        {"variant", "NAME", "only this variant of an experiment"},             \
        {"cache", "STATE", "only none, miss, bypass or hit"},                  \
        {"problem", "NAME", "only requests that failed so"},                   \
    {                                                                          \
        "attempts", "N", "only requests that took N attempts"                  \
    }

/* --by, or what stands for it, as columns: of ctl_column_t. */
int ctl_read_by(apr_array_header_t *by, ctl_t *ctl, const char *otherwise);
void ctl_request_by(llm_buf_t *request, const apr_array_header_t *by,
                    apr_pool_t *pool);
void ctl_request_filters(llm_buf_t *request, const ctl_t *ctl);

/* --- follow.c: asking again and again ------------------------------------ */

typedef struct ctl_follow_t {
    ctl_t *ctl;
    apr_interval_time_t every;
    /* Adds to the request what it is about. */
    void (*ask)(llm_buf_t *request, void *baton, apr_pool_t *pool);
    /* A row; its memory goes with the turn. */
    ctl_row_cb *row;
    /* After the rows of a turn, when the answer was whole. Non-zero: the
     * output is lost. */
    int (*turn)(void *baton);
    void *baton;
    unsigned last; /* records to begin with */
} ctl_follow_t;

/* Until the user ends it, which is CTL_DONE. A row is handed out once. */
int ctl_follow(const ctl_follow_t *follow);

/* --- table.c: aligned columns ------------------------------------------- */

typedef struct ctl_table_t ctl_table_t;
ctl_table_t *ctl_table_make(const ctl_column_t *columns, apr_pool_t *pool);
void ctl_table_add(ctl_table_t *table, const char *const *cells);
void ctl_table_total(ctl_table_t *table, const char *const *cells);
void ctl_table_print(ctl_table_t *table, const ctl_world_t *world);
/* Once there are so many rows that the columns are known: prints and forgets
 * them, and so again with the next ones. Nothing is hidden or, but for a
 * terminal, cut of what comes later. */
void ctl_table_stream(ctl_table_t *table, const ctl_world_t *world);
/* The rows so far; the columns' widths are those of the first ones. */
void ctl_table_flush(ctl_table_t *table, const ctl_world_t *world);
/* Characters, not bytes. */
unsigned ctl_text_width(const char *text);
/* At most `width` characters of a text that is valid UTF-8. */
const char *ctl_cut_text(const char *text, unsigned width, apr_pool_t *pool);
/* "Name:  value" lines. */
void ctl_table_print_record(const ctl_column_t *columns,
                            const char *const *cells, const ctl_world_t *world,
                            apr_pool_t *pool);
/* Control characters made visible: what a client named may not steer a
 * terminal. */
const char *ctl_safe_text(const char *text, apr_pool_t *pool);
/* A cell as people read it, safe for a terminal: times without their "T",
 * numbers in groups of three, control characters made visible. */
const char *ctl_face_text(const ctl_column_t *column, const char *cell,
                          apr_pool_t *pool);

/* --- chart.c: bars -------------------------------------------------------- */

typedef struct ctl_bar_t {
    const char *label; /* safe for a terminal */
    apr_uint64_t value;
    const char *text; /* the value for people */
} ctl_bar_t;

/* As wide as the terminal, or 80 characters. bars: of ctl_bar_t. The longest
 * bar stands for the greatest value, or for `full` when that is more. */
void ctl_chart(const apr_array_header_t *bars, apr_uint64_t full,
               const ctl_world_t *world, apr_pool_t *pool);

/* --- budget.c: what keys and teams may spend ------------------------------ */

#define CTL_OPTION_BUDGET                                                      \
    {                                                                          \
        "budget", "AMOUNT/WINDOW...",                                          \
            "dollars a day, a month or in total: 100/month"                    \
    }
#define CTL_OPTION_NO_BUDGET                                                   \
    {                                                                          \
        "no-budget", NULL, "no budget any more"                                \
    }
/* budget_day, budget_month and budget_total, as keys and teams have them. */
#define CTL_COLUMNS_BUDGET                                                     \
    {"budget_day", "BUDGET A DAY", CTL_MONEY, CTL_IF_ANY},                     \
        {"budget_month", "BUDGET A MONTH", CTL_MONEY, CTL_IF_ANY},             \
    {                                                                          \
        "budget_total", "BUDGET IN ALL", CTL_MONEY, CTL_IF_ANY                 \
    }
#define CTL_ABOUT_BUDGET                                                       \
    "`llmgwctl cost` reports against budgets. They are not yet enforced:\nno " \
    "request is refused because of one."

/* --budget and --no-budget into the request. Reports what is wrong and returns
 * CTL_USAGE. */
int ctl_request_budget(llm_buf_t *request, ctl_t *ctl);

#endif /* CTL_H */
