/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading tags. x->tags is the text of the record: "name=value" or a lone
 * name, comma separated, no longer than the record has room for, so that
 * nothing of it is ever cut.
 */
#include "flow/tags.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define ROOM (sizeof(((llm_record_t *)0)->tags) - 1)

/* How many of the first bytes are letters, digits or one of `more`. */
static apr_size_t span(const char *text, apr_size_t len, const char *more)
{
    apr_size_t n = 0;

    while (n < len && text[n]
           && (apr_isalnum(text[n]) || strchr(more, text[n]))) {
        ++n;
    }
    return n;
}

/* "name" or "name=value", with no blanks around. */
static int is_tag(const char *text, apr_size_t len)
{
    apr_size_t name = span(text, len, "._-"), value;

    if (!name || name > LLM_TAG_NAME) {
        return 0;
    }
    if (name == len) {
        return 1;
    }
    value = len - name - 1;
    return text[name] == '=' && value && value <= LLM_TAG_VALUE
           && span(text + name + 1, value, "._-:/@+") == value;
}

static unsigned count_tags(const char *tags)
{
    unsigned count = *tags != '\0';

    for (; *tags; ++tags) {
        count += *tags == ',';
    }
    return count;
}

static int has_name(const char *tags, const char *name, apr_size_t len)
{
    while (*tags) {
        if (!strncmp(tags, name, len) && strchr("=,", tags[len])) {
            return 1; /* the string's end counts as well */
        }
        tags += strcspn(tags, ",");
        tags += *tags == ',';
    }
    return 0;
}

/* NULL when it was added, else why it cannot be. */
static const char *add_tag(llm_exchange_t *x, const char *text, apr_size_t len)
{
    apr_size_t had = strlen(x->tags);

    if (!is_tag(text, len)) {
        return "expected name=value or name, a name of up to 32 letters, "
               "digits, '.', '_', '-' and a value of up to 64 of these, ':', "
               "'/', '@', '+'";
    }
    if (has_name(x->tags, text,
                 strcspn(text, "=,") < len ? strcspn(text, "=,") : len)) {
        return "it is given twice";
    }
    if (count_tags(x->tags) == LLM_TAGS_MAX) {
        return "expected at most 10 tags";
    }
    if (had + (had != 0) + len > ROOM) {
        return "expected at most 199 bytes of tags";
    }
    x->tags = apr_psprintf(x->pool, "%s%s%.*s", x->tags, had ? "," : "",
                           (int)len, text);
    return NULL;
}

/* Blanks around it taken off. */
static llm_bytes_t trim(const char *text, apr_size_t len)
{
    while (len && apr_isspace(*text)) {
        ++text;
        --len;
    }
    while (len && apr_isspace(text[len - 1])) {
        --len;
    }
    return (llm_bytes_t){text, len};
}

llm_problem_t *llm_tags_from_header(llm_exchange_t *x)
{
    const char *at =
        x->headers_in ? apr_table_get(x->headers_in, LLM_TAGS_HEADER) : NULL;

    if (*x->tags) {
        return NULL; /* they were read */
    }
    while (at && *at) {
        apr_size_t len = strcspn(at, ",");
        llm_bytes_t tag = trim(at, len);
        const char *wrong = tag.len ? add_tag(x, tag.data, tag.len) : NULL;

        if (wrong) {
            x->tags = "";
            return llm_problem_field(x->pool, LLM_TAGS_HEADER, "'%.*s': %s",
                                     tag.len < 100 ? (int)tag.len : 100,
                                     tag.data, wrong);
        }
        at += len + (at[len] == ',');
    }
    return NULL;
}

void llm_tags_from_metadata(llm_exchange_t *x, const llm_json_t *metadata)
{
    const llm_json_t *member =
        llm_json_is(metadata, LLM_JSON_OBJECT) ? metadata->child : NULL;

    for (; member; member = member->next) {
        llm_bytes_t name, value;
        const char *tag;

        if (!llm_json_is(member, LLM_JSON_STRING)) {
            continue;
        }
        name = llm_text_decode(member->name, x->pool);
        value = llm_text_decode(llm_json_text(member), x->pool);
        if (name.len > LLM_TAG_NAME || value.len > LLM_TAG_VALUE
            || (name.len == 7 && !memcmp(name.data, "user_id", 7))) {
            continue; /* Anthropic's user_id is the user, not a tag */
        }
        tag = apr_psprintf(x->pool, "%.*s=%.*s", (int)name.len, name.data,
                           (int)value.len, value.data);
        /* what cannot be one is the provider's alone */
        (void)add_tag(x, tag, name.len + 1 + value.len);
    }
}
