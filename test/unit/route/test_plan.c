/* SPDX-License-Identifier: Apache-2.0 */
/* Models to upstreams: which model matches, and in which order it is tried. */
#include <apr_strings.h>
#include <string.h>

#include "route/route.h"
#include "test/unit/unit.h"

static llm_provider_t one = {.name = "one"};
static llm_provider_t two = {.name = "two"};

static llm_model_t *make_model(const char *name)
{
    llm_model_t *model = apr_pcalloc(unit_pool, sizeof(*model));

    model->name = name;
    model->targets = apr_array_make(unit_pool, 4, sizeof(llm_target_t *));
    return model;
}

static void add_target(llm_model_t *model, const llm_provider_t *provider,
                       const char *name, int priority, int weight)
{
    llm_target_t *target = apr_pcalloc(unit_pool, sizeof(*target));

    target->provider = provider;
    target->model = name;
    target->priority = priority;
    target->weight = weight;
    APR_ARRAY_PUSH(model->targets, llm_target_t *) = target;
}

static const llm_model_t *match(const char *name, llm_bytes_t *pmatched)
{
    static const char *const names[] = {"*", "openai/*", "openai/gpt-4o",
                                        "openai/gpt-*"};
    apr_array_header_t *models =
        apr_array_make(unit_pool, 4, sizeof(llm_model_t *));

    for (int i = 0; i < 4; ++i) {
        APR_ARRAY_PUSH(models, llm_model_t *) = make_model(names[i]);
    }
    return llm_route_match(models, name, pmatched);
}

START_TEST(the_most_particular_model_matches)
{
    llm_bytes_t matched;

    ck_assert_str_eq(match("openai/gpt-4o", &matched)->name, "openai/gpt-4o");
    ck_assert_str_eq(match("openai/gpt-5", &matched)->name, "openai/gpt-*");
    ck_assert_uint_eq(matched.len, 1);
    ck_assert_str_eq(match("openai/o3", &matched)->name, "openai/*");
    ck_assert_str_eq(match("x", &matched)->name, "*");
}
END_TEST

START_TEST(no_model_matches)
{
    apr_array_header_t *models =
        apr_array_make(unit_pool, 1, sizeof(llm_model_t *));
    llm_bytes_t matched;

    APR_ARRAY_PUSH(models, llm_model_t *) = make_model("smart");
    ck_assert_ptr_null(llm_route_match(models, "Smart", &matched));
}
END_TEST

START_TEST(priorities_are_tried_in_order)
{
    llm_model_t *model = make_model("m");
    apr_array_header_t *plan;

    add_target(model, &two, "b", 2, 100);
    add_target(model, &one, "a", 1, 100);
    add_target(model, &two, "c", 7, 0);
    plan = llm_route_plan(model, (llm_bytes_t){"", 0}, 5, unit_pool);
    ck_assert_int_eq(plan->nelts, 3);
    ck_assert_str_eq(APR_ARRAY_IDX(plan, 0, llm_upstream_t).model, "a");
    ck_assert_str_eq(APR_ARRAY_IDX(plan, 1, llm_upstream_t).model, "b");
    ck_assert_str_eq(APR_ARRAY_IDX(plan, 2, llm_upstream_t).model, "c");
}
END_TEST

START_TEST(weights_share_the_traffic)
{
    llm_model_t *model = make_model("m");
    apr_uint64_t dice = APR_UINT64_C(0x9e3779b97f4a7c15);
    int first = 0, weightless = 0;

    add_target(model, &one, "a", 1, 3);
    add_target(model, &two, "b", 1, 1);
    add_target(model, &two, "c", 1, 0);
    for (int i = 0; i < 4000; ++i) {
        apr_array_header_t *plan;

        dice = dice * APR_UINT64_C(6364136223846793005) + 1442695040888963407u;
        plan = llm_route_plan(model, (llm_bytes_t){"", 0}, dice, unit_pool);
        ck_assert_int_eq(plan->nelts, 3);
        first += *APR_ARRAY_IDX(plan, 0, llm_upstream_t).model == 'a';
        weightless += *APR_ARRAY_IDX(plan, 2, llm_upstream_t).model == 'c';
    }
    ck_assert_int_gt(first, 2850);
    ck_assert_int_lt(first, 3150);
    ck_assert_int_eq(weightless, 4000);
}
END_TEST

START_TEST(a_star_is_filled_in)
{
    llm_model_t *model = make_model("openai/*");
    apr_array_header_t *plan;

    add_target(model, &one, "*", 1, 1);
    plan = llm_route_plan(model, (llm_bytes_t){"gpt-4o/x", 6}, 1, unit_pool);
    ck_assert_str_eq(APR_ARRAY_IDX(plan, 0, llm_upstream_t).model, "gpt-4o");
}
END_TEST

Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, the_most_particular_model_matches);
    tcase_add_test(tcase, no_model_matches);
    tcase_add_test(tcase, priorities_are_tried_in_order);
    tcase_add_test(tcase, weights_share_the_traffic);
    tcase_add_test(tcase, a_star_is_filled_in);
    suite_add_tcase(suite, tcase);
    return suite;
}
