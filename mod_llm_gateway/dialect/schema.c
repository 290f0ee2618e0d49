/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What schemas may hold, provider by provider.
 */
#include "dialect/schema.h"

#include <string.h>

/* ---- OpenAI's strict ---- */

/* Keywords that strict schemas may have, besides those that hold schemas. */
static const char *const strict_words[] = {
    "additionalProperties",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "title",
    "type",
    "$ref",
    NULL,
};
static const char *const strict_formats[] = {
    "date", "date-time", "duration", "email", "hostname",
    "ipv4", "ipv6",      "time",     "uuid",  NULL,
};

static int is_one_of(llm_text_t word, const char *const *words)
{
    while (*words && !llm_text_equals(word, *words)) {
        ++words;
    }
    return *words != NULL;
}

static int has_item(const llm_json_t *list, llm_text_t wanted)
{
    const llm_json_t *item =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; item; item = item->next) {
        llm_text_t text = llm_json_text(item);

        if (text.len == wanted.len
            && !memcmp(text.data, wanted.data, wanted.len)) {
            return 1;
        }
    }
    return 0;
}

static int is_closed(const llm_json_t *schema)
{
    const llm_json_t *properties = llm_json_get(schema, "properties");
    const llm_json_t *required = llm_json_get(schema, "required"), *member;

    if (!properties
        && !llm_json_equals(llm_json_get(schema, "type"), "object")) {
        return 1;
    }
    if (!llm_json_is(llm_json_get(schema, "additionalProperties"),
                     LLM_JSON_FALSE)
        || !llm_json_is(properties, LLM_JSON_OBJECT)) {
        return 0;
    }
    for (member = properties->child; member; member = member->next) {
        if (!has_item(required, member->name)) {
            return 0;
        }
    }
    return 1;
}

static int is_strict(const llm_json_t *schema);

/* Are all schemas of the list, or of the object's members? */
static int are_strict(const llm_json_t *schemas)
{
    const llm_json_t *one = schemas->child;

    while (one && is_strict(one)) {
        one = one->next;
    }
    return !one;
}

static int is_strict(const llm_json_t *schema)
{
    const llm_json_t *member;

    if (!llm_json_is(schema, LLM_JSON_OBJECT) || !is_closed(schema)) {
        return 0;
    }
    for (member = schema->child; member; member = member->next) {
        llm_text_t word = member->name;

        if (llm_text_equals(word, "properties")
            || llm_text_equals(word, "$defs")
            || llm_text_equals(word, "definitions")
            || llm_text_equals(word, "anyOf")) {
            if (!are_strict(member)) {
                return 0;
            }
        }
        else if (llm_text_equals(word, "items")) {
            if (!is_strict(member)) {
                return 0;
            }
        }
        else if (!is_one_of(word, strict_words)
                 || (llm_text_equals(word, "format")
                     && !is_one_of(llm_json_text(member), strict_formats))) {
            return 0;
        }
    }
    return 1;
}

int llm_schema_is_strict(const llm_json_t *schema)
{
    return llm_json_equals(llm_json_get(schema, "type"), "object")
           && !llm_json_get(schema, "anyOf") && is_strict(schema);
}
