/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole answer in Gemini's form: chat, token counts, embeddings; errors, and
 * the list of models.
 *
 * Counts are Gemini's own sums: the prompt includes what came from the cache,
 * candidates exclude thoughts, the total is all of them. Arguments are objects
 * and calls end with STOP. Thinking is shown to who asked for it; what another
 * provider signed stands beside it as a thoughtSignature, which clients send
 * back with their history.
 */
#include "dialect/gemini_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_strings.h>

/* ---- words ---- */

const char *llm_gemini_finish_name(llm_finish_e finish)
{
    switch (finish) {
    case LLM_FINISH_LENGTH:
    case LLM_FINISH_PAUSE: /* not done: the client may ask on */
        return "MAX_TOKENS";
    case LLM_FINISH_FILTERED:
        return "SAFETY";
    case LLM_FINISH_OTHER:
        return "OTHER";
    default:
        return "STOP";
    }
}

/* ---- usage ---- */

static void put_modality(llm_buf_t *out, const char *modality, apr_int64_t n)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "modality", modality);
    llm_put_int_member(out, "tokenCount", n);
    llm_buf_putc(out, '}');
}

/* By modality, where sound is a part of it. */
static void put_details(llm_buf_t *out, const char *name, apr_int64_t all,
                        apr_int64_t audio)
{
    if (audio) {
        llm_put_name(out, name);
        llm_buf_putc(out, '[');
        put_modality(out, "TEXT", all - audio);
        put_modality(out, "AUDIO", audio);
        llm_buf_putc(out, ']');
    }
}

void llm_gemini_put_usage(llm_buf_t *out, const llm_usage_t *usage,
                          const char *tier)
{
    const apr_int64_t *n = usage->n;
    apr_int64_t prompt = llm_usage_input(usage);
    apr_int64_t said = llm_usage_output(usage) - n[LLM_CLASS_REASONING];

    if (!usage->known) {
        return;
    }
    llm_put_name(out, "usageMetadata");
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "promptTokenCount", prompt);
    if (n[LLM_CLASS_CACHE_READ]) {
        llm_put_int_member(out, "cachedContentTokenCount",
                           n[LLM_CLASS_CACHE_READ]);
    }
    llm_put_int_member(out, "candidatesTokenCount", said);
    if (n[LLM_CLASS_REASONING]) {
        llm_put_int_member(out, "thoughtsTokenCount", n[LLM_CLASS_REASONING]);
    }
    llm_put_int_member(out, "totalTokenCount",
                       prompt + llm_usage_output(usage));
    put_details(out, "promptTokensDetails", prompt, n[LLM_CLASS_AUDIO_IN]);
    put_details(out, "candidatesTokensDetails", said, n[LLM_CLASS_AUDIO_OUT]);
    if (tier) {
        llm_put_string_member(out, "serviceTier", tier);
    }
    llm_buf_putc(out, '}');
}

/* ---- logprobs ---- */

static void put_token(llm_buf_t *out, const llm_json_t *token)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "token",
                        llm_json_text(llm_json_get(token, "token")));
    llm_put_member(out, "logProbability", llm_json_want(token, "logprob"));
    llm_buf_putc(out, '}');
}

void llm_gemini_put_logprobs(llm_buf_t *out, const llm_json_t *logprobs)
{
    const llm_json_t *list = llm_json_want(logprobs, "content");
    const llm_json_t *first, *token, *other;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return;
    }
    first = list->child;
    llm_put_name(out, "logprobsResult");
    llm_buf_lit(out, "{\"chosenCandidates\":[");
    for (token = first; token; token = token->next) {
        put_token(out, token);
    }
    llm_buf_lit(out, "],\"topCandidates\":[");
    for (token = first; token; token = token->next) {
        other = llm_json_want(token, "top_logprobs");
        llm_put_comma(out);
        llm_buf_lit(out, "{\"candidates\":[");
        for (other = llm_json_is(other, LLM_JSON_ARRAY) ? other->child : NULL;
             other; other = other->next) {
            put_token(out, other);
        }
        llm_buf_lit(out, "]}");
    }
    llm_buf_lit(out, "]}");
}

