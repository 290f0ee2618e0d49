/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's token counts and finish reasons.
 *
 * usageMetadata is in every chunk of a stream and cumulative, but not
 * monotone: in between counts go down, or are missing, and only the last
 * chunk is right. So each count found overwrites the one before, and a count
 * that is missing is taken for zero only where the answer has ended.
 *
 *   total = prompt + candidates + thoughts + toolUsePrompt
 *
 * The prompt includes what was read from the cache; candidates exclude
 * thoughts; the tools' prompt is what searches and code runs put in, and is
 * input. Audio is told per modality, inside the prompt and the candidates.
 */
#include "dialect/gemini_internal.h"

#include "core/llm_time.h"

#include <apr_strings.h>

#define COUNT_MAX APR_INT64_C(1000000000000) /* more is nonsense */

static int count_of(apr_int64_t *pn, const llm_json_t *object, const char *name)
{
    apr_int64_t n;

    if (!llm_json_int(llm_json_get(object, name), &n) || n < 0
        || n > COUNT_MAX) {
        return 0;
    }
    *pn = n;
    return 1;
}

/* Modalities are names, or numbers at Vertex. */
static int is_audio(const llm_json_t *modality)
{
    apr_int64_t number;

    return llm_json_equals(modality, "AUDIO")
           || (llm_json_int(modality, &number) && number == 4);
}

static apr_int64_t audio_in(const llm_json_t *usage, const char *details)
{
    const llm_json_t *list = llm_json_get(usage, details);
    const llm_json_t *row;
    apr_int64_t sum = 0, n;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return 0;
    }
    for (row = list->child; row; row = row->next) {
        if (is_audio(llm_json_get(row, "modality"))
            && count_of(&n, row, "tokenCount")) {
            sum += n;
        }
    }
    return sum > COUNT_MAX ? COUNT_MAX : sum;
}

static void take_prompt(llm_usage_t *usage, const llm_json_t *object)
{
    apr_int64_t prompt = 0, cached = 0, tools = 0, audio, cached_audio;

    if (!count_of(&prompt, object, "promptTokenCount")) {
        return;
    }
    count_of(&cached, object, "cachedContentTokenCount");
    count_of(&tools, object, "toolUsePromptTokenCount");
    cached_audio = audio_in(object, "cacheTokensDetails");
    audio =
        llm_usage_rest(audio_in(object, "promptTokensDetails"), cached_audio);
    if (cached > prompt) {
        cached = prompt;
    }
    if (audio > prompt - cached) {
        audio = prompt - cached;
    }
    llm_usage_set(usage, LLM_CLASS_INPUT, prompt - cached - audio + tools);
    if (cached || llm_usage_is_known(usage, LLM_CLASS_CACHE_READ)) {
        llm_usage_set(usage, LLM_CLASS_CACHE_READ, cached);
    }
    if (audio || llm_usage_is_known(usage, LLM_CLASS_AUDIO_IN)) {
        llm_usage_set(usage, LLM_CLASS_AUDIO_IN, audio);
    }
}

/* `ended`: what is not told is zero. */
static void take_output(llm_usage_t *usage, const llm_json_t *object, int ended)
{
    apr_int64_t said = 0, thoughts = 0, audio, prompt = 0, tools = 0, total;
    int has_said = count_of(&said, object, "candidatesTokenCount")
                   || count_of(&said, object, "responseTokenCount");
    int has_thoughts = count_of(&thoughts, object, "thoughtsTokenCount");
    int has_prompt = count_of(&prompt, object, "promptTokenCount");

    if (!has_said && !(ended && has_prompt)) {
        if (has_thoughts) {
            llm_usage_set(usage, LLM_CLASS_REASONING, thoughts);
        }
        return;
    }
    count_of(&tools, object, "toolUsePromptTokenCount");
    if (!has_thoughts && count_of(&total, object, "totalTokenCount")) {
        thoughts = llm_usage_rest(total, prompt + said + tools);
    }
    audio = audio_in(object, "candidatesTokensDetails");
    if (audio > said) {
        audio = said;
    }
    llm_usage_set(usage, LLM_CLASS_OUTPUT, said - audio);
    if (audio || llm_usage_is_known(usage, LLM_CLASS_AUDIO_OUT)) {
        llm_usage_set(usage, LLM_CLASS_AUDIO_OUT, audio);
    }
    if (thoughts || (ended && llm_usage_is_known(usage, LLM_CLASS_REASONING))) {
        llm_usage_set(usage, LLM_CLASS_REASONING, thoughts);
    }
}

/* Some candidate has finished, or the prompt was blocked. */
static int has_ended(const llm_json_t *doc)
{
    const llm_json_t *candidate = llm_json_get(doc, "candidates");

    if (llm_gemini_is_blocked(doc)) {
        return 1;
    }
    if (!llm_json_is(candidate, LLM_JSON_ARRAY)) {
        return 0;
    }
    for (candidate = candidate->child; candidate; candidate = candidate->next) {
        if (llm_json_want(candidate, "finishReason")) {
            return 1;
        }
    }
    return 0;
}

