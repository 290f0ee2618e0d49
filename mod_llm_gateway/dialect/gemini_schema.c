/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema as Gemini takes it.
 *
 * Gemini has two places for a schema. The older one (`parameters`,
 * `responseSchema`) is a message of its own: upper case types, `nullable`
 * instead of a null type, enums of strings, no $ref, no additionalProperties;
 * an unknown member is an error of the whole request. The newer one
 * (`parametersJsonSchema`, `responseJsonSchema`) takes JSON Schema and ignores
 * what it does not know, but not every version of the API and not every model
 * has it.
 *
 * So a schema goes to the older place when every word of it can be said there,
 * which most tools' can, and to the newer one when something would be lost.
 * Nothing is ever left out of a schema but what says nothing to a model:
 * $schema, $id, $comment, definitions once they are put in place, and
 * `additionalProperties: false`, since Gemini makes no members of its own.
 * The older place forgets the order of properties, in which a model answers,
 * so `propertyOrdering` repeats it.
 *
 * A reference to a definition in the same schema is replaced by what it
 * refers to, where that is possible: not for one that contains itself, not for
 * one that would make the schema explode, and not for one that points nowhere.
 * Such a schema is sent as JSON Schema as it is.
 */
#include "dialect/gemini_internal.h"
#include "dialect/schema.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define DEPTH_MAX    96
#define REFS_MAX     24      /* references within references */
#define SIBLINGS_MAX 16      /* members of a node with a $ref or anyOf */
#define OUTPUT_MAX   1048576 /* bytes all references together may grow to */

typedef struct walk_t {
    const llm_json_t *root;
    const llm_json_t *inside[REFS_MAX]; /* references being put in place */
    int refs;
    int depth;
    apr_size_t limit; /* the output may not be longer */
    apr_pool_t *pool;
} walk_t;

/* ---- references ---- */

/* One step of a JSON pointer: "~1" is "/", "~0" is "~", and, since it stands
 * in a URI, %XX is a byte. Cut out of *pat in place. */
static const char *pointer_step(char **pat)
{
    char *from = *pat, *to = *pat, *step = *pat;

    while (*from && *from != '/') {
        if (from[0] == '~' && (from[1] == '0' || from[1] == '1')) {
            *to++ = from[1] == '0' ? '~' : '/';
            from += 2;
        }
        else if (from[0] == '%' && from[1] && from[2]) {
            char hex[3] = {from[1], from[2], '\0'};

            *to++ = (char)strtol(hex, NULL, 16);
            from += 3;
        }
        else {
            *to++ = *from++;
        }
    }
    *pat = *from ? from + 1 : NULL;
    *to = '\0';
    return step;
}

/* What "#/$defs/x" refers to; NULL when it is not in this schema. */
static const llm_json_t *ref_target(const walk_t *walk, const llm_json_t *ref)
{
    const llm_json_t *node = walk->root;
    const char *uri = llm_json_string(ref, walk->pool);
    char *at;

    if (!uri || uri[0] != '#' || (uri[1] && uri[1] != '/')) {
        return NULL;
    }
    at = uri[1] ? apr_pstrdup(walk->pool, uri + 2) : NULL;
    while (at && node) {
        const char *step = pointer_step(&at);

        node = llm_json_is(node, LLM_JSON_ARRAY)
                   ? llm_json_at(node, (unsigned)strtoul(step, NULL, 10))
                   : llm_json_get(node, step);
    }
    return llm_json_is(node, LLM_JSON_OBJECT) ? node : NULL;
}

/* Begins to put a reference in place. NULL when that would not end. */
static const llm_json_t *ref_enter(walk_t *walk, const llm_json_t *ref)
{
    const llm_json_t *target = ref_target(walk, ref);
    int i;

    for (i = 0; i < walk->refs; ++i) {
        if (walk->inside[i] == target) {
            return NULL;
        }
    }
    if (!target || target == walk->root || walk->refs == REFS_MAX) {
        return NULL;
    }
    walk->inside[walk->refs++] = target;
    return target;
}

static int may_go_on(const walk_t *walk, const llm_buf_t *out)
{
    return walk->depth < DEPTH_MAX && out->len < walk->limit && !out->overflow;
}

/* ---- Gemini's own Schema ---- */

