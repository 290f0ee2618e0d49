/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one event of a stream costs the gateway's own code, without sockets and
 * system calls: a scripted provider's bytes go through flow/, an event at a
 * time, and what the client would get is thrown away.
 *
 *   eventcost PROVIDER CLIENT EVENTS    by the names of their dialects
 *
 * prints nanoseconds of CPU an event, the best of five. Where both speak the
 * same the bytes pass and are metered; the difference to that is what
 * translating costs. For instructions run it under a counter (bench_events.py):
 * with LLMGW_ONCE set the stream is run one time only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "flow/flow.h"

#define RUNS 5
#define WORD " entropy"
#define CHAT                                                                   \
    "{\"model\":\"m\",\"stream\":true,\"max_tokens\":1000,\"messages\":"       \
    "[{\"role\":\"user\",\"content\":\"Hi\"}]}"

/* A stream of a provider's: what begins it, its text, what ends it. */
typedef struct script_t {
    const char *dialect;
    const char *type;
    const char *begin, *event, *end;
} script_t;

#define SSE    "text/event-stream"
#define NDJSON "application/x-ndjson"
#define CHUNK                                                                  \
    "data: {\"id\":\"chatcmpl-Bq1\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_07871e2ad8\",\"choices\":["
#define CHOICE(d)                                                              \
    "{\"index\":0,\"delta\":{" d "},\"logprobs\":null,\"finish_reason\":null}"
#define USAGE "\"input_tokens\":9,\"output_tokens\":900"

static const script_t scripts[] = {
    {"openai", SSE,
     CHUNK CHOICE(
         "\"role\":\"assistant\",\"content\":\"\"") "],\"usage\":null}\n\n",
     CHUNK CHOICE("\"content\":\"" WORD "\"") "],\"usage\":null}\n\n",
     CHUNK
     "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" CHUNK
     "],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":900,\"total_tokens\":909}}\n\n"
     "data: [DONE]\n\n"},
    {"anthropic", SSE,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{" USAGE
     "}}}\n\n"
     "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" WORD
     "\"}}\n\n",
     "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":900}}\n\n"
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
    {"gemini", SSE, "",
     "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"" WORD
     "\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 9,\"candidatesTokenCount\": 900,\"totalTokenCount\": 909},\"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"xyz\"}\r\n\r\n",
     "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \".\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 9,\"candidatesTokenCount\": 900,\"totalTokenCount\": 909},\"modelVersion\": \"gemini-2.5-flash\"}\r\n\r\n"},
    {"cohere", SSE,
     "event: message-start\ndata: {\"id\":\"29f1\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}\n\n"
     "event: content-start\ndata: {\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"\"}}}}\n\n",
     "event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"" WORD
     "\"}}}}\n\n",
     "event: content-end\ndata: {\"type\":\"content-end\",\"index\":0}\n\n"
     "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{" USAGE
     "},\"tokens\":{" USAGE "}}}}\n\n"},
    {"ollama", NDJSON, "",
     "{\"model\":\"llama3.2\",\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"message\":{\"role\":\"assistant\",\"content\":\"" WORD
     "\"},\"done\":false}\n",
     "{\"model\":\"llama3.2\",\"created_at\":\"2026-01-01T00:00:01.000000Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"stop\",\"done\":true,\"prompt_eval_count\":9,\"eval_count\":900}\n"},
    {"openai-responses", SSE,
     "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1760000000,\"status\":\"in_progress\",\"model\":\"gpt-5\",\"output\":[]}}\n\n"
     "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],\"role\":\"assistant\"}}\n\n"
     "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"\"}}\n\n",
     "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"" WORD
     "\",\"logprobs\":[],\"obfuscation\":\"abcdefgh\"}\n\n",
     "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1760000000,\"status\":\"completed\",\"model\":\"gpt-5\",\"output\":[],\"usage\":{" USAGE
     ",\"total_tokens\":909}}}\n\n"},
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

/* The question, and the path it comes by where that is read too. */
static const struct chat_t {
    const char *client, *path, *query, *body;
} chats[] = {
    {"gemini", "/v1beta/models/m:streamGenerateContent", "alt=sse",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]}"},
    {"cohere", "/v2/chat", NULL, CHAT},
    {"ollama", "/api/chat", NULL,
     "{\"model\":\"m\",\"messages\":"
     "[{\"role\":\"user\",\"content\":\"Hi\"}]}"},
    {"openai-responses", NULL, NULL,
     "{\"model\":\"m\",\"stream\":true,\"input\":\"Hi\"}"},
    {NULL, NULL, NULL, CHAT},
};

static const struct chat_t *chat_of(const char *client)
{
    const struct chat_t *chat = chats;

    while (chat->client && strcmp(chat->client, client) != 0) {
        ++chat;
    }
    return chat;
}

