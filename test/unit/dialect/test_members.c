/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is lost unseen: every member of every client's API (members.def), to
 * every provider of another dialect, is one of
 *
 *   mapped    the provider's request is another one without it, and with another
 *             value,
 *   told      x-llm-dropped names it, by the client's word or by ours, or
 *   refused   a 400 names it;
 *
 * and it is so whatever LLMUnsupported says. What is expected of which pair is
 * not written down: the vectors show that.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "dialect/limits.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

/* ---- requests with places in them ---- */

/* "@name@" is where members of that place go. */
static const struct base_t {
    const char *client, *dialect, *text;
    const char *embed; /* the same for embeddings, whose place is "embed" */
} bases[] = {
    {"openai", "openai",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
     "\"text\",\"text\":\"Hi\"@part@}]@message@},{\"role\":\"assistant\","
     "\"content\":\"Ho\"@assistant@},{\"role\":\"user\",\"content\":\"Go\"}]"
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"@function@"
     "}@tool@},{\"type\":\"function\",\"function\":{\"name\":\"f2\"}}]@top@}",
     "{\"model\":\"m\",\"input\":\"x\"@embed@}"},
    {"responses", "openai-responses",
     "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
     "\"input_text\",\"text\":\"Hi\"@part@}]@message@},{\"type\":\"message\","
     "\"role\":\"assistant\",\"id\":\"msg_1\",\"status\":\"completed\","
     "\"content\":[{\"type\":\"output_text\",\"text\":\"Ho\"@assistant@}]},{"
     "\"role\":\"user\",\"content\":\"Go\"}],\"tools\":[{\"type\":\"function\","
     "\"name\":\"f\",\"parameters\":{\"type\":\"object\"}@tool@},{\"type\":"
     "\"function\",\"name\":\"f2\"}]@top@}",
     NULL},
    {"anthropic", "anthropic",
     "{\"model\":\"m\",\"max_tokens\":9999,\"messages\":[{\"role\":\"user\","
     "\"content\":[{\"type\":\"text\",\"text\":\"Hi\"@part@}]@message@},{"
     "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Ho\""
     "@assistant@}@call@]},{\"role\":\"user\",\"content\":[@docs@@results@{"
     "\"type\":\"text\",\"text\":\"Go\"}]}],\"tools\":[{\"name\":\"f\","
     "\"input_schema\":{\"type\":\"object\"}@tool@},{\"name\":\"f2\","
     "\"input_schema\":{\"type\":\"object\"}}]@top@}",
     NULL},
    {"gemini", "gemini",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"@part@}]}],"
     "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"@function@}]}],"
     "\"generationConfig\":{\"topP\":0.5@config@}@top@}",
     "{\"content\":{\"parts\":[{\"text\":\"x\"}]}@embed@}"},
    {"cohere", "cohere",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\""
     "@message@},{\"role\":\"assistant\",\"content\":\"Ho\"@assistant@},{"
     "\"role\":\"user\",\"content\":\"Go\"}],\"tools\":[{\"type\":\"function\","
     "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}"
     "@function@}}]@top@}",
     "{\"model\":\"m\",\"texts\":[\"x\"],\"input_type\":\"clustering\""
     "@embed@}"},
    {"ollama", "ollama",
     "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\","
     "\"content\":\"Hi\"@message@},{\"role\":\"assistant\",\"content\":\"Ho\""
     "@assistant@},{\"role\":\"user\",\"content\":\"Go\"}],\"tools\":[{"
     "\"type\":\"function\",\"function\":{\"name\":\"f\"@function@}}],\"options\":{\"num_ctx\":512"
     "@options@}@top@}",
     "{\"model\":\"m\",\"input\":\"x\"@embed@}"},
    {"bedrock", "bedrock",
     "{\"messages\":[{\"role\":\"user\",\"content\":[@docs@{\"text\":\"Hi\""
     "@part@}]@message@},{\"role\":\"assistant\",\"content\":[{\"text\":"
     "\"Ho\"@assistant@}@call@]},{\"role\":\"user\",\"content\":[@results@{"
     "\"text\":\"Go\"}]}],\"system\":[{\"text\":\"S\"@system@}],"
     "\"inferenceConfig\":{\"maxTokens\":9999@config@},\"toolConfig\":{"
     "\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{"
     "\"type\":\"object\"}}@function@}@tool@},{\"toolSpec\":{\"name\":\"f2\","
     "\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}]@tools@}@top@}",
     NULL},
    {"mistral", "mistral",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
     "\"text\",\"text\":\"Hi\"@part@}]@message@},{\"role\":\"assistant\","
     "\"content\":\"Ho\"@assistant@},{\"role\":\"user\",\"content\":\"Go\"}]"
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"@function@"
     "}@tool@},{\"type\":\"function\",\"function\":{\"name\":\"f2\"}}]@top@}",
     "{\"model\":\"m\",\"input\":\"x\"@embed@}"},
    {"completions", "openai-completions",
     "{\"model\":\"m\",\"prompt\":\"Hi\"@top@}", NULL},
};

