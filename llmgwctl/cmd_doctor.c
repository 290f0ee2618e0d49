/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl doctor: is the gateway well, and what cures it where it is not.
 *
 * From outside in: the folder, the disk, the owner; then httpd, its modules
 * and the gateway's configuration; then what the store says of itself.
 */
#include "llmgwctl/findings.h"
#include "llmgwctl/prices.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "core/llm_time.h"
#include "store/master.h"
#include "store/meta.h"

#define PRICES_OLD   60 /* days */
#define BACKLOG_MANY 10000
#define SLOW         apr_time_from_msec(500)
#define STALE        apr_time_from_sec(30)
#define FUTURE       apr_time_from_sec(60)
#define UNPRICED_MAX 5 /* models that are named */

/* ------------------------------------------------------------------- httpd */

static int has_line(const ctl_said_t *said, const char *word)
{
    int i;

    for (i = 0; i < said->lines->nelts; ++i) {
        const char *line = APR_ARRAY_IDX(said->lines, i, const char *);

        line += strspn(line, " ");
        if (!strncmp(line, word, strlen(word))) {
            return 1;
        }
    }
    return 0;
}

static void look_at_module(ctl_findings_t *findings, const ctl_said_t *said,
                           const char *name, ctl_level_e without)
{
    apr_pool_t *pool = findings->ctl->pool;
    int is_there = has_line(said, apr_pstrcat(pool, name, "_module ", NULL));

    ctl_find(
        findings, is_there ? CTL_OK : without,
        apr_pstrcat(pool, "mod_", name, NULL),
        is_there ? "is loaded" : "is not loaded",
        apr_psprintf(pool, "a2enmod %s, or LoadModule %s_module", name, name));
}

static void look_at_httpd(ctl_findings_t *findings, ctl_config_t *config)
{
    ctl_t *ctl = findings->ctl;
    const char *argv[] = {ctl_httpd_find(ctl), "-M", NULL};
    ctl_said_t said;

    if (!argv[0]) {
        ctl_find(findings, CTL_WARN, "httpd", "none was found",
                 "name it with --httpd");
        return;
    }
    if (ctl_config_look(config, findings, argv[0]) != CTL_DONE
        || ctl_program_run(&said, argv, ctl->pool) != APR_SUCCESS) {
        return;
    }
    if (said.code) {
        return; /* the configuration is not valid, and that was said */
    }
    if (config->is_read) { /* else it was said */
        look_at_module(findings, &said, "llm_gateway", CTL_FAIL);
    }
    look_at_module(findings, &said, "proxy", CTL_FAIL);
    look_at_module(findings, &said, "proxy_http", CTL_FAIL);
    look_at_module(findings, &said, "ssl",
                   config->needs_ssl ? CTL_FAIL : CTL_WARN);
}

static void look_at_prices(ctl_findings_t *findings, const ctl_config_t *config)
{
    ctl_t *ctl = findings->ctl;
    apr_time_t when = 0;
    apr_int64_t days;

    if (!config->prices_as_of
        || llm_time_read(&when, config->prices_as_of, ctl->world->now)) {
        ctl_find(findings, CTL_WARN, "prices", "there is no price list",
                 "LLMPrices FILE, or llmgwctl price import");
        return;
    }
    days = (ctl->world->now - when) / apr_time_from_sec(86400);
    ctl_find(findings, days > PRICES_OLD ? CTL_WARN : CTL_OK, "prices",
             apr_psprintf(ctl->pool,
                          "the list is of %s, %" APR_INT64_T_FMT " days ago",
                          config->prices_as_of, days),
             "llmgwctl price import FILE, or a newer release's list");
}

