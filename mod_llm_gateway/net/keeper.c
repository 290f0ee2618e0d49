/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches tokens when they are due; see keeper.h. */
#include "net/keeper.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_log.h"

#define PATIENCE   apr_time_from_sec(10) /* for one fetch */
#define RETRY_MOST 60                    /* seconds between two */
#define LOOK_EVERY apr_time_from_sec(1)  /* a wake-up may be lost */
#define LATE_MOST  apr_time_from_sec(10) /* before its end a token is over */

typedef struct entry_t {
    llm_keeper_t *keeper;
    const llm_token_source_t *source;
    llm_token_slot_t *slot;
    apr_pool_t *pool; /* of the fetch that runs; NULL: none does */
    llm_net_request_t request;
    apr_time_t due;
    int failures;         /* in a row */
    int told_lost;        /* the log knows that there is no token */
    apr_uint64_t refused; /* the number this fetch is to replace; 0 none */
} entry_t;

struct llm_keeper_t {
    apr_pool_t *pool;
    llm_net_t *net;
    apr_array_header_t *entries; /* of entry_t * */
    apr_uint64_t dice;
    apr_time_t (*now)(void);
};

/* 0 to 999. */
static int roll(llm_keeper_t *keeper)
{
    keeper->dice = keeper->dice * 6364136223846793005u + 1442695040888963407u;
    return (int)((keeper->dice >> 33) % 1000);
}

/* ---- after a fetch ----------------------------------------------------- */

static void keep(entry_t *entry, llm_token_view_t *view,
                 const llm_token_answer_t *token, apr_time_t now)
{
    apr_interval_time_t late = token->life / 10;
    apr_interval_time_t early = token->life / 4;

    if (entry->failures) {
        llm_log(LLM_LOG_NOTICE, 0,
                LLM_LOGNO(0373) "provider %s: there is a token again",
                entry->source->provider);
    }
    entry->failures = 0;
    entry->told_lost = 0;
    ++view->number;
    view->expires = now + token->life - (late < LATE_MOST ? late : LATE_MOST);
    view->failed = 0;
    *view->what = '\0';
    view->len = token->text.len;
    memset(view->text, 0, sizeof(view->text));
    memcpy(view->text, token->text.data, token->text.len);
    /* at 75 to 85 hundredths of its life, and not more than once a second */
    entry->due = now + token->life - early
                 + token->life / 10 * roll(entry->keeper) / 1000;
    if (entry->due < now + apr_time_from_sec(1)) {
        entry->due = now + apr_time_from_sec(1);
    }
}

static void tell_failure(entry_t *entry, const llm_token_view_t *view,
                         const llm_token_answer_t *token, apr_time_t now)
{
    int is_lost = now >= view->expires;
    llm_log_e level = is_lost && !entry->told_lost ? LLM_LOG_ERR
                      : entry->failures == 1       ? LLM_LOG_WARNING
                                                   : LLM_LOG_INFO;

    entry->told_lost = is_lost;
    llm_log(level, 0,
            LLM_LOGNO(0374) "provider %s: no token by LLMToken %s: %s%s%s; %s",
            entry->source->provider, entry->source->kind->name, token->what,
            token->detail ? ": " : "", token->detail ? token->detail : "",
            is_lost ? "its requests are refused" : "the old one is still good");
}

static void fail(entry_t *entry, llm_token_view_t *view,
                 const llm_token_answer_t *token, apr_time_t now)
{
    int seconds = entry->failures < 6 ? 1 << entry->failures : RETRY_MOST;

    ++entry->failures;
    entry->due = now + apr_time_from_sec(seconds)
                 + apr_time_from_msec(seconds * roll(entry->keeper) / 8);
    view->failed = now;
    view->retry = entry->due;
    apr_cpystrn(view->what, token->what, sizeof(view->what));
    tell_failure(entry, view, token, now);
}