/* The tokens of one text, beside its vector: as predict tells them, or
 * batchEmbedContents. */
static int tokens_of(apr_int64_t *pn, const llm_json_t *row)
{
    const llm_json_t *inside =
        llm_json_path(row, "embeddings", "statistics", NULL);

    inside = inside ? inside : llm_json_want(row, "statistics");
    return count_of(pn, inside, "token_count")
           || count_of(pn, inside, "tokenCount");
}

static int take_vectors(llm_usage_t *usage, const llm_json_t *list)
{
    const llm_json_t *row;
    apr_int64_t sum = 0, n;
    int found = 0;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return 0;
    }
    for (row = list->child; row && sum <= COUNT_MAX; row = row->next) {
        if (tokens_of(&n, row)) {
            sum += n;
            found = 1;
        }
    }
    if (found) {
        llm_usage_set(usage, LLM_CLASS_INPUT, sum);
    }
    return found;
}

int llm_gemini_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *object = llm_json_want(doc, "usageMetadata");
    unsigned before = usage->known;
    const llm_json_t *chunk;
    apr_int64_t n;
    int found = 0;

    if (llm_json_is(doc, LLM_JSON_ARRAY)) { /* a stream as one document */
        for (chunk = doc->child; chunk; chunk = chunk->next) {
            if (chunk->type == LLM_JSON_OBJECT) {
                found |= llm_gemini_read_usage(usage, chunk);
            }
        }
        return found;
    }
    if (!object) {
        return take_vectors(usage, llm_json_get(doc, "predictions"))
               || take_vectors(usage, llm_json_get(doc, "embeddings"));
    }
    take_prompt(usage, object);
    take_output(usage, object, has_ended(doc));
    return usage->known != before || count_of(&n, object, "promptTokenCount")
           || count_of(&n, object, "candidatesTokenCount");
}

/* ---- finish reasons ---- */

static const llm_word_t reasons[] = {
    {"STOP", LLM_FINISH_STOP},
    {"MAX_TOKENS", LLM_FINISH_LENGTH},
    {"SAFETY", LLM_FINISH_FILTERED},
    {"RECITATION", LLM_FINISH_FILTERED},
    {"LANGUAGE", LLM_FINISH_FILTERED},
    {"BLOCKLIST", LLM_FINISH_FILTERED},
    {"PROHIBITED_CONTENT", LLM_FINISH_FILTERED},
    {"SPII", LLM_FINISH_FILTERED},
    {"MODEL_ARMOR", LLM_FINISH_FILTERED},
    {"IMAGE_SAFETY", LLM_FINISH_FILTERED},
    {"IMAGE_PROHIBITED_CONTENT", LLM_FINISH_FILTERED},
    {"IMAGE_RECITATION", LLM_FINISH_FILTERED},
    {"FINISH_REASON_UNSPECIFIED", LLM_FINISH_NONE},
    {NULL, 0},
};

/* Vertex's numbers; 5 is OTHER, 9 a call that could not be read. */
static const llm_finish_e numbers[] = {
    LLM_FINISH_NONE,     LLM_FINISH_STOP,     LLM_FINISH_LENGTH,
    LLM_FINISH_FILTERED, LLM_FINISH_FILTERED, LLM_FINISH_OTHER,
    LLM_FINISH_FILTERED, LLM_FINISH_FILTERED, LLM_FINISH_FILTERED,
    LLM_FINISH_OTHER,    LLM_FINISH_FILTERED, LLM_FINISH_FILTERED,
};

llm_finish_e llm_gemini_finish(const llm_json_t *reason, int calls)
{
    llm_finish_e finish = LLM_FINISH_OTHER;
    apr_int64_t number;

    if (!reason || reason->type == LLM_JSON_NULL) {
        return LLM_FINISH_NONE;
    }
    if (llm_json_int(reason, &number)) {
        if (number >= 0
            && number < (apr_int64_t)(sizeof(numbers) / sizeof(*numbers))) {
            finish = numbers[number];
        }
    }
    else {
        finish = (llm_finish_e)llm_word_value(reasons, llm_json_text(reason),
                                              LLM_FINISH_OTHER);
    }
    /* Calls end with STOP; a call of a tool that was not offered with a word
     * of trouble. The client has to answer both. */
    return calls && (finish == LLM_FINISH_STOP || finish == LLM_FINISH_OTHER)
               ? LLM_FINISH_TOOL_CALLS
               : finish;
}

int llm_gemini_is_blocked(const llm_json_t *doc)
{
    const llm_json_t *feedback = llm_json_want(doc, "promptFeedback");

    return llm_json_want(feedback, "blockReason") != NULL;
}

apr_int64_t llm_gemini_created(const llm_json_t *doc, apr_pool_t *pool)
{
    const char *text = llm_json_string(llm_json_get(doc, "createTime"), pool);
    apr_time_t when;

    if (!text || llm_time_read(&when, text, 0)) {
        return 0;
    }
    return apr_time_sec(when);
}