/* What the gateway's parent will do with it. */
static void look_at_master_key(ctl_findings_t *findings,
                               const ctl_config_t *config)
{
    apr_pool_t *pool = findings->ctl->pool;
    const char *path =
        config->master_key ? config->master_key : LLM_MASTER_DEFAULT;
    const char *what = NULL;
    llm_master_file_t file;
    apr_status_t status =
        llm_master_open(&file, path, LLM_MASTER_READ, &what, pool);

    if (status == APR_SUCCESS) {
        llm_master_close(&file);
        ctl_find(
            findings, CTL_OK, "master key",
            apr_pstrcat(pool, path, " is readable by its user alone", NULL),
            NULL);
    }
    else if (config->needs_master_key || status != ENOENT) {
        ctl_find(findings, CTL_FAIL, "master key", what,
                 status == ENOENT || status == APR_EINVAL
                     ? "bring it back from where it is kept: secrets cannot "
                       "be read without it"
                     : apr_psprintf(pool, "chown root %s; chmod 0600 %s", path,
                                    path));
    }
}

static void look_at_config(ctl_findings_t *findings, const ctl_config_t *config)
{
    ctl_t *ctl = findings->ctl;

    look_at_master_key(findings, config);
    if (!config->is_read) {
        return;
    }
    if (config->store && strcmp(config->store, ctl->store) != 0) {
        ctl_find(findings, CTL_WARN, "LLMStore",
                 apr_psprintf(ctl->pool,
                              "the gateway's store is %s, and this "
                              "is %s",
                              config->store, ctl->store),
                 apr_psprintf(ctl->pool, "llmgwctl --store %s doctor",
                              config->store));
    }
    look_at_prices(findings, config);
    ctl_find(findings, config->has_vocabulary ? CTL_OK : CTL_WARN, "vocabulary",
             config->has_vocabulary
                 ? "tokens can be counted"
                 : "tokens that a provider does not count are estimated",
             "LLMVocabulary FILE");
}

/* ------------------------------------------------------------------- store */

static apr_int64_t number(const llm_json_t *object, const char *name)
{
    apr_int64_t value = 0;

    llm_json_int(llm_json_get(object, name), &value);
    return value;
}

static const char *text(ctl_t *ctl, const llm_json_t *object, const char *name)
{
    return llm_json_string(llm_json_want(object, name), ctl->pool);
}

static void look_at_counters(ctl_findings_t *findings, const llm_json_t *state)
{
    ctl_t *ctl = findings->ctl;
    apr_int64_t damaged = number(state, "damaged");
    apr_int64_t twice = number(state, "twice");
    apr_int64_t backlog = number(state, "backlog");
    const char *error = text(ctl, state, "error");
    int is_failing = llm_json_is(llm_json_get(state, "failing"), LLM_JSON_TRUE);

    ctl_find(findings, is_failing ? CTL_FAIL : CTL_OK, "store",
             is_failing ? (error ? error : "it fails")
                        : "what is written reaches the disk",
             "make room on the disk; the error log says more");
    ctl_find(findings, backlog > BACKLOG_MANY ? CTL_WARN : CTL_OK, "journals",
             apr_psprintf(ctl->pool,
                          "%" APR_INT64_T_FMT
                          " records wait in %" APR_INT64_T_FMT " journals",
                          backlog, number(state, "journals")),
             "wait; if it does not shrink, the error log says why");
    if (damaged) {
        ctl_find(findings, CTL_WARN, "damaged records",
                 apr_psprintf(ctl->pool,
                              "%" APR_INT64_T_FMT
                              " could not be read, and are not counted",
                              damaged),
                 "check the disk and the memory of this machine");
    }
    if (twice) {
        ctl_find(findings, CTL_WARN, "records met again",
                 apr_psprintf(ctl->pool,
                              "%" APR_INT64_T_FMT ", each counted once", twice),
                 "report it, with the error log");
    }
}