/* ---- parts ---- */

void llm_gemini_put_call(llm_buf_t *out, const llm_call_t *call)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"functionCall\":{");
    llm_put_string_member(out, "id", call->id);
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "args");
    llm_put_one_line(out, call->args);
    llm_buf_putc(out, '}');
    llm_put_string_member(out, "thoughtSignature", call->signature);
    llm_buf_putc(out, '}');
}

static void put_text(llm_buf_t *out, llm_text_t text)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "text", text);
    llm_buf_putc(out, '}');
}

static void put_thought(llm_buf_t *out, const llm_part_t *part,
                        apr_pool_t *pool)
{
    int hidden = part->kind == LLM_PART_REDACTED;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "text",
                        hidden ? LLM_TEXT_LITERAL("") : part->text);
    llm_put_raw_member(out, "thought", "true");
    if (hidden || part->signature.data) {
        llm_put_text_member(
            out, "thoughtSignature",
            llm_gemini_wrap(hidden ? 'r' : 's',
                            hidden ? part->text : part->signature, pool));
    }
    llm_buf_putc(out, '}');
}

void llm_gemini_put_shown(llm_buf_t *out, const llm_media_t *media)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"inlineData\":{");
    llm_put_string_member(out, "mimeType",
                          media->media_type ? media->media_type
                                            : "application/octet-stream");
    llm_put_needed_text(out, "data", media->base64);
    llm_buf_lit(out, "}}");
}

static void put_parts(llm_buf_t *out, const llm_ask_t *ask,
                      const llm_part_t *part, apr_pool_t *pool)
{
    for (; part; part = part->next) {
        switch (part->kind) {
        case LLM_PART_TEXT:
        case LLM_PART_REFUSAL:
            if (part->media && part->media->base64.data) {
                llm_gemini_put_shown(out, part->media);
                break;
            }
            put_text(out, part->text);
            break;
        case LLM_PART_THINKING:
        case LLM_PART_REDACTED:
            if (!ask->hide_thoughts) {
                put_thought(out, part, pool);
            }
            break;
        case LLM_PART_TOOL_CALL:
            llm_gemini_put_call(out, part->call);
            break;
        default: /* what another provider's own servers did */
            break;
        }
    }
}

static void put_citations(llm_buf_t *out, const llm_part_t *parts,
                          apr_pool_t *pool)
{
    llm_grounding_t grounding = {NULL, NULL, 0};
    const llm_part_t *part;
    const llm_cite_t *cite;
    llm_cite_t worded;

    for (part = parts; part; part = part->next) {
        for (cite = part->citations; cite; cite = cite->next) {
            worded = *cite;
            worded.said = llm_cite_words(cite, parts);
            llm_gemini_ground(&grounding, &worded,
                              llm_byte_of_char(parts, cite->start),
                              llm_byte_of_char(parts, cite->end), pool);
        }
    }
    llm_gemini_put_grounding(out, &grounding);
}

/* ---- answers ---- */

/* What a refusal ended with is one, whatever the provider calls it. */
static llm_finish_e finish_of(const llm_choice_t *choice)
{
    return choice->finish == LLM_FINISH_STOP
                   && llm_parts_have(choice->parts, LLM_PART_REFUSAL)
               ? LLM_FINISH_FILTERED
               : choice->finish;
}

static void put_candidate(llm_buf_t *out, const llm_ask_t *ask,
                          const llm_choice_t *choice, apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"content\":{\"parts\":[");
    put_parts(out, ask, choice->parts, pool);
    llm_buf_lit(out, "],\"role\":\"model\"}");
    llm_put_string_member(out, "finishReason",
                          llm_gemini_finish_name(finish_of(choice)));
    llm_put_int_member(out, "index", choice->index);
    put_citations(out, choice->parts, pool);
    llm_gemini_put_logprobs(out, choice->logprobs);
    llm_buf_putc(out, '}');
}

