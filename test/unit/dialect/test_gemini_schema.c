/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema in Gemini's two forms: which one it takes, and what is in it. */
#include "test/unit/dialect/wire.h"

#include <apr_strings.h>

#include "test/unit/unit.h"

Suite *gemini_schema_suite(void);

#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"

/* A member of the body for an OpenAI request, as it was written. */
static const char *member(const char *name, const char *request)
{
    const llm_json_t *node = llm_json_get(
        wire_json(wire_body("gemini", wire_ask(request), "gemini-2.5-flash")),
        name);

    ck_assert_ptr_nonnull(node);
    return apr_pstrmemdup(unit_pool, node->raw.data, node->raw.len);
}

/* The member of a function declaration that its schema became. */
static const char *schema(const char *text)
{
    const char *tools = member(
        "tools", apr_pstrcat(unit_pool,
                             "{\"model\":\"m\"," HELLO ",\"tools\":[{\"type\":"
                             "\"function\",\"function\":{\"name\":\"f\","
                             "\"parameters\":",
                             text, "}}]}", NULL));
    const llm_json_t *function = llm_json_at(
        llm_json_get(llm_json_at(wire_json(tools), 0), "functionDeclarations"),
        0);
    const llm_json_t *last = function->child->next;

    return !last ? ""
                 : apr_psprintf(unit_pool, "%s %.*s",
                                llm_json_get(function, "parameters") ? "own"
                                                                     : "json",
                                (int)last->raw.len, last->raw.data);
}

START_TEST(schemas_of_geminis_own)
{
    ck_assert_str_eq(
        schema("{\"$schema\":\"x\",\"type\":\"object\",\"title\":\"T\","
               "\"additionalProperties\":false,\"properties\":{"
               "\"a\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]},"
               "\"b\":{\"type\":[\"integer\",\"null\"],\"minimum\":1},"
               "\"c\":{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"null\"}],"
               "\"default\":null,\"title\":\"C\"},"
               "\"d\":{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}},"
               "\"required\":[\"a\"]}"),
        "own {\"type\":\"OBJECT\",\"title\":\"T\",\"properties\":{"
        "\"a\":{\"type\":\"STRING\",\"enum\":[\"x\",\"y\"]},"
        "\"b\":{\"type\":\"INTEGER\",\"minimum\":1,\"nullable\":true},"
        "\"c\":{\"type\":\"NUMBER\",\"default\":null,\"title\":\"C\","
        "\"nullable\":true},"
        "\"d\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"BOOLEAN\"}}},"
        "\"propertyOrdering\":[\"a\",\"b\",\"c\",\"d\"],"
        "\"required\":[\"a\"]}");
}
END_TEST

START_TEST(references_are_put_in_place)
{
    ck_assert_str_eq(
        schema("{\"$defs\":{\"P\":{\"type\":\"object\",\"description\":\"old\","
               "\"properties\":{\"x\":{\"$ref\":\"#/$defs/N\"}}},"
               "\"N\":{\"type\":\"number\"}},\"type\":\"object\","
               "\"properties\":{\"p\":{\"$ref\":\"#/$defs/P\","
               "\"description\":\"new\"}}}"),
        "own {\"type\":\"OBJECT\",\"properties\":{\"p\":{\"type\":\"OBJECT\","
        "\"properties\":{\"x\":{\"type\":\"NUMBER\"}},"
        "\"description\":\"new\"}}}");
    /* what Gemini's Schema cannot say goes as JSON Schema, references too */
    ck_assert_str_eq(
        schema("{\"$schema\":\"s\",\"$defs\":{\"a~/b\":{\"const\":5}},"
               "\"type\":\"object\",\"properties\":{\"p\":{\"oneOf\":["
               "{\"$ref\":\"#/$defs/a~0~1b\"},{\"type\":\"string\"}]},"
               "\"enum\":{\"$ref\":\"#/$defs/a~0~1b\"}}}"),
        "json {\"type\":\"object\",\"properties\":{\"p\":{\"oneOf\":["
        "{\"const\":5},{\"type\":\"string\"}]},\"enum\":{\"const\":5}}}");
}
END_TEST