static void look_at_versions(ctl_findings_t *findings, const llm_json_t *state)
{
    ctl_t *ctl = findings->ctl;
    const char *version = text(ctl, state, "version");
    apr_int64_t format = number(state, "schema");
    int differs = version && strcmp(version, LLMGW_VERSION) != 0;

    ctl_find(findings, format == LLM_STORE_FORMAT ? CTL_OK : CTL_WARN,
             "store's format",
             apr_psprintf(ctl->pool,
                          "%" APR_INT64_T_FMT ", and llmgwctl knows %d", format,
                          LLM_STORE_FORMAT),
             "restart httpd, so that it runs what is installed");
    if (differs) {
        ctl_find(findings, CTL_WARN, "version",
                 apr_psprintf(ctl->pool, "the owner is %s, and llmgwctl %s",
                              version, LLMGW_VERSION),
                 "restart httpd, so that it runs what is installed");
    }
}

static void look_at_heartbeat(ctl_findings_t *findings, const llm_json_t *state,
                              apr_time_t took)
{
    ctl_t *ctl = findings->ctl;
    const char *drained = text(ctl, state, "drained");
    apr_time_t when = 0, now = apr_time_now();

    if (took > SLOW) {
        ctl_find(findings, CTL_WARN, "heartbeat",
                 apr_psprintf(ctl->pool,
                              "the owner took %" APR_TIME_T_FMT " ms to answer",
                              took / 1000),
                 "look at the load of the disk");
    }
    else if (!drained || llm_time_read(&when, drained, now)
             || now - when > STALE) {
        ctl_find(findings, CTL_FAIL, "heartbeat",
                 "no batch of journals was stored for a while",
                 "the error log says why; restart httpd");
    }
    else {
        ctl_find(findings, CTL_OK, "heartbeat",
                 apr_psprintf(ctl->pool,
                              "it answered in %" APR_TIME_T_FMT " us", took),
                 NULL);
    }
}

/* ----------------------------------------------------------------- requests */

typedef struct latest_t {
    ctl_t *ctl;
    const char *time;
} latest_t;

static void note_latest(void *baton, const llm_json_t *row)
{
    latest_t *latest = baton;

    latest->time = text(latest->ctl, row, "time");
}

static int look_at_future(ctl_findings_t *findings)
{
    ctl_t *ctl = findings->ctl;
    latest_t latest = {ctl, NULL};
    llm_buf_t *request = ctl_request(ctl, "events");
    apr_time_t when = 0, now = apr_time_now();
    int status;

    ctl_request_raw(request, "limit", "1");
    status = ctl_ask(ctl, request, note_latest, &latest, NULL);
    if (status == CTL_DONE && latest.time
        && !llm_time_read(&when, latest.time, now) && when > now + FUTURE) {
        ctl_find(findings, CTL_WARN, "time of records",
                 apr_psprintf(ctl->pool,
                              "the latest is of %s, which is to "
                              "come",
                              latest.time),
                 "look at this machine's clock");
    }
    return status;
}

typedef struct unpriced_t {
    ctl_t *ctl;
    ctl_prices_t prices;
    const char *names;
    unsigned count;
    apr_int64_t requests;
} unpriced_t;

/* Requests that were not priced, and those of models that are priced by a
 * guess: both stop when the model has a price. */
static void note_unpriced(void *baton, const llm_json_t *row)
{
    unpriced_t *unpriced = baton;
    apr_pool_t *pool = unpriced->ctl->pool;
    const char *provider = text(unpriced->ctl, row, "provider");
    const char *model = text(unpriced->ctl, row, "model");
    apr_int64_t requests = number(row, "unpriced");

    if (provider && *provider && model && *model && *model != '('
        && !ctl_prices_has_used(&unpriced->prices, provider, model, pool)) {
        requests = number(row, "requests");
    }
    if (requests <= 0) {
        return;
    }
    unpriced->requests += requests;
    if (++unpriced->count <= UNPRICED_MAX) {
        unpriced->names =
            apr_pstrcat(pool, unpriced->names, *unpriced->names ? ", " : "",
                        provider, "/", model, NULL);
    }
}