typedef enum {
    WORD_UNKNOWN,
    WORD_NOTHING, /* says nothing to a model */
    WORD_NOTE,    /* annotation: one beside a $ref goes before its own */
    WORD_AS_IS,
    WORD_TYPE,
    WORD_FORMAT,
    WORD_ENUM,
    WORD_PROPERTIES,
    WORD_ITEMS,
    WORD_ADDITIONAL
} word_e;

static const llm_word_t words[] = {
    {"$schema", WORD_NOTHING},
    {"$id", WORD_NOTHING},
    {"$comment", WORD_NOTHING},
    {"$defs", WORD_NOTHING},
    {"definitions", WORD_NOTHING},
    {"$ref", WORD_NOTHING}, /* followed before its siblings are written */
    {"anyOf", WORD_NOTHING},
    {"title", WORD_NOTE},
    {"description", WORD_NOTE},
    {"default", WORD_NOTE},
    {"type", WORD_TYPE},
    {"format", WORD_FORMAT},
    {"enum", WORD_ENUM},
    {"properties", WORD_PROPERTIES},
    {"items", WORD_ITEMS},
    {"additionalProperties", WORD_ADDITIONAL},
    {"required", WORD_AS_IS},
    {"nullable", WORD_AS_IS},
    {"minimum", WORD_AS_IS},
    {"maximum", WORD_AS_IS},
    {"minItems", WORD_AS_IS},
    {"maxItems", WORD_AS_IS},
    {"minLength", WORD_AS_IS},
    {"maxLength", WORD_AS_IS},
    {"minProperties", WORD_AS_IS},
    {"maxProperties", WORD_AS_IS},
    {"pattern", WORD_AS_IS},
    {"propertyOrdering", WORD_UNKNOWN}, /* written here */
    {NULL, 0},
};

typedef enum {
    TYPE_NONE,
    TYPE_STRING,
    TYPE_NUMBER,
    TYPE_INTEGER,
    TYPE_BOOLEAN,
    TYPE_ARRAY,
    TYPE_OBJECT,
    TYPE_NULL
} type_e;

/* Written as the first, read as either. */
static const llm_word_t types[] = {
    {"STRING", TYPE_STRING},   {"NUMBER", TYPE_NUMBER},
    {"INTEGER", TYPE_INTEGER}, {"BOOLEAN", TYPE_BOOLEAN},
    {"ARRAY", TYPE_ARRAY},     {"OBJECT", TYPE_OBJECT},
    {"string", TYPE_STRING},   {"number", TYPE_NUMBER},
    {"integer", TYPE_INTEGER}, {"boolean", TYPE_BOOLEAN},
    {"array", TYPE_ARRAY},     {"object", TYPE_OBJECT},
    {"null", TYPE_NULL},       {NULL, 0},
};

/* Others mean nothing to Gemini and were errors for a long time. */
static const llm_word_t formats[] = {
    {"date-time", TYPE_STRING},
    {"enum", TYPE_STRING},
    {"float", TYPE_NUMBER},
    {"double", TYPE_NUMBER},
    {"int32", TYPE_INTEGER},
    {"int64", TYPE_INTEGER},
    {NULL, 0},
};

/* The one type of a node, or one and null; TYPE_NONE for anything else. */
static type_e type_of(const llm_json_t *node, int *pnullable)
{
    const llm_json_t *type = llm_json_get(node, "type");
    const llm_json_t *one;
    int found = TYPE_NONE, value;

    if (!llm_json_is(type, LLM_JSON_ARRAY)) {
        found = llm_word_value(types, llm_json_text(type), TYPE_NONE);
        return found == TYPE_NULL ? TYPE_NONE : (type_e)found;
    }
    if (type->count > 2) {
        return TYPE_NONE;
    }
    for (one = type->child; one; one = one->next) {
        value = llm_word_value(types, llm_json_text(one), TYPE_NONE);
        if (value == TYPE_NULL) {
            *pnullable = 1;
        }
        else if (value == TYPE_NONE || found != TYPE_NONE) {
            return TYPE_NONE;
        }
        else {
            found = value;
        }
    }
    return (type_e)found;
}

static int is_string_enum(const llm_json_t *node)
{
    const llm_json_t *value;

    if (!llm_json_is(node, LLM_JSON_ARRAY) || !node->count) {
        return 0;
    }
    for (value = node->child; value; value = value->next) {
        if (llm_text_is_empty(llm_json_text(value))) {
            return 0; /* a number, or "", which Gemini refuses */
        }
    }
    return 1;
}

