/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas for answers: what OpenAI's strict takes, what others refuse. */
#include <string.h>

#include <apr_strings.h>

#include "dialect/schema.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static int is_strict(const char *schema)
{
    return llm_schema_is_strict(exchange_json(schema, strlen(schema)));
}

START_TEST(strict_schemas_are_closed_and_demand_all)
{
    static const char *const strict[] = {
        "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/a\"}},"
        "\"required\":[\"a\"],\"additionalProperties\":false,\"$defs\":{\"a\":{"
        "\"anyOf\":[{\"type\":\"string\",\"format\":\"date\"},{\"type\":"
        "\"null\"}]}}}",
    };
    static const char *const lax[] = {
        "{\"type\":\"object\"}",
        "{\"type\":\"string\"}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}},"
        "\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\"]}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}},"
        "\"required\":[\"a\"],\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"minLength\":1}},"
        "\"required\":[\"a\"],\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"format\":\"uri\"}},"
        "\"required\":[\"a\"],\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":true},\"required\":[\"a\"],"
        "\"additionalProperties\":false}",
        "{\"anyOf\":[]}",
        "[]",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(strict) / sizeof(*strict); ++i) {
        ck_assert_msg(is_strict(strict[i]), "%s", strict[i]);
    }
    for (i = 0; i < sizeof(lax) / sizeof(*lax); ++i) {
        ck_assert_msg(!is_strict(lax[i]), "%s", lax[i]);
    }
}
END_TEST

/* The schema as it fits, and what was left out; or the problem. */
static const char *fitted(const char *text, const llm_schema_rules_t *rules)
{
    const llm_json_t *schema = exchange_json(text, strlen(text));
    llm_request_t req;
    llm_problem_t *problem;
    llm_bytes_t json;
    const char *found;
    int i;

    memset(&req, 0, sizeof(req));
    req.dropped = apr_array_make(unit_pool, 2, sizeof(char *));
    problem = llm_schema_fit(&json, schema, rules, "s", &req, unit_pool);
    if (problem) {
        ck_assert_int_eq(req.dropped->nelts, 0);
        return apr_pstrcat(unit_pool, problem->param, "!", NULL);
    }
    found = apr_pstrmemdup(unit_pool, json.data, json.len);
    for (i = 0; i < req.dropped->nelts; ++i) {
        found = apr_pstrcat(unit_pool, found, " ",
                            APR_ARRAY_IDX(req.dropped, i, const char *), NULL);
    }
    return found;
}

START_TEST(what_claude_refuses_is_left_out_and_told)
{
    static const char *const rows[][2] = {
        /* what fits is not touched */
        {"{ \"type\":\"string\" ,\"x\":1.0}",
         "{ \"type\":\"string\" ,\"x\":1.0}"},
        {"{\"minimum\":1,\"type\":\"integer\"}",
         "{\"type\":\"integer\"} s.minimum"},
        {"{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{"
         "\"pattern\":\"a\",\"maxLength\":4}}",
         "{\"type\":\"array\",\"minItems\":1,\"items\":{\"pattern\":\"a\"}} "
         "s.maxItems s.items.maxLength"},
        /* a member may be called as a keyword is */
        {"{\"type\":\"object\",\"properties\":{\"minimum\":{\"minimum\":1}},"
         "\"additionalProperties\":false}",
         "{\"type\":\"object\",\"properties\":{\"minimum\":{}},"
         "\"additionalProperties\":false} s.properties.minimum.minimum"},
        {"{\"type\":[\"object\",\"null\"],\"properties\":{},"
         "\"additionalProperties\":true}",
         "{\"type\":[\"object\",\"null\"],\"properties\":{},"
         "\"additionalProperties\":false} s.additionalProperties"},
        {"{\"enum\":[{\"minimum\":1}],\"default\":{\"minimum\":1}}",
         "{\"enum\":[{\"minimum\":1}],\"default\":{\"minimum\":1}}"},
        {"{\"oneOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/a~1b\"}]}",
         "{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/a~1b\"}]}"},
        {"true", "true"},
        /* what it cannot have at all */
        {"{\"type\":\"object\"}", "s!"},
        {"{\"$ref\":\"https://x.test/s\"}", "s!"},
        {"{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", "s!"},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":"
         "\"#/$defs/b\"}},\"b\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}",
         "s!"},
        /* twice is not for ever */
        {"{\"anyOf\":[{\"$ref\":\"#/definitions/a\"},{\"$ref\":"
         "\"#/definitions/a\"}],\"definitions\":{\"a\":{\"type\":\"null\"}}}",
         "{\"anyOf\":[{\"$ref\":\"#/definitions/a\"},{\"$ref\":"
         "\"#/definitions/a\"}],\"definitions\":{\"a\":{\"type\":\"null\"}}}"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(fitted(rows[i][0], &llm_schema_claude), rows[i][1]);
    }
}
END_TEST

START_TEST(what_cohere_refuses_is_left_out_and_told)
{
    ck_assert_str_eq(
        fitted("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"},"
               "\"b\":{\"minItems\":0},\"c\":{\"format\":\"email\"}}}",
               &llm_schema_cohere),
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{},"
        "\"c\":{}}} s.properties.b.minItems s.properties.c.format");
}
END_TEST

/* Definitions that each use the next one twice: looked at once a use, but no
 * more than so many. */
START_TEST(many_uses_of_definitions_end)
{
    llm_buf_t *text = llm_buf_make(0, unit_pool);
    int i;

    llm_buf_lit(text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (i = 0; i < 40; ++i) {
        llm_buf_puts(text,
                     apr_psprintf(unit_pool,
                                  "\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d"
                                  "\"},{\"$ref\":\"#/$defs/d%d\"}]},",
                                  i, i + 1, i + 1));
    }
    llm_buf_lit(text, "\"d40\":{}}}");
    llm_buf_putc(text, '\0');
    ck_assert_str_eq(fitted(text->data, &llm_schema_claude), "s!");
}
END_TEST

Suite *schema_suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *schemas = tcase_create("schemas");

    tcase_add_checked_fixture(schemas, unit_pool_open, unit_pool_close);
    tcase_add_test(schemas, strict_schemas_are_closed_and_demand_all);
    tcase_add_test(schemas, what_claude_refuses_is_left_out_and_told);
    tcase_add_test(schemas, what_cohere_refuses_is_left_out_and_told);
    tcase_add_test(schemas, many_uses_of_definitions_end);
    suite_add_tcase(suite, schemas);
    return suite;
}
