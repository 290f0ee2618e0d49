/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types private to the glue between httpd and the pure layers. Each file of
 * this folder registers its own hooks (llmgw_<file>_hooks), so that
 * mod_llm_gateway.c reads as a table of contents.
 */
#ifndef LLMGW_H
#define LLMGW_H

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>

#include "core/llm_log.h"
#include "core/llm_price.h"
#include "flow/flow.h"
#include "net/token_slot.h"
#include "store/store.h"

extern module AP_MODULE_DECLARE_DATA llm_gateway_module;
APLOG_USE_MODULE(llm_gateway);

/* Where a provider's secret comes from. Read at start as root (file:, env:,
 * exec:, secret:) into memory that is never logged, dumped or put into a table. */
typedef struct llmgw_secret_t {
    const char *source; /* "env:NAME", for messages; NULL: no LLMKey */
    const char *value;  /* NULL: none needed */
    const char *file;   /* where it was configured, for messages */
    int line;
} llmgw_secret_t;

/* The glue's side of a provider (llm_provider_t.glue). */
typedef struct llmgw_provider_t {
    llmgw_secret_t secret;
    const char *url; /* scheme://host:port, what mod_proxy's worker has */
    void *worker;    /* proxy_worker *, defined at post_config */
    llm_token_source_t *token;      /* LLMToken's; NULL: the secret is sent */
    const ap_directive_t *token_at; /* where it was configured */
    llm_token_slot_t *slot;         /* the token, set at post_config */
    int native_all;                 /* LLMNative all */
    const char *file;               /* where it was configured, for messages */
    int line;
} llmgw_provider_t;

/* settings of a directory: value and whether it was set here */
typedef struct llmgw_flag_t {
    int value;
    int set;
} llmgw_flag_t;
typedef llmgw_flag_t llmgw_denial_t; /* value: 1 deny, 0 allow */
typedef struct llmgw_abort_t {
    llm_abort_t value;
    int set;
} llmgw_abort_t;
typedef struct llmgw_size_t {
    apr_size_t value;
    int set;
} llmgw_size_t;
typedef struct llmgw_duration_t {
    apr_interval_time_t value;
    int set;
} llmgw_duration_t;
typedef struct llmgw_count_t {
    int value;
    int set;
} llmgw_count_t;
typedef struct llmgw_word_t {
    const char *value;
    int set;
} llmgw_word_t;
typedef struct llmgw_unpriced_t {
    llm_unknown_price_e value;
    int set;
} llmgw_unpriced_t;
typedef struct llmgw_unsupported_t {
    llm_unsupported_e value;
    int set;
} llmgw_unsupported_t;
typedef llmgw_count_t llmgw_number_t;
typedef llmgw_word_t llmgw_path_t;

/* Per directory. */
typedef struct llmgw_dir_t {
#define SETTING_dir(field, type) llmgw_##type##_t field;
#define SETTING_srv(field, type)
#define SETTING(scope, name, field, type, preset, help)                        \
    SETTING_##scope(field, type)
#include "httpd/settings.def"
#undef SETTING
#undef SETTING_dir
#undef SETTING_srv
    llmgw_flag_t gateway;      /* LLMGateway */
    llmgw_flag_t meter;        /* LLMMeter: filter mode */
    llmgw_word_t provider_for; /* LLMProviderFor: filter mode's provider */
    const char *prefix;        /* of the <Location> that said LLMGateway or
                                  LLMMeter; "" for "/" */
} llmgw_dir_t;

/* A <LLMModel> and where it was configured. In server->models as its first
 * member, which is what the pure layers see. */
typedef struct llmgw_model_t {
    llm_model_t model;
    const char *file;
    int line;
} llmgw_model_t;

/* A place of the configuration that names a provider: whether there is one
 * can be told only when all of it was read. */
typedef struct llmgw_mention_t {
    const char *directive; /* "LLMTarget", for messages */
    const char *provider;
    llm_target_t *target; /* whose provider it is; NULL: only checked */
    const char *file;
    int line;
} llmgw_mention_t;

