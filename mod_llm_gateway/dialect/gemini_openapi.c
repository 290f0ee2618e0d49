/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's Schema as JSON Schema, for providers of other dialects.
 *
 * Gemini's Schema is a message of its own in OpenAPI's fashion: types are an
 * enum in capitals (or its numbers), null is a flag beside the type, counts
 * are 64-bit numbers and so may be strings, and the order of an object's
 * members is said apart. What is said there is said here the way JSON Schema
 * has it; members that are JSON Schema already stay as they are.
 *
 * Gemini adds no members to an object that its schema does not name. Others
 * have to be told, and some demand it of an answer's schema: an object of a
 * schema that is `closed` says so.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#define DEPTH_MAX 64  /* deeper schemas stay as they are */
#define ORDER_MAX 512 /* members that are put into the order said */

static const llm_word_t types[] = {
    {"STRING", 1}, {"NUMBER", 2},  {"INTEGER", 3}, {"BOOLEAN", 4},
    {"ARRAY", 5},  {"OBJECT", 6},  {"NULL", 7},    {"string", 1},
    {"number", 2}, {"integer", 3}, {"boolean", 4}, {"array", 5},
    {"object", 6}, {"null", 7},    {NULL, 0},
};
static const char *const type_names[] = {
    NULL, "string", "number", "integer", "boolean", "array", "object", "null"};

/* How a member is written. */
typedef enum {
    AS_IT_IS,
    NOWHERE, /* said by other means */
    TYPE,
    ENUM,
    FORMAT,
    COUNT,
    EXAMPLE,
    SCHEMA,       /* one */
    SCHEMAS,      /* an array of them */
    ALTERNATIVES, /* anyOf, which null may belong to */
    NAMED,        /* an object of them */
    PROPERTIES    /* the same, in an order */
} kind_e;

static const struct word_t {
    const char *camel, *name;
    kind_e kind;
} words[] = {
    {"type", "type", TYPE},
    {"nullable", NULL, NOWHERE},
    {"propertyOrdering", NULL, NOWHERE},
    {"enum", "enum", ENUM},
    {"format", "format", FORMAT},
    {"minItems", "minItems", COUNT},
    {"maxItems", "maxItems", COUNT},
    {"minLength", "minLength", COUNT},
    {"maxLength", "maxLength", COUNT},
    {"minProperties", "minProperties", COUNT},
    {"maxProperties", "maxProperties", COUNT},
    {"example", "examples", EXAMPLE},
    {"items", "items", SCHEMA},
    {"additionalProperties", "additionalProperties", SCHEMA},
    {"anyOf", "anyOf", ALTERNATIVES},
    {"oneOf", "oneOf", SCHEMAS},
    {"allOf", "allOf", SCHEMAS},
    {"prefixItems", "prefixItems", SCHEMAS},
    {"properties", "properties", PROPERTIES},
    {"defs", "$defs", NAMED},
    {"$defs", "$defs", NAMED},
    {"definitions", "definitions", NAMED},
    {"ref", "$ref", AS_IT_IS},
    {NULL, NULL, AS_IT_IS},
};

/* What holds for the whole of a schema, and how deep we are in it. */
typedef struct place_t {
    int closed;
    int depth;
} place_t;

static void put_schema(llm_buf_t *out, const llm_json_t *schema, place_t place);

static const struct word_t *word_of(llm_text_t name)
{
    const struct word_t *row = words;

    while (row->camel && !llm_gemini_is_named(name, row->camel)) {
        ++row;
    }
    return row;
}

static void put_text_name(llm_buf_t *out, llm_text_t name)
{
    llm_put_comma(out);
    llm_buf_put_text(out, name);
    llm_buf_putc(out, ':');
}

static void put_type(llm_buf_t *out, const llm_json_t *type, int nullable)
{
    int number = llm_gemini_enum(types, type, 0);
    const char *name = number > 0 && number < 8 ? type_names[number] : NULL;

    if (type->type == LLM_JSON_ARRAY) {
        llm_put_member(out, "type", type);
    }
    else if (name && nullable && strcmp(name, "null") != 0) {
        llm_put_name(out, "type");
        llm_buf_lit(out, "[\"");
        llm_buf_puts(out, name);
        llm_buf_lit(out, "\",\"null\"]");
    }
    else {
        llm_put_string_member(out, "type", name);
    }
}

/* The array's elements, and one more where there may be null. */
static void put_enum(llm_buf_t *out, const llm_json_t *list, int nullable)
{
    llm_put_name(out, "enum");
    if (!nullable || list->type != LLM_JSON_ARRAY) {
        llm_json_put(out, list);
        return;
    }
    llm_buf_append(out, list->raw.data, list->raw.len - 1);
    llm_buf_puts(out, list->count ? ",null]" : "null]");
}

/* "10" of a 64-bit number; what is no number stays. */
static void put_count(llm_buf_t *out, const char *name, const llm_json_t *node)
{
    llm_text_t text = llm_json_text(node);

    llm_put_name(out, name);
    if (text.len && text.len < 19 && strspn(text.data, "0123456789") >= text.len
        && (text.data[0] != '0' || text.len == 1)) {
        llm_buf_append(out, text.data, text.len);
        return;
    }
    llm_json_put(out, node);
}