static int put_own(llm_buf_t *out, walk_t *walk, const llm_json_t *node,
                   const llm_json_t *notes, int nullable);

static int put_properties(llm_buf_t *out, walk_t *walk, const llm_json_t *node)
{
    const llm_json_t *member;

    if (!llm_json_is(node, LLM_JSON_OBJECT) || !node->count) {
        return 0; /* Gemini refuses an object without members */
    }
    llm_put_name(out, "properties");
    llm_buf_putc(out, '{');
    for (member = node->child; member; member = member->next) {
        llm_put_comma(out);
        llm_buf_put_text(out, member->name);
        llm_buf_putc(out, ':');
        if (!put_own(out, walk, member, NULL, 0)) {
            return 0;
        }
    }
    llm_buf_putc(out, '}');
    if (node->count > 1) {
        llm_put_name(out, "propertyOrdering");
        llm_buf_putc(out, '[');
        for (member = node->child; member; member = member->next) {
            llm_put_comma(out);
            llm_buf_put_text(out, member->name);
        }
        llm_buf_putc(out, ']');
    }
    return 1;
}

/* One member of a schema node whose type is known. */
static int put_word(llm_buf_t *out, walk_t *walk, const llm_json_t *member,
                    const llm_json_t *notes, type_e type)
{
    switch ((word_e)llm_word_value(words, member->name, WORD_UNKNOWN)) {
    case WORD_NOTHING:
    case WORD_TYPE:
        return 1;
    case WORD_NOTE:
        if (notes
            && llm_json_get(notes, llm_text_string(member->name, walk->pool))) {
            return 1;
        }
        break;
    case WORD_AS_IS:
        break;
    case WORD_FORMAT:
        if (llm_word_value(formats, llm_json_text(member), TYPE_NONE)
            != (int)type) {
            return 0;
        }
        break;
    case WORD_ENUM:
        if (type != TYPE_STRING || !is_string_enum(member)) {
            return 0;
        }
        break;
    case WORD_PROPERTIES:
        return put_properties(out, walk, member);
    case WORD_ITEMS:
        llm_put_name(out, "items");
        return put_own(out, walk, member, NULL, 0);
    case WORD_ADDITIONAL:
        return llm_json_is(member, LLM_JSON_FALSE);
    default:
        return 0;
    }
    llm_put_comma(out);
    llm_buf_put_text(out, member->name);
    llm_buf_putc(out, ':');
    llm_json_put(out, member);
    return 1;
}

/* Annotations beside a $ref or an anyOf; 0 when there is anything else. */
static int put_notes(llm_buf_t *out, const llm_json_t *notes)
{
    const llm_json_t *member;

    for (member = notes ? notes->child : NULL; member; member = member->next) {
        switch ((word_e)llm_word_value(words, member->name, WORD_UNKNOWN)) {
        case WORD_NOTHING:
            break;
        case WORD_NOTE:
            llm_put_comma(out);
            llm_buf_put_text(out, member->name);
            llm_buf_putc(out, ':');
            llm_json_put(out, member);
            break;
        default:
            return 0;
        }
    }
    return 1;
}

/* [X, {"type":"null"}] in either order: X. */
static const llm_json_t *optional_of(const llm_json_t *any)
{
    const llm_json_t *first = llm_json_at(any, 0), *second;

    if (!llm_json_is(any, LLM_JSON_ARRAY) || any->count != 2) {
        return NULL;
    }
    second = llm_json_at(any, 1);
    if (llm_json_equals(llm_json_get(second, "type"), "null")
        && second->count == 1) {
        return first;
    }
    if (llm_json_equals(llm_json_get(first, "type"), "null")
        && first->count == 1) {
        return second;
    }
    return NULL;
}