static void write_chat(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice;

    llm_buf_lit(out, "{\"candidates\":[");
    for (choice = answer->choices; choice; choice = choice->next) {
        put_candidate(out, ask, choice, pool);
    }
    llm_buf_putc(out, ']');
    llm_gemini_put_usage(out, answer->usage,
                         llm_tier_word(answer->service_tier, llm_tiers_gemini));
    llm_put_string_member(out, "modelVersion",
                          answer->model ? answer->model : ask->model);
    llm_put_string_member(out, "responseId",
                          llm_answer_seed(ask, answer, pool));
    llm_buf_putc(out, '}');
}

static void put_vector(llm_buf_t *out, const llm_json_t *vector)
{
    llm_buf_lit(out, "{\"values\":");
    if (vector) {
        llm_json_put(out, vector);
    }
    else {
        llm_buf_lit(out, "[]");
    }
    llm_buf_putc(out, '}');
}

/* One text was asked alone, or several in a batch. */
static void write_embeddings(llm_buf_t *out, const llm_ask_t *ask,
                             const llm_answer_t *answer)
{
    const llm_json_t *vector =
        answer->embeddings ? answer->embeddings->child : NULL;

    if (llm_json_is(ask->embed_input, LLM_JSON_STRING)) {
        llm_buf_lit(out, "{\"embedding\":");
        put_vector(out, vector);
        llm_buf_putc(out, '}');
        return;
    }
    llm_buf_lit(out, "{\"embeddings\":[");
    for (; vector; vector = vector->next) {
        llm_put_comma(out);
        put_vector(out, vector);
    }
    llm_buf_lit(out, "]}");
}

void llm_gemini_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool)
{
    if (ask->op == LLM_OP_EMBED) {
        write_embeddings(out, ask, answer);
    }
    else if (ask->op == LLM_OP_COUNT) {
        llm_buf_putc(out, '{');
        llm_put_int_member(out, "totalTokens", answer->tokens);
        llm_buf_putc(out, '}');
    }
    else {
        write_chat(out, ask, answer, pool);
    }
}

/* ---- models ---- */

static void put_model(llm_buf_t *out, const char *name, apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "name",
                          apr_pstrcat(pool, "models/", name, NULL));
    llm_put_string_member(out, "baseModelId", name);
    llm_put_string_member(out, "version", "1");
    llm_put_string_member(out, "displayName", name);
    llm_put_raw_member(out, "supportedGenerationMethods",
                       "[\"generateContent\",\"streamGenerateContent\","
                       "\"countTokens\",\"embedContent\","
                       "\"batchEmbedContents\"]");
    llm_buf_putc(out, '}');
}

void llm_gemini_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool)
{
    int i;

    (void)now;
    llm_buf_lit(out, "{\"models\":[");
    for (i = 0; i < names->nelts; ++i) {
        put_model(out, APR_ARRAY_IDX(names, i, const char *), pool);
    }
    llm_buf_lit(out, "]}");
}

void llm_gemini_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool)
{
    (void)now;
    put_model(out, name, pool);
}

/* ---- errors ---- */

/* google.rpc.Code of an HTTP status. */
static const char *code_for(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {400, "INVALID_ARGUMENT"},  {401, "UNAUTHENTICATED"},
        {403, "PERMISSION_DENIED"}, {404, "NOT_FOUND"},
        {409, "ABORTED"},           {429, "RESOURCE_EXHAUSTED"},
        {499, "CANCELLED"},         {503, "UNAVAILABLE"},
        {504, "DEADLINE_EXCEEDED"}, {529, "UNAVAILABLE"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); ++i) {
        if (codes[i].status == status) {
            return codes[i].code;
        }
    }
    return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