/* The whole server's, kept with the main server; virtual hosts share it. */
typedef struct llmgw_server_t {
#define SETTING_srv(field, type) llmgw_##type##_t field;
#define SETTING_dir(field, type)
#define SETTING(scope, name, field, type, preset, help)                        \
    SETTING_##scope(field, type)
#include "httpd/settings.def"
#undef SETTING
#undef SETTING_dir
#undef SETTING_srv
    const char *store_dir;          /* LLMStore; NULL: not configured */
    apr_array_header_t *providers;  /* of llm_provider_t * */
    apr_array_header_t *models;     /* of llm_model_t * */
    llm_prices_t *price_list;       /* read at check_config, or NULL */
    const char *price_path;         /* where it was read from, or NULL */
    llm_vocabulary_t *vocabularies; /* mapped at check_config, or NULL */

    /* while the configuration is read */
    llm_provider_t *provider;        /* the <LLMProvider> being read */
    llm_model_t *model;              /* the <LLMModel> being read */
    apr_array_header_t *mentions;    /* of llmgw_mention_t */
    const ap_directive_t *first_use; /* the first LLMGateway or LLMMeter On */
} llmgw_server_t;

/* conf.c: the settings in force; what is not set has its default. Never NULL.
 */
llmgw_dir_t *llmgw_dir_of(request_rec *r);
llmgw_server_t *llmgw_server_of(server_rec *s);
const llm_provider_t *llmgw_provider_find(const llmgw_server_t *server,
                                          const char *name);
void *llmgw_dir_create(apr_pool_t *p, char *path);
void *llmgw_dir_merge(apr_pool_t *p, void *base, void *add);
void *llmgw_server_create(apr_pool_t *p, server_rec *s);
void *llmgw_server_merge(apr_pool_t *p, void *base, void *add);
extern const command_rec llmgw_commands[];

/* conf_dump.c: "httpd -t -D" with this prints the configuration. */
#define LLMGW_DUMP_DEFINE "DUMP_LLM_GATEWAY"

/* secret.c: what a source ("env:NAME", "file:/path", "exec:/program") gives,
 * of "secret:NAME" only whether it is well-formed;
 * in memory that stays out of core dumps and is wiped at the pool's end.
 * NULL, or a phrase that says what is wrong. */
const char *llmgw_secret_read(const char **pvalue, const char *source,
                              apr_pool_t *pool);
/* Is the secret needed in this run? Not by "httpd -k stop" and its like, nor
 * by dumps of the configuration. */
int llmgw_secret_is_due(const process_rec *process, const char *source);
/* Into that memory. NULL, or what is wrong with the secret. */
const char *llmgw_secret_take(const char **pvalue, const char *secret,
                              apr_size_t len, apr_pool_t *pool);
/* secret_store.c: what LLMKey secret:NAME asks for, from the store, when the
 * whole configuration was read. OK, or it was logged. */
int llmgw_secret_fetch(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp);
/* NULL, or what is wrong with NAME. */
const char *llmgw_secret_check_name(const char *name, apr_pool_t *pool);
/* Wipes all of them: for a process that calls no provider. */
void llmgw_secret_forget(apr_pool_t *pool);
/* Wipes one, in this process. */
void llmgw_secret_wipe(llmgw_secret_t *secret);

/* tokens.c: what the provider's section lacks for its LLMToken; NULL: nothing.
 * Also sets what the section knows. */
const char *llmgw_token_complete(cmd_parms *cmd, llm_provider_t *provider);
/* Can each token be asked for? When all secrets were read. OK, or it was
 * logged. */
int llmgw_token_check(server_rec *s, apr_pool_t *ptemp);
/* What is known of the provider's token, for a request. Does not wait. */
llm_token_state_e llmgw_token_look(const llm_provider_t *provider,
                                   llm_token_view_t *view);
/* The provider refused it. Is it worth while to ask again? */
int llmgw_token_refused(const llm_provider_t *provider, apr_uint64_t number);

/* keeper_process.c: the token's slot is looked at, by the keeper. */
void llmgw_keeper_wake(void);

/* subprocess.c, in a process just forked: leaves the listeners to httpd, and
 * is deaf to signals but SIGTERM, which sets what the return points at. */
volatile int *llmgw_subprocess_begin(const char *name);
/* It ends with its parent. After the last change of user, which would clear
 * that. */
void llmgw_subprocess_leave_with(pid_t parent);

/* What a request is to the gateway; found once (translate_name or earlier),
 * kept in r->request_config. */