static void put_list(llm_buf_t *out, const llm_json_t *list, int nullable,
                     place_t place)
{
    const llm_json_t *node;

    if (list->type != LLM_JSON_ARRAY) {
        llm_json_put(out, list);
        return;
    }
    llm_buf_putc(out, '[');
    for (node = list->child; node; node = node->next) {
        llm_put_comma(out);
        put_schema(out, node, place);
    }
    if (nullable) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"type\":\"null\"}");
    }
    llm_buf_putc(out, ']');
}

static int is_ordered(const llm_json_t *order, const llm_json_t *member)
{
    const llm_json_t *name;

    for (name = order->child; name; name = name->next) {
        if (llm_text_is_same(llm_json_text(name), member->name)) {
            return 1;
        }
    }
    return 0;
}

/* Was the name said before? Twice in the order, it is written once. */
static int is_said_before(const llm_json_t *order, const llm_json_t *name)
{
    const llm_json_t *earlier;

    for (earlier = order->child; earlier != name; earlier = earlier->next) {
        if (llm_text_is_same(llm_json_text(earlier), llm_json_text(name))) {
            return 1;
        }
    }
    return 0;
}

/* Properties in the order said, then those it does not name. Without an order,
 * or with one that is too long to search, as they stand. */
static void put_properties(llm_buf_t *out, const llm_json_t *object,
                           const llm_json_t *order, place_t place)
{
    const llm_json_t *member, *name;

    if (object->type != LLM_JSON_OBJECT) {
        llm_json_put(out, object);
        return;
    }
    if (!llm_json_is(order, LLM_JSON_ARRAY) || order->count > ORDER_MAX
        || object->count > ORDER_MAX) {
        order = NULL;
    }
    llm_buf_putc(out, '{');
    for (name = order ? order->child : NULL; name; name = name->next) {
        for (member = object->child; member; member = member->next) {
            if (llm_text_is_same(llm_json_text(name), member->name)
                && !is_said_before(order, name)) {
                put_text_name(out, member->name);
                put_schema(out, member, place);
            }
        }
    }
    for (member = object->child; member; member = member->next) {
        if (!order || !is_ordered(order, member)) {
            put_text_name(out, member->name);
            put_schema(out, member, place);
        }
    }
    llm_buf_putc(out, '}');
}

static void put_member(llm_buf_t *out, const llm_json_t *schema,
                       const llm_json_t *member, int nullable, place_t place)
{
    const struct word_t *word = word_of(member->name);

    switch (word->kind) {
    case NOWHERE:
        return;
    case TYPE:
        put_type(out, member, nullable);
        return;
    case ENUM:
        put_enum(out, member, nullable);
        return;
    case FORMAT:
        if (!llm_json_equals(member, "enum")) { /* the enum says so itself */
            llm_put_member(out, "format", member);
        }
        return;
    case COUNT:
        put_count(out, word->name, member);
        return;
    default:
        break;
    }
    if (word->name) {
        llm_put_name(out, word->name);
    }
    else {
        put_text_name(out, member->name);
    }
    switch (word->kind) {
    case EXAMPLE:
        llm_buf_putc(out, '[');
        llm_json_put(out, member);
        llm_buf_putc(out, ']');
        break;
    case SCHEMA:
        put_schema(out, member, place);
        break;
    case SCHEMAS:
    case ALTERNATIVES:
        put_list(out, member,
                 nullable && word->kind == ALTERNATIVES
                     && !llm_gemini_want(schema, "type"),
                 place);
        break;
    case NAMED:
    case PROPERTIES:
        put_properties(out, member,
                       word->kind == PROPERTIES
                           ? llm_gemini_want(schema, "propertyOrdering")
                           : NULL,
                       place);
        break;
    default:
        llm_json_put(out, member);
        break;
    }
}

static void put_schema(llm_buf_t *out, const llm_json_t *schema, place_t place)
{
    const llm_json_t *member;
    int nullable;

    if (schema->type != LLM_JSON_OBJECT || ++place.depth > DEPTH_MAX) {
        llm_json_put(out, schema);
        return;
    }
    nullable = llm_json_is_true(llm_gemini_want(schema, "nullable"));
    llm_buf_putc(out, '{');
    for (member = schema->child; member; member = member->next) {
        put_member(out, schema, member, nullable, place);
    }
    member = llm_gemini_want(schema, "properties");
    if (place.closed && member && member->count
        && !llm_gemini_want(schema, "additionalProperties")) {
        llm_put_raw_member(out, "additionalProperties", "false");
    }
    llm_buf_putc(out, '}');
}

const llm_json_t *llm_gemini_json_schema(const llm_json_t *schema, int closed,
                                         apr_pool_t *pool)
{
    place_t place = {closed, 0};
    const llm_json_t *doc;
    llm_buf_t *out;

    if (!llm_json_is(schema, LLM_JSON_OBJECT)) {
        return NULL;
    }
    out = llm_buf_make(0, pool);
    put_schema(out, schema, place);
    return llm_json_read(&doc, out->data, out->len, NULL, pool) ? NULL : doc;
}