START_TEST(schemas_that_stay_json)
{
    static const char *const texts[] = {
        /* a free-form object, other additional properties, formats, enums */
        "{\"type\":\"object\",\"additionalProperties\":true}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
        "\"format\":\"uri\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
        "\"enum\":[1,2]}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":true}}",
        /* references that cannot be put in place */
        "{\"type\":\"object\",\"$defs\":{\"T\":{\"type\":\"object\","
        "\"properties\":{\"t\":{\"$ref\":\"#/$defs/T\"}}}},"
        "\"properties\":{\"t\":{\"$ref\":\"#/$defs/T\"}}}",
        "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":\"#\"}}}",
        "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":\"#/zzz\"}}}",
        "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":"
        "\"https://e.org/s\"}}}",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(*texts); ++i) {
        ck_assert_str_eq(schema(texts[i]),
                         apr_pstrcat(unit_pool, "json ", texts[i], NULL));
    }
}
END_TEST

START_TEST(schemas_that_say_nothing)
{
    ck_assert_str_eq(schema("{\"type\":\"object\",\"properties\":{}}"), "");
    ck_assert_str_eq(schema("{\"type\":\"object\",\"properties\":{},"
                            "\"additionalProperties\":false,\"required\":[],"
                            "\"$schema\":\"x\"}"),
                     "");
    ck_assert_str_eq(schema("{}"), "");
}
END_TEST

/* Each definition refers to the next one twice: 2^64 at the end. */
START_TEST(a_schema_cannot_explode)
{
    const char *defs = "\"d64\":{\"type\":\"string\"}", *text;
    int i;

    for (i = 63; i >= 0; --i) {
        defs = apr_psprintf(unit_pool,
                            "\"d%d\":{\"type\":\"object\",\"properties\":{"
                            "\"a\":{\"$ref\":\"#/$defs/d%d\"},"
                            "\"b\":{\"$ref\":\"#/$defs/d%d\"}}},%s",
                            i, i + 1, i + 1, defs);
    }
    text = apr_pstrcat(unit_pool, "{\"type\":\"object\",\"$defs\":{", defs,
                       "},\"properties\":{\"x\":{\"$ref\":\"#/$defs/d0\"}}}",
                       NULL);
    ck_assert_str_eq(schema(text), apr_pstrcat(unit_pool, "json ", text, NULL));
}
END_TEST

/* The options for a response schema whose only property has `more`. */
static const char *options_for(const char *more)
{
    return member(
        "generationConfig",
        apr_pstrcat(unit_pool,
                    "{\"model\":\"m\"," HELLO ",\"response_format\":{\"type\":"
                    "\"json_schema\",\"json_schema\":{\"name\":"
                    "\"n\",\"strict\":true,\"schema\":{\"type\":"
                    "\"object\",\"properties\":{\"a\":{\"type\":"
                    "\"string\"",
                    more, "}},\"additionalProperties\":false}}}}", NULL));
}

START_TEST(response_schema)
{
    ck_assert_str_eq(
        options_for(""),
        "{\"responseMimeType\":\"application/json\",\"responseSchema\":"
        "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":"
        "\"STRING\"}}}}");
    ck_assert_str_eq(
        options_for(",\"const\":\"x\""),
        "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":"
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
        "\"const\":\"x\"}},\"additionalProperties\":false}}");
}
END_TEST

Suite *gemini_schema_suite(void)
{
    Suite *suite = suite_create("gemini_schema");
    TCase *tcase;

    tcase = tcase_create("schemas");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, schemas_of_geminis_own);
    tcase_add_test(tcase, references_are_put_in_place);
    tcase_add_test(tcase, schemas_that_stay_json);
    tcase_add_test(tcase, schemas_that_say_nothing);
    tcase_add_test(tcase, a_schema_cannot_explode);
    tcase_add_test(tcase, response_schema);
    suite_add_tcase(suite, tcase);
    return suite;
}