#define GRANTED "=" /* the gateway sees to it itself */
#define SCHEMA(members)                                                        \
    "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":"         \
    "\"object\",\"properties\":{}}," members "}}"

static const struct member_t {
    const char *client, *place, *name, *first, *second, *told;
} members[] = {
#define MEMBER(client, place, name, first, second, told)                       \
    {#client, #place, name, first, second, told},
#include "test/unit/dialect/members.def"
#undef MEMBER
};

static const struct target_t {
    const char *dialect, *url, *model;
} targets[] = {
    {"openai", NULL, "gpt-4o"},
    {"openai", NULL, "gpt-5"},
    {"openai", "http://127.0.0.1:1234", "llama"},
    {"openai-responses", NULL, "gpt-5"},
    {"anthropic", NULL, "claude-3-5-haiku"},
    {"anthropic", NULL, "claude-sonnet-4-5"},
    {"anthropic", NULL, "claude-opus-4-6"},
    {"bedrock", NULL, "us.anthropic.claude-sonnet-4-20250514-v1:0"},
    {"bedrock", NULL, "amazon.nova-pro-v1:0"},
    {"cohere", NULL, "command-a-03-2025"},
    {"cohere", NULL, "command-a-reasoning-08-2025"},
    {"gemini", NULL, "gemini-2.5-flash"},
    {"gemini", NULL, "gemini-1.5-pro"},
    {"gemini", NULL, "gemini-3-pro"},
    {"gemini",
     "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/"
     "publishers/google",
     "text-embedding-005"},
    {"huggingface-inference", NULL, "org/model"},
    {"ollama", NULL, "llama3.2"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- requests ---- */

static const struct base_t *base_of(const struct member_t *member)
{
    const struct base_t *base = bases;

    while (strcmp(base->client, member->client) != 0) {
        ++base;
    }
    return base;
}

static int is_embed(const struct member_t *member)
{
    return !strcmp(member->place, "embed");
}

static const char *bedrock_frame(const struct member_t *member,
                                 const char *mark, const char *inside)
{
    int is_result = !strcmp(member->place, "result");

    if (!strcmp(mark, "docs") && !strcmp(member->place, "document")) {
        return apr_psprintf(unit_pool,
                            "{\"document\":{\"format\":\"txt\",\"name\":"
                            "\"n\",\"source\":{\"text\":\"x\"}%s}},",
                            inside);
    }
    if (is_result && !strcmp(mark, "call")) {
        return ",{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"f\","
               "\"input\":{}}}";
    }
    if (is_result && !strcmp(mark, "results")) {
        return apr_psprintf(unit_pool,
                            "{\"toolResult\":{\"toolUseId\":\"t1\","
                            "\"content\":[{\"text\":\"r\"}]%s}},",
                            inside);
    }
    return !strcmp(mark, member->place) ? inside : "";
}

/* What the place itself needs to be there. */
static const char *frame_of(const struct member_t *member, const char *mark,
                            const char *inside)
{
    if (!strcmp(member->client, "bedrock")) {
        return bedrock_frame(member, mark, inside);
    }
    if (!strcmp(mark, "docs") && !strcmp(member->place, "document")) {
        return apr_psprintf(unit_pool,
                            "{\"type\":\"document\",\"source\":{\"type\":"
                            "\"text\",\"media_type\":\"text/plain\",\"data\":"
                            "\"x\"}%s},",
                            inside);
    }
    if (!strcmp(member->place, "result")) {
        return !strcmp(mark, "call")
                   ? ",{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\","
                     "\"input\":{}}"
               : !strcmp(mark, "results")
                   ? apr_psprintf(unit_pool,
                                  "{\"type\":\"tool_result\",\"tool_use_id\":"
                                  "\"t1\",\"content\":\"r\"%s},",
                                  inside)
                   : "";
    }
    return !strcmp(mark, member->place) ? inside : "";
}

/* The client's request with the member, or without it where value is NULL. */
static const char *body_of(const struct member_t *member, const char *value)
{
    const struct base_t *base = base_of(member);
    const char *at = is_embed(member) ? base->embed : base->text, *mark;
    const char *inside =
        value ? apr_psprintf(unit_pool, ",\"%s\":%s", member->name, value) : "";
    const char *body = "";

    while ((mark = strchr(at, '@')) != NULL) {
        const char *end = strchr(mark + 1, '@');
        const char *name =
            apr_pstrmemdup(unit_pool, mark + 1, (apr_size_t)(end - mark - 1));

        body =
            apr_pstrcat(unit_pool, body,
                        apr_pstrmemdup(unit_pool, at, (apr_size_t)(mark - at)),
                        frame_of(member, name, inside), NULL);
        at = end + 1;
    }
    return apr_pstrcat(unit_pool, body, at, NULL);
}

/* What became of a request. */
typedef struct outcome_t {
    const char *body;    /* or NULL: refused */
    const char *refused; /* or NULL */
    const char *dropped; /* names with "," behind each */
} outcome_t;

static int add_header(void *baton, const char *name, const char *value)
{
    llm_buf_printf(baton, "\n%s: %s", name, value);
    return 1;
}

static outcome_t ask_with(const struct member_t *member, const char *value,
                          const struct target_t *target,
                          llm_unsupported_e policy)
{
    const llm_dialect_t *client = exchange_dialect(base_of(member)->dialect);
    llm_provider_t *provider = exchange_provider(target->dialect, target->url);
    const char *text = body_of(member, value);
    llm_op_e op = is_embed(member) ? LLM_OP_EMBED : LLM_OP_CHAT;
    outcome_t outcome = {NULL, NULL, ""};
    llm_problem_t *problem;
    llm_request_t req;
    llm_ask_t *ask;
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    int i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 4);
    req.dropped = apr_array_make(unit_pool, 4, sizeof(const char *));
    req.unsupported = policy;
    problem = client->read_request(&ask, op, exchange_json(text, strlen(text)),
                                   unit_pool);
    if (!problem) {
        ask->model = ask->model ? ask->model : "m";
        problem = llm_problem_renamed(
            provider->dialect->write_request(&req, ask, target->model, provider,
                                             unit_pool),
            client->names, unit_pool);
    }
    if (problem) {
        outcome.refused = problem->message;
        return outcome;
    }
    for (i = 0; i < req.body_count; ++i) {
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    llm_buf_puts(out, req.path);
    apr_table_do(add_header, out, req.headers, NULL);
    outcome.body = apr_pstrmemdup(unit_pool, out->data, out->len);
    for (i = 0; i < req.dropped->nelts; ++i) {
        outcome.dropped = apr_pstrcat(
            unit_pool, outcome.dropped,
            llm_path_renamed(APR_ARRAY_IDX(req.dropped, i, const char *),
                             client->names, unit_pool),
            ",", NULL);
    }
    return outcome;
}

/* ---- names ---- */

/* Letters and digits of it: "top_k" and "topK" are one name. */
static const char *plain(const char *text)
{
    char *name = apr_pstrdup(unit_pool, text), *to = name;

    for (; *text; ++text) {
        if (*text != '_') {
            *to++ = (char)tolower((unsigned char)*text);
        }
    }
    *to = '\0';
    return name;
}

static int names_one(const char *text, const char *names)
{
    char *rest, *name = apr_pstrdup(unit_pool, names);

    for (name = apr_strtok(name, "|", &rest); name;
         name = apr_strtok(NULL, "|", &rest)) {
        if (strstr(plain(text), plain(name))) {
            return 1;
        }
    }
    return 0;
}

/* Where all tools are gone, so is what is said about them. */
static int is_about_tools(const struct member_t *member)
{
    return strstr(member->name, "tool") || strstr(member->name, "function")
           || !strcmp(member->place, "function")
           || !strcmp(member->place, "tool");
}

static int names_it(const char *text, const struct member_t *member)
{
    if (is_about_tools(member) && strstr(text, "tools,")) {
        return 1;
    }
    return names_one(text, member->name)
           || (member->told && names_one(text, member->told));
}

/* ---- the proof ---- */

static const char *lost(const struct member_t *member,
                        const struct target_t *target, llm_unsupported_e policy)
{
    outcome_t without = ask_with(member, NULL, target, policy);
    outcome_t with = ask_with(member, member->first, target, policy);
    outcome_t other = {NULL, NULL, ""};

    if (without.refused) { /* the place itself is none of this provider's */
        return NULL;
    }
    if (with.refused) {
        return names_it(with.refused, member)
                   ? NULL
                   : apr_pstrcat(unit_pool, "refused as ", with.refused, NULL);
    }
    if (names_it(with.dropped, member)) {
        return NULL;
    }
    if (member->told && !strcmp(member->told, GRANTED)) {
        return NULL;
    }
    if (!strcmp(with.body, without.body)) {
        return apr_pstrcat(unit_pool, "lost; told: ", with.dropped, NULL);
    }
    if (member->second) {
        other = ask_with(member, member->second, target, policy);
        if (other.body && !strcmp(with.body, other.body)
            && !names_it(other.dropped, member)) {
            return apr_pstrcat(unit_pool, "the same for ", member->second,
                               NULL);
        }
    }
    return NULL;
}

START_TEST(no_member_is_lost_unseen)
{
    const struct member_t *member = &members[_i];
    const llm_dialect_t *client = exchange_dialect(base_of(member)->dialect);
    const char *found = "";
    llm_unsupported_e policy;
    apr_size_t i;

    for (i = 0; i < COUNT(targets); ++i) {
        const llm_dialect_t *provider = exchange_dialect(targets[i].dialect);
        llm_op_e op = is_embed(member) ? LLM_OP_EMBED : LLM_OP_CHAT;

        if (llm_dialect_passes(client, provider, op)
            || !(provider->provider_ops & op)) {
            continue;
        }
        for (policy = LLM_UNSUPPORTED_REFUSE; policy <= LLM_UNSUPPORTED_DROP;
             ++policy) {
            const char *what = lost(member, &targets[i], policy);

            if (what) {
                found = apr_psprintf(unit_pool, "%s\n  %s to %s %s%s: %s",
                                     found, client->name, targets[i].dialect,
                                     targets[i].model, policy ? " (drop)" : "",
                                     what);
            }
        }
    }
    ck_assert_msg(!*found, "%s.%s %s:%s", member->place, member->name,
                  member->first, found);
}
END_TEST

Suite *members_suite(void)
{
    Suite *suite = suite_create("members");
    TCase *tcase = tcase_create("members");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(tcase, no_member_is_lost_unseen, 0,
                        (int)COUNT(members));
    suite_add_tcase(suite, tcase);
    return suite;
}