static void take(entry_t *entry, const llm_token_answer_t *token)
{
    apr_time_t now = entry->keeper->now();
    llm_token_view_t view;

    llm_token_slot_read(entry->slot, &view);
    if (entry->refused) {
        view.renewed = entry->refused;
        view.forced = now;
    }
    if (token->what) {
        fail(entry, &view, token, now);
    }
    else {
        keep(entry, &view, token, now);
    }
    llm_token_slot_write(entry->slot, &view);
    explicit_bzero(&view, sizeof(view));
}

/* The request held the secret. */
static void forget_request(entry_t *entry)
{
    const char *texts[] = {entry->request.body, entry->request.headers};

    /* headers may be a constant; only what holds a secret is the pool's */
    if (texts[0]) {
        explicit_bzero((char *)texts[0], strlen(texts[0]));
    }
    if (texts[1] && !strncmp(texts[1], "Authorization:", 14)) {
        explicit_bzero((char *)texts[1], strlen(texts[1]));
    }
    memset(&entry->request, 0, sizeof(entry->request));
    apr_pool_destroy(entry->pool);
    entry->pool = NULL;
}

static void end_fetch(void *baton, const llm_net_answer_t *answer)
{
    entry_t *entry = baton;
    llm_token_answer_t token;

    llm_token_read(&token, entry->source, answer, entry->pool);
    take(entry, &token);
    if (token.text.data) {
        explicit_bzero((char *)token.text.data, token.text.len);
    }
    forget_request(entry);
}

/* ---- before it --------------------------------------------------------- */

static void begin_fetch(entry_t *entry, apr_time_t now)
{
    llm_token_answer_t none = {.what = NULL};

    apr_pool_create(&entry->pool, entry->keeper->pool);
    entry->request.patience = PATIENCE;
    entry->request.ca_file = llm_token_option(entry->source, "ca", NULL);
    none.what = entry->source->kind->ask(&entry->request, entry->source, now,
                                         entry->pool);
    if (none.what) {
        take(entry, &none);
        forget_request(entry);
        return;
    }
    entry->keeper->net->start(entry->keeper->net, &entry->request, end_fetch,
                              entry);
}

/* Was the token refused that is in the slot? */
static apr_uint64_t refused_now(const entry_t *entry)
{
    apr_uint64_t refused = llm_token_slot_refused(entry->slot), found;
    llm_token_view_t view;

    if (!refused) {
        return 0;
    }
    llm_token_slot_read(entry->slot, &view);
    found = view.number == refused && view.renewed != refused ? refused : 0;
    explicit_bzero(&view, sizeof(view));
    return found;
}

apr_interval_time_t llm_keeper_step(llm_keeper_t *keeper, apr_time_t now)
{
    apr_interval_time_t most = LOOK_EVERY;

    for (int i = 0; i < keeper->entries->nelts; ++i) {
        entry_t *entry = APR_ARRAY_IDX(keeper->entries, i, entry_t *);

        if (entry->pool) {
            continue;
        }
        entry->refused = refused_now(entry);
        if (entry->refused || now >= entry->due) {
            begin_fetch(entry, now);
        }
        if (!entry->pool && entry->due - now < most) {
            most = entry->due > now ? entry->due - now : 0;
        }
    }
    return most;
}

void llm_keeper_set_clock(llm_keeper_t *keeper, apr_time_t (*now)(void))
{
    keeper->now = now;
}

llm_keeper_t *llm_keeper_make(const apr_array_header_t *sources, void *slots,
                              llm_net_t *net, apr_uint64_t seed,
                              apr_pool_t *pool)
{
    llm_keeper_t *keeper = apr_pcalloc(pool, sizeof(*keeper));

    keeper->pool = pool;
    keeper->net = net;
    keeper->dice = seed;
    keeper->now = apr_time_now;
    keeper->entries = apr_array_make(pool, sources->nelts, sizeof(entry_t *));
    for (int i = 0; i < sources->nelts; ++i) {
        entry_t *entry = apr_pcalloc(pool, sizeof(*entry));

        entry->keeper = keeper;
        entry->source = APR_ARRAY_IDX(sources, i, const llm_token_source_t *);
        entry->slot = llm_token_slot_at(slots, i);
        APR_ARRAY_PUSH(keeper->entries, entry_t *) = entry;
    }
    return keeper;
}