/* google.rpc's messages for what else is known. */
static void put_error_details(llm_buf_t *out, const llm_problem_t *problem)
{
    apr_size_t before = out->len, opened;

    llm_put_name(out, "details");
    llm_buf_putc(out, '[');
    opened = out->len;
    if (problem->param) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"@type\":\"type.googleapis.com/"
                         "google.rpc.BadRequest\",\"fieldViolations\":[{");
        llm_put_string_member(out, "field", problem->param);
        llm_put_string_member(out, "description", problem->message);
        llm_buf_lit(out, "}]}");
    }
    if (problem->code) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"@type\":\"type.googleapis.com/"
                         "google.rpc.ErrorInfo\"");
        llm_put_string_member(out, "reason", problem->code);
        llm_put_string_member(out, "domain", "llm-gateway");
        llm_buf_putc(out, '}');
    }
    if (problem->retry_after >= 0) {
        llm_put_comma(out);
        llm_buf_printf(out,
                       "{\"@type\":\"type.googleapis.com/"
                       "google.rpc.RetryInfo\",\"retryDelay\":\"%ds\"}",
                       problem->retry_after);
    }
    if (out->len == opened) {
        llm_buf_cut(out, before);
    }
    else {
        llm_buf_putc(out, ']');
    }
}

/* What a provider's dialect refuses is named in the gateway's own terms, which
 * are OpenAI's: the client's word for it. Places within messages are not those
 * of its contents, so that these are named as a whole. */
static const char *member_of(const char *param)
{
    static const char *const members[][2] = {
        {"dimensions", "outputDimensionality"},
        {"frequency_penalty", "generationConfig.frequencyPenalty"},
        {"input", "content"},
        {"logprobs", "generationConfig.responseLogprobs"},
        {"max_tokens", "generationConfig.maxOutputTokens"},
        {"modalities", "generationConfig.responseModalities"},
        {"n", "generationConfig.candidateCount"},
        {"presence_penalty", "generationConfig.presencePenalty"},
        {"reasoning_effort", "generationConfig.thinkingConfig"},
        {"response_format", "generationConfig.responseSchema"},
        {"seed", "generationConfig.seed"},
        {"stop", "generationConfig.stopSequences"},
        {"temperature", "generationConfig.temperature"},
        {"tool_choice", "toolConfig"},
        {"top_k", "generationConfig.topK"},
        {"top_logprobs", "generationConfig.logprobs"},
        {"top_p", "generationConfig.topP"},
    };
    apr_size_t i;

    for (i = 0; param && i < sizeof(members) / sizeof(*members); ++i) {
        if (!strcmp(param, members[i][0])) {
            return members[i][1];
        }
    }
    return param && !strncmp(param, "messages", 8) ? "contents" : param;
}

void llm_gemini_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id)
{
    const char *member = member_of(problem->param);
    apr_size_t len = member ? strlen(problem->param) : 0, at;
    llm_problem_t named = *problem;

    (void)request_id;
    named.param = member;
    llm_buf_lit(out, "{\"error\":{\"code\":");
    llm_buf_put_int(out, problem->status);
    llm_put_name(out, "message");
    if (member && member != problem->param
        && !strncmp(problem->message, problem->param, len)) {
        llm_buf_put_string(out, member);
        at = --out->len; /* the two strings become one */
        llm_buf_put_string(out, problem->message + len);
        memmove(out->data + at, out->data + at + 1, out->len - at - 1);
        --out->len;
    }
    else {
        llm_buf_put_string(out, problem->message);
    }
    llm_put_string_member(out, "status", code_for(problem->status));
    put_error_details(out, &named);
    llm_buf_lit(out, "}}");
}

void llm_gemini_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id)
{
    llm_buf_lit(out, "data: ");
    llm_gemini_write_problem(out, problem, request_id);
    llm_buf_lit(out, "\r\n\r\n");
}
