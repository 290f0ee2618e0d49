/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What schemas may hold, provider by provider.
 *
 * Anthropic's and Cohere's structured outputs refuse limits of numbers, texts
 * and lists, which their models keep to without being held to them only by
 * chance: so each that is left out is told. `oneOf` is written as `anyOf`,
 * which is wider. A map (additionalProperties with a schema) cannot be said
 * where objects have to be closed.
 */
#include "dialect/schema.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"

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
    "$schema",
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

/* ---- rules ---- */

static const char *const refused_by_claude[] = {
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    NULL,
};
static const char *const claude_formats[] = {
    "date", "date-time", "duration", "email", "hostname", "ipv4",
    "ipv6", "time",      "uri",      "uuid",  NULL,
};
static const char *const refused_by_cohere[] = {
    "allOf",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "patternProperties",
    "propertyNames",
    "then",
    "uniqueItems",
    NULL,
};
static const char *const cohere_formats[] = {
    "date", "date-time", "time", "uuid", NULL,
};

const llm_schema_rules_t llm_schema_claude = {
    .refused = refused_by_claude,
    .formats = claude_formats,
    .closed = 1,
    .flat = 1,
    .min_items = 1,
};
const llm_schema_rules_t llm_schema_cohere = {
    .refused = refused_by_cohere,
    .formats = cohere_formats,
    .min_items = -1,
};

/* ---- fitting ---- */

#define REFS_MAX 64    /* definitions within definitions */
#define USES_MAX 10000 /* of definitions: each is looked at anew */

typedef struct fit_t {
    llm_buf_t *out;
    const llm_schema_rules_t *rules;
    llm_request_t *req;
    int changed;
    apr_pool_t *pool;
} fit_t;

static void left_out(fit_t *fit, const char *path, llm_text_t word)
{
    fit->changed = 1;
    llm_request_drop(fit->req,
                     apr_pstrcat(fit->pool, path, ".",
                                 llm_text_string(word, fit->pool), NULL));
}

/* Is the member one that stays as it is? Tells what does not. */
static int is_kept(fit_t *fit, const llm_json_t *member, const char *path)
{
    llm_text_t word = member->name;
    apr_int64_t least = 0;

    if (is_one_of(word, fit->rules->refused)
        || (llm_text_equals(word, "format")
            && !is_one_of(llm_json_text(member), fit->rules->formats))
        || (llm_text_equals(word, "minItems")
            && (!llm_json_int(member, &least)
                || least > fit->rules->min_items))) {
        left_out(fit, path, word);
        return 0;
    }
    return 1;
}

static void put_schema(fit_t *fit, const llm_json_t *schema, const char *path);

/* A list of schemas, or an object whose members are some. */
static void put_schemas(fit_t *fit, const llm_json_t *schemas, const char *path)
{
    int is_list = schemas->type == LLM_JSON_ARRAY;
    const llm_json_t *one;

    llm_buf_putc(fit->out, is_list ? '[' : '{');
    for (one = schemas->child; one; one = one->next) {
        const char *name = "";

        llm_put_comma(fit->out);
        if (!is_list) {
            name = apr_pstrcat(fit->pool, ".",
                               llm_text_string(one->name, fit->pool), NULL);
            llm_buf_put_text(fit->out, one->name);
            llm_buf_putc(fit->out, ':');
        }
        put_schema(fit, one, apr_pstrcat(fit->pool, path, name, NULL));
    }
    llm_buf_putc(fit->out, is_list ? ']' : '}');
}

static int holds_schemas(const llm_json_t *member)
{
    static const char *const words[] = {
        "$defs", "allOf", "anyOf", "definitions", "oneOf", "properties", NULL};

    return is_one_of(member->name, words)
           && (member->type == LLM_JSON_ARRAY
               || member->type == LLM_JSON_OBJECT);
}

