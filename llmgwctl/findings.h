/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What doctor and config check find: each thing looked at, whether it is well,
 * what was seen, and what cures it.
 */
#ifndef CTL_FINDINGS_H
#define CTL_FINDINGS_H

#include "llmgwctl/ctl.h"

typedef enum {
    CTL_OK,
    CTL_WARN, /* works, and somebody should know */
    CTL_FAIL  /* does not work, or will not for long */
} ctl_level_e;

typedef struct ctl_finding_t {
    ctl_level_e level;
    const char *about; /* "store folder" */
    const char *seen;  /* "belongs to user 0" */
    const char *cure;  /* a command line or a directive; NULL: none needed */
} ctl_finding_t;

typedef struct ctl_findings_t {
    ctl_t *ctl;
    apr_array_header_t *list; /* of ctl_finding_t */
    unsigned failed, warned;
} ctl_findings_t;

ctl_findings_t *ctl_findings_make(ctl_t *ctl);
/* `seen` and `cure` must live as long as the findings. */
void ctl_find(ctl_findings_t *findings, ctl_level_e level, const char *about,
              const char *seen, const char *cure);
/* The list called `name`, or with `list` (JSON) a member of it; for people the
 * failures first, then the rest. Returns CTL_REFUSED when something failed. */
int ctl_findings_print(ctl_findings_t *findings, const char *name);

/* What doctor wants to know of the configuration. */
typedef struct ctl_config_t {
    int is_read;              /* the module said all it had to */
    const char *store;        /* LLMStore's folder, or NULL */
    const char *prices_as_of; /* or NULL: there is no list */
    const char *master_key;   /* LLMMasterKey's file, or NULL */
    int has_vocabulary;
    int needs_ssl;        /* a provider's address is https */
    int needs_master_key; /* a provider's key is a secret of the store */
} ctl_config_t;

/* cmd_config.c: asks httpd; all it finds goes to the findings. Returns a
 * ctl_exit_e. */
int ctl_config_look(ctl_config_t *config, ctl_findings_t *findings,
                    const char *httpd);

/* doctor_store.c: what can be seen of the store's folder from outside. */
void ctl_doctor_folder(ctl_findings_t *findings, const char *store);
/* 1: a process holds the store's lock. */
int ctl_doctor_owner(ctl_findings_t *findings, const char *store);

/* httpd.c: the first control program of httpd that is there: --httpd, else
 * apache2ctl, apachectl, httpd, apache2. NULL: none. */
const char *ctl_httpd_find(ctl_t *ctl);

/* What a program said. */
typedef struct ctl_said_t {
    int code;                  /* exit status; -1: it was killed */
    apr_array_header_t *lines; /* both streams, of const char * */
} ctl_said_t;
/* Runs it to its end, at most a minute. argv ends with NULL. */
apr_status_t ctl_program_run(ctl_said_t *said, const char *const *argv,
                             apr_pool_t *pool);

#endif /* CTL_FINDINGS_H */