/* The members of a node that is no reference and no alternative. */
static int put_plain(llm_buf_t *out, walk_t *walk, const llm_json_t *node,
                     const llm_json_t *notes, int nullable)
{
    type_e type = type_of(node, &nullable);
    const llm_json_t *member;

    if (type == TYPE_NONE
        || (type == TYPE_ARRAY && !llm_json_get(node, "items"))
        || (type == TYPE_OBJECT && !llm_json_get(node, "properties"))) {
        return 0;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", llm_word_of(types, (int)type));
    for (member = node->child; member; member = member->next) {
        if (llm_text_equals(member->name, "required")) {
            llm_schema_put_required(out, node);
        }
        else if (!put_word(out, walk, member, notes, type)) {
            return 0;
        }
    }
    if (!put_notes(out, notes)) {
        return 0;
    }
    if (nullable && !llm_json_get(node, "nullable")) {
        llm_put_raw_member(out, "nullable", "true");
    }
    llm_buf_putc(out, '}');
    return 1;
}

/* `notes`: the node whose annotations go before this one's, or NULL. Returns
 * 0 when Gemini's Schema cannot say this; out then holds a part of it. */
static int put_own(llm_buf_t *out, walk_t *walk, const llm_json_t *node,
                   const llm_json_t *notes, int nullable)
{
    const llm_json_t *ref = llm_json_get(node, "$ref");
    const llm_json_t *any = llm_json_get(node, "anyOf");
    const llm_json_t *inner;
    int good;

    if (!llm_json_is(node, LLM_JSON_OBJECT) || !may_go_on(walk, out)
        || (notes && (ref || any) && node->count > 1)
        || ((ref || any) && node->count > SIBLINGS_MAX)) {
        return 0;
    }
    ++walk->depth;
    if (ref) {
        inner = ref_enter(walk, ref);
        good =
            inner && put_own(out, walk, inner, notes ? notes : node, nullable);
        walk->refs -= inner != NULL;
    }
    else if (any) {
        inner = optional_of(any);
        good = inner && put_own(out, walk, inner, notes ? notes : node, 1);
    }
    else {
        good = put_plain(out, walk, node, notes, nullable);
    }
    --walk->depth;
    return good;
}

/* ---- JSON Schema with its references in place ---- */

/* What the value of a member is. */
typedef enum {
    IS_DATA,   /* whatever is in it stays */
    IS_SCHEMA, /* a schema, or a list of schemas */
    IS_MAP     /* an object whose members are schemas, whatever their names */
} value_e;

static const llm_word_t values[] = {
    {"enum", IS_DATA},
    {"const", IS_DATA},
    {"default", IS_DATA},
    {"examples", IS_DATA},
    {"example", IS_DATA},
    {"required", IS_DATA},
    {"properties", IS_MAP},
    {"patternProperties", IS_MAP},
    {"$defs", IS_MAP},
    {"definitions", IS_MAP},
    {"dependentSchemas", IS_MAP},
    {NULL, 0},
};

static int put_inlined(llm_buf_t *out, walk_t *walk, const llm_json_t *node,
                       value_e kind);

/* Definitions are where they are needed, and the root says nothing more. */
static int is_left_out(const walk_t *walk, const llm_json_t *parent,
                       const llm_json_t *member)
{
    return (llm_text_equals(member->name, "$ref")
            && member->type == LLM_JSON_STRING)
           || (parent == walk->root
               && (llm_text_equals(member->name, "$schema")
                   || llm_text_equals(member->name, "$defs")
                   || llm_text_equals(member->name, "definitions")));
}

/* Members of a schema, without those that `over` has. */
static int put_inlined_members(llm_buf_t *out, walk_t *walk,
                               const llm_json_t *node, const llm_json_t *over)
{
    const llm_json_t *member;

    for (member = node->child; member; member = member->next) {
        if (is_left_out(walk, node, member)
            || (over
                && llm_json_get(over,
                                llm_text_string(member->name, walk->pool)))) {
            continue;
        }
        llm_put_comma(out);
        llm_buf_put_text(out, member->name);
        llm_buf_putc(out, ':');
        if (!put_inlined(
                out, walk, member,
                (value_e)llm_word_value(values, member->name, IS_SCHEMA))) {
            return 0;
        }
    }
    return 1;
}

/* A node that only refers to the next one is passed over. */
static const llm_json_t *ref_follow(walk_t *walk, const llm_json_t *ref)
{
    const llm_json_t *target = ref_enter(walk, ref);
    const llm_json_t *next = llm_json_get(target, "$ref");
    int hops;

    for (hops = 0; next && hops < REFS_MAX; ++hops) {
        if (target->count > 1) {
            return NULL; /* two nodes of siblings: which goes first? */
        }
        target = ref_target(walk, next);
        next = llm_json_get(target, "$ref");
    }
    return next || target == walk->root ? NULL : target;
}

static int put_inlined_schema(llm_buf_t *out, walk_t *walk,
                              const llm_json_t *node)
{
    const llm_json_t *ref = llm_json_get(node, "$ref");
    const llm_json_t *target;
    int refs = walk->refs, good = 1;

    llm_buf_putc(out, '{');
    if (llm_json_is(ref, LLM_JSON_STRING)) {
        target = node->count > SIBLINGS_MAX ? NULL : ref_follow(walk, ref);
        good = target && put_inlined_members(out, walk, target, node);
        walk->refs = refs;
    }
    good = good && put_inlined_members(out, walk, node, NULL);
    llm_buf_putc(out, '}');
    return good;
}

/* A list of schemas, or an object whose members are schemas. */
static int put_inlined_each(llm_buf_t *out, walk_t *walk,
                            const llm_json_t *node)
{
    const char *ends = node->type == LLM_JSON_ARRAY ? "[]" : "{}";
    const llm_json_t *element;
    int good = 1;

    llm_buf_putc(out, ends[0]);
    for (element = node->child; element && good; element = element->next) {
        llm_put_comma(out);
        if (element->name.data) {
            llm_buf_put_text(out, element->name);
            llm_buf_putc(out, ':');
        }
        good = put_inlined(out, walk, element, IS_SCHEMA);
    }
    llm_buf_putc(out, ends[1]);
    return good;
}

static int put_inlined(llm_buf_t *out, walk_t *walk, const llm_json_t *node,
                       value_e kind)
{
    int good = may_go_on(walk, out);

    ++walk->depth;
    if (!good) {
    }
    else if (kind != IS_DATA
             && (node->type == LLM_JSON_ARRAY
                 || (kind == IS_MAP && node->type == LLM_JSON_OBJECT))) {
        good = put_inlined_each(out, walk, node);
    }
    else if (kind == IS_SCHEMA && node->type == LLM_JSON_OBJECT) {
        good = put_inlined_schema(out, walk, node);
    }
    else {
        llm_json_put(out, node);
    }
    --walk->depth;
    return good;
}

/* As it is, but for $schema, which only says which version of the language
 * it is and which Gemini does not know. */
static void put_as_is(llm_buf_t *out, const llm_json_t *schema)
{
    const llm_json_t *member;

    if (schema->type != LLM_JSON_OBJECT) {
        llm_json_put(out, schema);
        return;
    }
    llm_buf_putc(out, '{');
    for (member = schema->child; member; member = member->next) {
        if (!llm_text_equals(member->name, "$schema")) {
            llm_put_comma(out);
            llm_buf_put_text(out, member->name);
            llm_buf_putc(out, ':');
            llm_json_put(out, member);
        }
    }
    llm_buf_putc(out, '}');
}

/* ---- both ---- */

/* Only {} can match: no arguments, or nothing said. */
static int is_empty(const llm_json_t *schema)
{
    const llm_json_t *member;

    for (member = schema->child; member; member = member->next) {
        if (llm_text_equals(member->name, "properties")
                ? member->count
                : !llm_text_equals(member->name, "type")
                      && !llm_text_equals(member->name, "title")
                      && !llm_text_equals(member->name, "$schema")
                      && !(llm_text_equals(member->name, "required")
                           && !member->count)
                      && !(llm_text_equals(member->name, "additionalProperties")
                           && member->type == LLM_JSON_FALSE)) {
            return 0;
        }
    }
    member = llm_json_get(schema, "type");
    return !member || llm_json_equals(member, "object");
}

void llm_gemini_put_schema(llm_buf_t *out, const char *name,
                           const char *json_name, const llm_json_t *schema,
                           apr_pool_t *pool)
{
    apr_size_t begin = out->len, inside;
    walk_t walk = {.root = schema, .pool = pool};

    if (!schema || (schema->type == LLM_JSON_OBJECT && is_empty(schema))) {
        return;
    }
    walk.limit = begin + schema->raw.len + OUTPUT_MAX;
    llm_put_name(out, name);
    if (put_own(out, &walk, schema, NULL, 0)) {
        return;
    }
    llm_buf_cut(out, begin);
    llm_put_name(out, json_name);
    inside = out->len;
    walk.refs = walk.depth = 0;
    if (!put_inlined(out, &walk, schema, IS_SCHEMA)) {
        llm_buf_cut(out, inside);
        put_as_is(out, schema);
    }
}