typedef enum {
    LLMGW_NONE,   /* not ours */
    LLMGW_CALL,   /* one of the dialects' endpoints */
    LLMGW_NATIVE, /* /<provider>/... */
    LLMGW_MODELS, /* GET /v1/models, or one of them */
    LLMGW_HEALTH,
    LLMGW_UNKNOWN, /* in a gateway location, but no endpoint: 404 */
    LLMGW_METER    /* filter mode */
} llmgw_kind_e;

/* Whose something is that a provider keeps. */
typedef struct llmgw_owner_t {
    const char *id, *provider;
    const char *team; /* of the key, as it is now; "" none */
    apr_uint32_t key; /* 0: nobody's, an anonymous request made it */
    int is_billed;    /* of what is billed once it is over: it was */
} llmgw_owner_t;

/* What a path names that a provider keeps. */
typedef struct llmgw_kept_t {
    const char *kind; /* "files", "responses", as in kept_paths.c; NULL:
                         nothing */
    const char *id;   /* NULL: it names none; "": what can be none */
    const char *rest; /* of the path behind it */
    const llmgw_owner_t *owner; /* of the id, once it was checked */
} llmgw_kept_t;

typedef struct llmgw_request_t {
    llmgw_kind_e kind;
    const char *uri;        /* r->uri and the settings as they were */
    const llmgw_dir_t *dir; /* when kind was found */
    const char *encoded;    /* the path as the client wrote it, when
                               it was encoded_of that was decoded */
    const char *encoded_of;
    unsigned char id[LLM_RECORD_ID]; /* see llmgw_request_id */
    const char *id_text;
    const llm_dialect_t *client;  /* the dialect errors are written in */
    llm_op_e op;                  /* CALL */
    const llm_line_t *line;       /* CALL, MODELS: what the path said, where
                                     its dialect says it there; or NULL */
    llm_problem_t *line_problem;  /* what is wrong with it, or NULL */
    const char *model;            /* MODELS: the one asked for; NULL: all */
    const char *query_key;        /* taken out of the URL, or NULL */
    int query_keys_differ;        /* there were two */
    const llm_provider_t *native; /* NATIVE, METER */
    const char *native_rest;      /* with the query, gateway keys removed */
    const char *native_plain;     /* its path, decoded, without the query */
    llmgw_kept_t kept;            /* NATIVE, METER */
    int claimed;                  /* of x->made: those that have an owner */
    int billed;                   /* x->owed was put */
    int method_allowed;           /* 0: 405 */
    const char *allow;            /* the Allow header of a 405 */
    llm_key_view_t key;           /* id 0: none or anonymous */
    llm_problem_t *key_problem;   /* why there is no valid key, or NULL */
    int key_checked;
    llm_problem_t *problem;      /* what an error of httpd's (401, 403,
                                    500...) says to the client; NULL: what
                                    its status means */
    llm_exchange_t *x;           /* CALL, NATIVE, METER: once it runs */
    llm_slot_t *slot;            /* in-flight slot, or NULL */
    apr_time_t noted;            /* when the slot was last brought up to
                                    date */
    int opened;                  /* the record is to be put */
    int settled;                 /* it was */
    const llm_problem_t *told;   /* one that is in the log already */
    struct llmgw_meter_t *meter; /* METER: meter_filter.c's state */
    apr_bucket_brigade *bb;      /* deliver.c's, used again and again */
    int head_sent;
} llmgw_request_t;

/* endpoint.c: never NULL in a location of ours, NULL elsewhere. */
llmgw_request_t *llmgw_request_of(request_rec *r);
/* What is known of a request that went wrong before its name was translated.
 * NULL when nothing is. */
llmgw_request_t *llmgw_request_kept(request_rec *r);
/* The request's id as text, drawn when first asked for; request->id holds its
 * bytes. An exchange made for the request takes both over. */
const char *llmgw_request_id(request_rec *r, llmgw_request_t *request);
/* What is wrong with path or method (404, 405); NULL when nothing is. */
llm_problem_t *llmgw_endpoint_problem(request_rec *r, llmgw_request_t *request);
/* A query without the parameters that carry a key; NULL when none is left. */
const char *llmgw_query_without_keys(const char *query, apr_pool_t *pool);

/* kept.c: what a provider keeps, named by its path below /v1/; 0 for any other
 * path. And the same of a native route: `path` is decoded, behind the provider's
 * name. */