static void tell_unpriced(ctl_findings_t *findings, const unpriced_t *unpriced)
{
    apr_pool_t *pool = findings->ctl->pool;

    if (!unpriced->count) {
        ctl_find(findings, CTL_OK, "unpriced usage",
                 "every model used in the last 7 days has a price", NULL);
        return;
    }
    ctl_find(findings, CTL_WARN, "unpriced usage",
             apr_psprintf(pool,
                          "%" APR_INT64_T_FMT
                          " requests in 7 days had none, or one that was "
                          "guessed: %s%s",
                          unpriced->requests, unpriced->names,
                          unpriced->count > UNPRICED_MAX ? " and others" : ""),
             "llmgwctl price set, then llmgwctl rerate --since 7d");
}

static int look_at_unpriced(ctl_findings_t *findings)
{
    ctl_t *ctl = findings->ctl;
    unpriced_t unpriced = {.ctl = ctl, .names = ""};
    llm_buf_t *request = ctl_request(ctl, "usage");
    const char *wrong;
    int status = ctl_prices_try(&unpriced.prices, &wrong, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    if (wrong) {
        ctl_find(findings, CTL_FAIL, "the file of prices", wrong,
                 "the file that LLMPrices names");
        return CTL_DONE;
    }
    ctl_request_text(request, "since", "7d");
    ctl_request_raw(request, "by", "[\"model\",\"provider\"]");
    status = ctl_ask(ctl, request, note_unpriced, &unpriced, NULL);
    if (status == CTL_DONE) {
        tell_unpriced(findings, &unpriced);
    }
    return status;
}

static int look_at_store(ctl_findings_t *findings)
{
    ctl_t *ctl = findings->ctl;
    const llm_json_t *state;
    apr_time_t began = apr_time_now();
    int status = ctl_ask(ctl, ctl_request(ctl, "status"), NULL, NULL, &state);

    if (status != CTL_DONE) {
        return status;
    }
    if (ctl->world->door->is_online(ctl->client)) {
        look_at_heartbeat(findings, state, apr_time_now() - began);
    }
    look_at_versions(findings, state);
    look_at_counters(findings, state);
    status = look_at_future(findings);
    return status == CTL_DONE ? look_at_unpriced(findings) : status;
}

/* A store that cannot be opened is a finding, and no reason to end. */
static int open_store(ctl_findings_t *findings)
{
    ctl_t *ctl = findings->ctl;
    const char *what = NULL;
    char words[200];
    apr_status_t status =
        ctl->world->door->open(&ctl->client, ctl->store, &what, ctl->pool);

    if (status == APR_SUCCESS) {
        return 1;
    }
    ctl->client = NULL;
    ctl_find(findings, CTL_FAIL, "opening the store",
             what ? what : apr_strerror(status, words, sizeof(words)),
             "what it names; llmgwctl store restore DIR when it is damaged");
    return 0;
}

static int doctor(ctl_t *ctl)
{
    ctl_findings_t *findings = ctl_findings_make(ctl);
    ctl_config_t config = {0};
    struct stat info;
    int status = CTL_DONE;

    ctl_doctor_folder(findings, ctl->store);
    ctl_doctor_owner(findings, ctl->store);
    look_at_httpd(findings, &config);
    look_at_config(findings, &config);
    if (!stat(ctl->store, &info) && open_store(findings)) {
        status = look_at_store(findings);
    }
    return status == CTL_DONE ? ctl_findings_print(findings, "findings")
                              : status;
}

static const ctl_option_t options[] = {
    {"httpd", "PROGRAM", "httpd, or what controls it; else the one found"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.summary = "Look at the store, httpd and the configuration",
     .about = "Each finding says what was looked at, what was seen, and what "
              "cures it. Run as\nroot it sees most. Ends with 1 when something "
              "fails.",
     .example = "llmgwctl doctor",
     .options = options,
     .run = doctor},
    {.run = NULL},
};

const ctl_noun_t ctl_doctor = {
    .name = "doctor",
    .summary = "Is all well? What is not, and its cure",
    .commands = commands,
};