static void put_member(fit_t *fit, const llm_json_t *member, const char *path)
{
    const char *name = llm_text_string(member->name, fit->pool);
    const char *inner = apr_pstrcat(fit->pool, path, ".", name, NULL);

    llm_put_comma(fit->out);
    if (!strcmp(name, "oneOf")) {
        fit->changed = 1;
        llm_buf_lit(fit->out, "\"anyOf\"");
    }
    else {
        llm_buf_put_text(fit->out, member->name);
    }
    llm_buf_putc(fit->out, ':');
    if (holds_schemas(member)) {
        put_schemas(fit, member, inner);
    }
    else if (!strcmp(name, "items") && member->type == LLM_JSON_OBJECT) {
        put_schema(fit, member, inner);
    }
    else {
        llm_json_put(fit->out, member);
    }
}

static int is_object(const llm_json_t *schema)
{
    const llm_json_t *type = llm_json_get(schema, "type");

    return llm_json_equals(type, "object") || llm_json_get(schema, "properties")
           || (llm_json_is(type, LLM_JSON_ARRAY)
               && has_item(type, LLM_TEXT_LITERAL("object")));
}

static void put_schema(fit_t *fit, const llm_json_t *schema, const char *path)
{
    int closes = fit->rules->closed && is_object(schema);
    const llm_json_t *member;

    if (schema->type != LLM_JSON_OBJECT) {
        llm_json_put(fit->out, schema);
        return;
    }
    llm_buf_putc(fit->out, '{');
    for (member = schema->child; member; member = member->next) {
        if (closes && llm_text_equals(member->name, "additionalProperties")) {
            if (!llm_json_is(member, LLM_JSON_FALSE)) {
                left_out(fit, path, member->name);
            }
        }
        else if (is_kept(fit, member, path)) {
            put_member(fit, member, path);
        }
    }
    if (closes) {
        if (!llm_json_get(schema, "additionalProperties")) {
            fit->changed = 1;
        }
        llm_put_raw_member(fit->out, "additionalProperties", "false");
    }
    llm_buf_putc(fit->out, '}');
}

/* ---- references ---- */

typedef struct refs_t {
    const llm_json_t *root;
    const llm_json_t *open[REFS_MAX]; /* that hold what is looked at */
    int count;
    int uses;   /* of definitions, so far */
    int closed; /* objects have to be */
    const char *wrong;
} refs_t;

/* "#/$defs/name" */
static const llm_json_t *target_of(const refs_t *refs, llm_text_t ref)
{
    static const char *const places[] = {"$defs", "definitions", NULL};
    const char *const *place;
    const llm_json_t *one;

    for (place = places; *place; ++place) {
        apr_size_t len = strlen(*place);

        if (ref.len <= len + 3 || memcmp(ref.data, "#/", 2)
            || memcmp(ref.data + 2, *place, len) || ref.data[len + 2] != '/') {
            continue;
        }
        one = llm_json_get(refs->root, *place);
        for (one = llm_json_is(one, LLM_JSON_OBJECT) ? one->child : NULL; one;
             one = one->next) {
            if (one->name.len == ref.len - len - 3
                && !memcmp(one->name.data, ref.data + len + 3, one->name.len)) {
                return one;
            }
        }
    }
    return NULL;
}

static void follow(refs_t *refs, const llm_json_t *node);

static void follow_ref(refs_t *refs, llm_text_t ref)
{
    const llm_json_t *target = target_of(refs, ref);
    int i;

    if (ref.len && *ref.data != '#') {
        refs->wrong = "a schema must not refer to another document here";
        return;
    }
    for (i = 0; i < refs->count && refs->open[i] != target; ++i) {
    }
    if (llm_text_equals(ref, "#") || (target && i < refs->count)
        || refs->count == REFS_MAX || ++refs->uses > USES_MAX) {
        refs->wrong = "this model cannot be held to a schema that holds itself";
    }
    else if (target) {
        refs->open[refs->count++] = target;
        follow(refs, target);
        --refs->count;
    }
}

/* An object of any members, which would be empty if it were closed. */
static int is_open(const llm_json_t *node)
{
    return llm_json_equals(llm_json_get(node, "type"), "object")
           && !llm_json_get(node, "properties")
           && !llm_json_is(llm_json_get(node, "additionalProperties"),
                           LLM_JSON_FALSE);
}