int llmgw_kept_find(request_rec *r, llmgw_request_t *request, const char *path);
void llmgw_kept_native(request_rec *r, llmgw_request_t *request,
                       const char *path);
/* What has to be looked at in the exchange, which was just made. */
void llmgw_kept_begin(request_rec *r, llmgw_request_t *request);
/* Once the body is read and the plan made: 404 for what is not the caller's;
 * NULL when all is well. */
llm_problem_t *llmgw_kept_check(request_rec *r, llmgw_request_t *request);
/* The same of the path alone, before the body is read, and of the body. */
llm_problem_t *llmgw_kept_check_path(request_rec *r, llmgw_request_t *request);
llm_problem_t *llmgw_kept_check_body(request_rec *r, llmgw_request_t *request);
/* Is it a provider whose ids are looked after, in paths and in bodies? */
int llmgw_kept_guards(const llm_provider_t *provider);
/* kept_answer.c: before anything of an answer goes out, the ids in it get their
 * owner, and what was made in the background is billed; that also where nobody
 * is left to send it to. And what is done with a whole one. */
void llmgw_kept_note(request_rec *r, llmgw_request_t *request);
void llmgw_kept_bill(request_rec *r, llmgw_request_t *request);
void llmgw_kept_answer(request_rec *r, llmgw_request_t *request);

/* objects.c: asks the store's owner, and waits for it. */
#define LLMGW_OBJECT_CLAIM  "object.claim"
#define LLMGW_OBJECT_FORGET "object.forget"
#define LLMGW_OBJECT_BILL   "object.bill"
apr_status_t llmgw_objects_note(request_rec *r, const char *op,
                                const char *provider,
                                const apr_array_header_t *ids,
                                apr_uint32_t key);
/* *powners: of llmgw_owner_t; ids that nobody has are not in it. */
apr_status_t llmgw_objects_owners(request_rec *r, apr_array_header_t **powners,
                                  const apr_array_header_t *ids);

/* auth.c: finds the client's key in the request's headers and looks it up;
 * sets key, key_problem, r->user. Done once; NULL when the request may go on
 * (also anonymously), else the problem (401). */
llm_problem_t *llmgw_auth_check(request_rec *r, llmgw_request_t *request);
/* Takes keys out of the request's URL, before anybody logs it. `request` keeps
 * what may be one of ours. */
void llmgw_auth_take_query(request_rec *r, llmgw_request_t *request);
/* Unsets the headers a client's key may come in. */
void llmgw_auth_strip(apr_table_t *headers);
/* WWW-Authenticate, for a 401. */
void llmgw_auth_challenge(request_rec *r);

/* handler.c: the request's body, whole. OK, or an HTTP status of httpd's own;
 * *pproblem is set for what is ours to say. */
int llmgw_read_body(request_rec *r, apr_size_t limit, llm_bytes_t *pbody,
                    llm_problem_t **pproblem);

/* reply.c: a problem as a whole response in the caller's dialect; returns
 * what the handler returns (OK). Sets x-request-id. */
int llmgw_reply_problem(request_rec *r, llmgw_request_t *request,
                        const llm_problem_t *problem);
/* Head of an exchange's reply: status, content type, headers, x-llm-*. */
void llmgw_reply_head(request_rec *r, llmgw_request_t *request);
/* What an error status of httpd's own means to the client. */
llm_problem_t *llmgw_problem_of_status(request_rec *r, int status);
/* A request body above LLMBodyLimit. */
llm_problem_t *llmgw_problem_too_large(request_rec *r, apr_size_t limit);
/* A whole JSON body; returns what the handler returns (OK). */
int llmgw_reply_json(request_rec *r, llmgw_request_t *request, int status,
                     const char *data, apr_size_t len);

/* status.c: GET <LLMHealthPath>, GET /v1/models, GET /v1/models/{name} and
 * what other dialects have in their place; whole handlers. */
int llmgw_status_health(request_rec *r, llmgw_request_t *request);
int llmgw_status_models(request_rec *r, llmgw_request_t *request);

/* shared.c: what parent, owner and children share. All NULL-safe: without a
 * store the gateway answers 503. */
llm_snapshot_t *llmgw_shared_snapshot(void);
llm_inflight_t *llmgw_shared_inflight(void);
/* prices.c: the prices that can change while the child runs, for as long as
 * something is priced by them (llm_policy_t). */