static const script_t *script_of(const char *dialect)
{
    for (apr_size_t i = 0; i < SCRIPTS; ++i) {
        if (!strcmp(scripts[i].dialect, dialect)) {
            return &scripts[i];
        }
    }
    return NULL;
}

static llm_policy_t *policy_make(const llm_dialect_t *dialect, apr_pool_t *pool)
{
    llm_policy_t *policy = apr_pcalloc(pool, sizeof(*policy));
    llm_provider_t *provider = apr_pcalloc(pool, sizeof(*provider));
    llm_target_t *target = apr_pcalloc(pool, sizeof(*target));
    llm_model_t *model = apr_pcalloc(pool, sizeof(*model));
    apr_array_header_t *models = apr_array_make(pool, 1, sizeof(llm_model_t *));

    provider->name = dialect->name;
    provider->dialect = dialect;
    provider->ask_usage = 1;
    provider->max_tokens_default = 4096;
    llm_provider_set_url(provider, "http://127.0.0.1:9000", pool);
    target->provider = provider;
    target->model = "some-model";
    target->priority = 1;
    target->weight = 100;
    model->name = "m";
    model->targets = apr_array_make(pool, 1, sizeof(llm_target_t *));
    APR_ARRAY_PUSH(model->targets, llm_target_t *) = target;
    APR_ARRAY_PUSH(models, llm_model_t *) = model;
    policy->models = models;
    policy->answer_limit = 1 << 26;
    return policy;
}

static llm_exchange_t *exchange_make(const llm_policy_t *policy,
                                     const llm_dialect_t *client,
                                     apr_pool_t *pool)
{
    llm_exchange_t *x = llm_exchange_make(policy, 500, pool);
    const struct chat_t *chat = chat_of(client->name);
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;

    x->request_id = "req_1";
    x->client = client;
    x->op = LLM_OP_CHAT;
    x->headers_in = apr_table_make(pool, 1);
    x->raw.data = chat->body;
    x->raw.len = strlen(chat->body);
    if (chat->path && client->read_line) {
        client->read_line(&line, &problem, chat->path, chat->query, pool);
    }
    x->line = line;
    return x;
}

static void feed(llm_attempt_t *attempt, const char *data)
{
    llm_attempt_feed(attempt, data, strlen(data), 2000);
    llm_buf_clear(attempt->x->out);
}

/* One stream from its first byte to its last; CPU seconds of its events. */
static double run(const script_t *script, const llm_dialect_t *client,
                  int events, apr_pool_t *pool)
{
    const llm_policy_t *policy =
        policy_make(llm_dialect_find(script->dialect), pool);
    llm_exchange_t *x = exchange_make(policy, client, pool);
    llm_attempt_t *attempt;
    clock_t began;

    if (llm_flow_begin(x) || !(attempt = llm_flow_next(x, 900))) {
        fprintf(stderr, "eventcost: %s\n",
                x->problem ? x->problem->message : "no attempt");
        exit(1);
    }
    llm_attempt_sent(attempt, 1000);
    feed(attempt, apr_psprintf(pool,
                               "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
                               "Connection: close\r\n\r\n%s",
                               script->type, script->begin));
    began = clock();
    for (int i = 0; i < events; ++i) {
        feed(attempt, script->event);
    }
    began = clock() - began;
    feed(attempt, script->end);
    llm_attempt_close(attempt, 3000);
    if (!x->complete || x->usage.n[LLM_CLASS_OUTPUT] != 900) {
        fprintf(stderr, "eventcost: the stream was not understood\n");
        exit(1);
    }
    return (double)began / CLOCKS_PER_SEC;
}

int main(int argc, char **argv)
{
    const script_t *script = argc == 4 ? script_of(argv[1]) : NULL;
    const llm_dialect_t *client = argc == 4 ? llm_dialect_find(argv[2]) : NULL;
    int events = argc == 4 ? (int)apr_atoi64(argv[3]) : 0;
    int runs = getenv("LLMGW_ONCE") ? 1 : RUNS;
    double best = 0;

    if (!script || !client || !client->writer_make || events < 1) {
        fprintf(stderr, "usage: eventcost PROVIDER CLIENT EVENTS\n");
        return 2;
    }
    apr_initialize();
    for (int i = 0; i < runs; ++i) {
        apr_pool_t *pool;
        double seconds;

        apr_pool_create(&pool, NULL);
        seconds = run(script, client, events, pool);
        best = i && best < seconds ? best : seconds;
        apr_pool_destroy(pool);
    }
    printf("%.0f\n", best * 1e9 / events);
    apr_terminate();
    return 0;
}
