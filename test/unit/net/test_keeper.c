/* SPDX-License-Identifier: Apache-2.0 */
/* When tokens are fetched, by a clock and a network of the test's own. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "net/keeper.h"
#include "test/unit/unit.h"

static apr_time_t now;
static void *slots;
static llm_keeper_t *keeper;

/* ---- a network that answers when it is told to ---- */

static struct {
    llm_net_done_cb *done;
    void *baton;
    int started;
} line;

static void start(llm_net_t *net, const llm_net_request_t *request,
                  llm_net_done_cb *done, void *baton)
{
    (void)net;
    ck_assert_ptr_nonnull(request->url);
    ck_assert_ptr_null(line.done);
    line.done = done;
    line.baton = baton;
    ++line.started;
}

static llm_net_t net = {.start = start};

static void answer(int status, const char *body)
{
    llm_net_answer_t said = {status, {body, strlen(body)}, "no route"};
    llm_net_done_cb *done = line.done;

    ck_assert_ptr_nonnull(done);
    line.done = NULL;
    done(line.baton, &said);
}

static apr_time_t clock_now(void)
{
    return now;
}

static void open_keeper(void)
{
    apr_array_header_t *sources;
    llm_token_source_t *source;

    unit_pool_open();
    memset(&line, 0, sizeof(line));
    now = apr_time_from_sec(1000000);
    sources = apr_array_make(unit_pool, 1, sizeof(llm_token_source_t *));
    source = apr_pcalloc(unit_pool, sizeof(*source));
    source->kind = llm_token_kind_find("ibm");
    source->provider = "p";
    source->secret = "key";
    source->options = apr_table_make(unit_pool, 1);
    APR_ARRAY_PUSH(sources, llm_token_source_t *) = source;
    slots = apr_pcalloc(unit_pool, llm_token_slot_size());
    keeper = llm_keeper_make(sources, slots, &net, 7, unit_pool);
    llm_keeper_set_clock(keeper, clock_now);
}

static void pass(double seconds)
{
    now += (apr_time_t)(seconds * APR_USEC_PER_SEC);
    llm_keeper_step(keeper, now);
}

static void give(const char *token, int life)
{
    answer(200, apr_psprintf(unit_pool,
                             "{\"access_token\":\"%s\",\"expires_in\":%d}",
                             token, life));
}

static llm_token_view_t view;

static llm_token_state_e look(void)
{
    return llm_token_slot_look(llm_token_slot_at(slots, 0), &view, now);
}

/* ---- tests ---- */

START_TEST(it_is_fetched_at_once_and_once)
{
    ck_assert_int_eq(look(), LLM_TOKEN_COMING);
    pass(0);
    pass(1);
    ck_assert_int_eq(line.started, 1);
    give("one", 3600);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    ck_assert_str_eq(view.text, "one");
    pass(2699);
    ck_assert_int_eq(line.started, 1);
}
END_TEST

START_TEST(it_is_renewed_between_75_and_85_hundredths)
{
    double seconds;

    pass(0);
    give("one", 3600);
    for (seconds = 0; line.started == 1; ++seconds) {
        pass(1);
    }
    ck_assert_msg(seconds >= 2700 && seconds <= 3061, "%g", seconds);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD); /* the old one meanwhile */
    give("two", 3600);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    ck_assert_str_eq(view.text, "two");
}
END_TEST

START_TEST(a_failure_is_tried_again_later_and_later)
{
    static const int least[] = {1, 2, 4, 8, 16, 32, 60, 60};
    apr_size_t i;
    int seconds;

    pass(0);
    for (i = 0; i < sizeof(least) / sizeof(*least); ++i) {
        answer(500, "");
        ck_assert_int_eq(look(), LLM_TOKEN_MISSING);
        ck_assert_str_eq(view.what, "the token server answered 500");
        for (seconds = 0; !line.done; ++seconds) {
            pass(1);
        }
        ck_assert_msg(seconds >= least[i]
                          && seconds <= least[i] + least[i] / 8 + 1,
                      "%d after %d failures", seconds, (int)i + 1);
    }
    give("one", 60);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
}
END_TEST

START_TEST(the_old_one_stays_until_its_end)
{
    pass(0);
    give("one", 100);
    pass(86);
    answer(0, "");
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    now += apr_time_from_msec(3900); /* 89.9: a tenth of its life is left out */
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    pass(0);
    answer(0, "");
    now += apr_time_from_msec(200);
    ck_assert_int_eq(look(), LLM_TOKEN_MISSING);
    ck_assert_str_eq(view.what, "the token server cannot be reached");
}
END_TEST

START_TEST(a_refused_token_is_replaced_at_once)
{
    llm_token_slot_t *slot = llm_token_slot_at(slots, 0);

    pass(0);
    give("one", 3600);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    ck_assert(llm_token_slot_refuse(slot, view.number, now));
    ck_assert_int_eq(look(), LLM_TOKEN_COMING);
    pass(0.1);
    ck_assert_int_eq(line.started, 2);
    give("two", 3600);
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    ck_assert_str_eq(view.text, "two");
    /* one that was sent with the first may go on, and forces nothing */
    ck_assert(llm_token_slot_refuse(slot, view.number - 1, now));
    pass(1);
    ck_assert_int_eq(line.started, 2);
    /* the second is refused too: it is not about tokens */
    ck_assert(!llm_token_slot_refuse(slot, view.number, now));
    pass(1);
    ck_assert_int_eq(line.started, 2);
    pass(60);
    ck_assert(llm_token_slot_refuse(slot, view.number, now));
    pass(0);
    ck_assert_int_eq(line.started, 3);
}
END_TEST

START_TEST(where_no_other_is_had_the_refused_one_is_used)
{
    pass(0);
    give("one", 3600);
    look();
    llm_token_slot_refuse(llm_token_slot_at(slots, 0), view.number, now);
    pass(0);
    answer(503, "");
    ck_assert_int_eq(look(), LLM_TOKEN_GOOD);
    ck_assert_str_eq(view.text, "one");
}
END_TEST

START_TEST(a_short_life_is_no_storm)
{
    int i;

    pass(0);
    for (i = 0; i < 20; ++i) {
        if (line.done) {
            give("one", 1);
        }
        pass(0.1);
    }
    ck_assert_int_le(line.started, 4);
}
END_TEST

Suite *keeper_suite(void)
{
    Suite *suite = suite_create("keeper");
    TCase *tcase = tcase_create("times");

    tcase_add_checked_fixture(tcase, open_keeper, unit_pool_close);
    tcase_add_test(tcase, it_is_fetched_at_once_and_once);
    tcase_add_test(tcase, it_is_renewed_between_75_and_85_hundredths);
    tcase_add_test(tcase, a_failure_is_tried_again_later_and_later);
    tcase_add_test(tcase, the_old_one_stays_until_its_end);
    tcase_add_test(tcase, a_refused_token_is_replaced_at_once);
    tcase_add_test(tcase, where_no_other_is_had_the_refused_one_is_used);
    tcase_add_test(tcase, a_short_life_is_no_storm);
    suite_add_tcase(suite, tcase);
    return suite;
}