void llmgw_prices_lend(llm_price_book_t *book);
void llmgw_prices_return(llm_price_book_t *book);
llm_journal_t *llmgw_shared_journal(void); /* this child's */
/* Puts a record into this child's journal, and remembers whether that worked:
 * while it does not, llmgw_shared_check refuses requests. */
apr_status_t llmgw_shared_put(const llm_record_t *record);
/* NULL when a request may be served here, else why not; counts those. */
llm_problem_t *llmgw_shared_check(request_rec *r);
/* The same for those who only want to know. Returns what is wrong, which
 * need not keep requests from being served (LLMLedgerFailure), or NULL. */
const char *llmgw_shared_look(request_rec *r, llm_problem_t **pproblem);
/* Too many requests at once: counted as llmgw_shared_check does. */
llm_problem_t *llmgw_shared_refuse_busy(request_rec *r);
/* May another slot be left to the owner, with what could not be put? */
int llmgw_shared_has_room(void);

/* What happens to requests while usage cannot be written; all processes'. */
typedef struct llmgw_trouble_t {
    apr_uint64_t count; /* requests it happened to, since the first start */
    apr_uint64_t told;  /* of these, in the log already */
    apr_time_t last;    /* when it happened last */
    apr_time_t said;    /* when the log was told; 0: it is over */
} llmgw_trouble_t;
typedef struct llmgw_ledger_t {
    llmgw_trouble_t refused, unrecorded;
} llmgw_ledger_t;
llmgw_ledger_t *llmgw_shared_ledger(void); /* NULL without a store */

/* ledger.c: counts, and tells the log now and then. `why` is a phrase. */
void llmgw_ledger_refused(llmgw_ledger_t *ledger, const char *why);
void llmgw_ledger_unrecorded(llmgw_ledger_t *ledger, const char *why);
void llmgw_ledger_good(llmgw_ledger_t *ledger, apr_time_t now);

/* account.c: in-flight slot and the one record of an exchange. */
llm_problem_t *llmgw_account_open(request_rec *r, llmgw_request_t *request);
void llmgw_account_update(llmgw_request_t *request, apr_time_t now);
/* The answer is whole, and about to be delivered to its end. */
void llmgw_account_complete(request_rec *r, llmgw_request_t *request);
/* Puts the record once; sets LLM_* variables. Called at log_transaction and,
 * should that never come, by a cleanup of r->pool. */
void llmgw_account_settle(request_rec *r, llmgw_request_t *request);

/* drive_sync.c: runs an attempt on this thread until DONE or FAILED, and
 * passes on what x->out gets meanwhile. */
void llmgw_drive(request_rec *r, llmgw_request_t *request,
                 llm_attempt_t *attempt);

/* handler.c: the exchange of a request, its "asked" part filled in but for
 * the body; also filter mode's. */
llm_exchange_t *llmgw_exchange_make(request_rec *r, llmgw_request_t *request);

/* deliver.c: sends what x->out holds once x->reply is ready. Sets
 * x->client_gone when the client left. last: also the end of the response. */
void llmgw_deliver(request_rec *r, llmgw_request_t *request, int last);

/* vars.c: LLM_* into r->subprocess_env from the record. */
void llmgw_vars_set(request_rec *r, const llm_exchange_t *x,
                    const llm_record_t *record, const char *key_name);

/* Hooks, one function a file. */
void llmgw_keeper_hooks(apr_pool_t *p);
void llmgw_prices_hooks(apr_pool_t *p);
void llmgw_conf_hooks(apr_pool_t *p);
void llmgw_dump_hooks(apr_pool_t *p);
void llmgw_endpoint_hooks(apr_pool_t *p);
void llmgw_auth_hooks(apr_pool_t *p);
void llmgw_reply_hooks(apr_pool_t *p);
void llmgw_shared_hooks(apr_pool_t *p);
void llmgw_owner_hooks(apr_pool_t *p);
void llmgw_handler_hooks(apr_pool_t *p);
void llmgw_account_hooks(apr_pool_t *p);
void llmgw_meter_hooks(apr_pool_t *p);
void llmgw_proxy_hooks(apr_pool_t *p);
void llmgw_status_hooks(apr_pool_t *p);
void llmgw_log_hooks(apr_pool_t *p);

#endif /* LLMGW_H */