/* Everything in the schema but its definitions, which count where they are
 * referred to. */
static void follow(refs_t *refs, const llm_json_t *node)
{
    const llm_json_t *child;

    if (node->type != LLM_JSON_OBJECT && node->type != LLM_JSON_ARRAY) {
        return;
    }
    if (refs->closed && is_open(node)) {
        refs->wrong = "this model cannot be held to a schema with an object of "
                      "any members";
    }
    for (child = node->child; child && !refs->wrong; child = child->next) {
        if (node->type == LLM_JSON_OBJECT
            && llm_text_equals(child->name, "$ref")) {
            follow_ref(refs, llm_json_text(child));
        }
        else if (node != refs->root
                 || (!llm_text_equals(child->name, "$defs")
                     && !llm_text_equals(child->name, "definitions"))) {
            follow(refs, child);
        }
    }
}

llm_problem_t *llm_schema_fit(llm_bytes_t *pjson, const llm_json_t *schema,
                              const llm_schema_rules_t *rules,
                              const char *param, llm_request_t *req,
                              apr_pool_t *pool)
{
    fit_t fit = {llm_buf_make(0, pool), rules, req, 0, pool};
    refs_t refs = {.root = schema, .closed = rules->closed};

    *pjson = schema->raw;
    if (rules->flat) {
        follow(&refs, schema);
    }
    if (refs.wrong) {
        return llm_problem_field(pool, param, "%s", refs.wrong);
    }
    put_schema(&fit, schema, param);
    if (fit.changed) {
        pjson->data = fit.out->data;
        pjson->len = fit.out->len;
    }
    return NULL;
}

/* Keywords beside which an object need not tell its members. */
static int says_elsewhere(const llm_json_t *schema)
{
    static const char *const words[] = {"$ref",  "allOf", "anyOf",
                                        "oneOf", "not",   NULL};
    const char *const *word;

    for (word = words; *word; ++word) {
        if (llm_json_get(schema, *word)) {
            return 1;
        }
    }
    return 0;
}

void llm_put_tool_schema(llm_buf_t *out, const llm_json_t *schema)
{
    const llm_json_t *type = llm_json_want(schema, "type");
    int is_object = !type || llm_json_equals(type, "object");

    if (!schema || !schema->count) {
        llm_buf_lit(out, "{\"type\":\"object\",\"properties\":{}}");
        return;
    }
    if (llm_json_get(schema, "type")) {
        llm_buf_append(out, schema->raw.data, schema->raw.len - 1);
    }
    else { /* what stands behind the brace, blanks and all */
        llm_buf_lit(out, "{\"type\":\"object\",");
        llm_buf_append(out, schema->raw.data + 1, schema->raw.len - 2);
    }
    if (is_object && !llm_json_get(schema, "properties")
        && !says_elsewhere(schema)) {
        llm_buf_lit(out, ",\"properties\":{}");
    }
    llm_buf_putc(out, '}');
}

static const llm_json_t *member_of(const llm_json_t *object, llm_text_t name)
{
    const llm_json_t *member = object ? object->child : NULL;

    while (member && !llm_text_is_same(member->name, name)) {
        member = member->next;
    }
    return member;
}

void llm_schema_put_required(llm_buf_t *out, const llm_json_t *schema)
{
    const llm_json_t *required = llm_json_get(schema, "required"), *name;
    const llm_json_t *properties = llm_json_get(schema, "properties");

    if (!llm_json_is(required, LLM_JSON_ARRAY)) {
        return;
    }
    name = required->child;
    while (name && member_of(properties, llm_json_text(name))) {
        name = name->next;
    }
    if (!name) { /* as it was written */
        llm_put_member(out, "required", required);
        return;
    }
    llm_put_name(out, "required");
    llm_buf_putc(out, '[');
    for (name = required->child; name; name = name->next) {
        if (member_of(properties, llm_json_text(name))) {
            llm_put_comma(out);
            llm_json_put(out, name);
        }
    }
    llm_buf_putc(out, ']');
}
