// SPDX-License-Identifier: Apache-2.0
// Runs Cohere's JavaScript SDK, its second version's client, through all
// scenarios.
import { CohereClientV2 } from 'cohere-ai';
import {
    answer, both, endless, first, given, model, ping, pixel, run, target, tools, wrongKey,
} from './drive.mjs';

const client = (token = given.key) => new CohereClientV2({
    token, environment: given.url, baseUrl: given.url, maxRetries: 0,
});
const quick = { maxRetries: 0, timeoutInSeconds: 20 };
const user = (content) => [{ role: 'user', content }];
// Cohere writes no arguments as null, or as nothing.
const argumentsOf = (text) => JSON.parse(text || 'null') ?? {};

function told({ message, finishReason, usage }) {
    const parts = message.content ?? [];
    const calls = message.toolCalls ?? [];
    return {
        text: parts.map((p) => p.text ?? '').join(''),
        thinking: parts.map((p) => p.thinking ?? '').join(''),
        finish: finishReason,
        calls: calls.map((c) => [c.function.name, argumentsOf(c.function.arguments)]),
        ids: calls.map((c) => c.id),
        usage: [usage.billedUnits.inputTokens, usage.billedUnits.outputTokens],
    };
}

const ask = (messages, { script = '', ...more } = {}) => client().chat(
    { model: model(script), messages, ...more }, quick);

async function gathered(messages, { script = '', ...more } = {}) {
    const got = { text: '', calls: [], finish: null, usage: null };
    let pieces = 0;
    for await (const event of await client().chatStream(
        { model: model(script), messages, ...more }, quick)) {
        const said = event.delta?.message;
        if (event.type === 'content-delta') {
            pieces += 1;
            got.text += said.content.text ?? '';
        } else if (event.type === 'tool-call-start') {
            got.calls.push([said.toolCalls.function.name, '']);
        } else if (event.type === 'tool-call-delta') {
            got.calls.at(-1)[1] += said.toolCalls.function.arguments;
        } else if (event.type === 'message-end') {
            const counts = event.delta.usage?.billedUnits;
            got.finish = event.delta.finishReason;
            got.usage = counts ? [counts.inputTokens, counts.outputTokens] : null;
        }
    }
    const calls = got.calls.map(([name, text]) => [name, argumentsOf(text)]);
    return { ...got, calls, several: pieces > 2 };
}

async function again(more) {
    const { message } = await client().chat({ messages: user(both), ...more }, quick);
    const results = message.toolCalls.map((c) => ({
        role: 'tool', toolCallId: c.id, content: `result of ${c.function.name}`,
    }));
    return told(await client().chat(
        { messages: [...user(both), message, ...results], ...more }, quick));
}

const thinking = { type: 'enabled', tokenBudget: 1024 };
const scenarios = {
    chat: async () => told(await ask(user('hello'))),
    system_and_turns: async () => told(await ask([
        { role: 'system', content: 'Be brief.' }, ...user('one'),
        { role: 'assistant', content: 'two' }, ...user('three')])),
    stream: () => gathered(user('hello')),
    tools: async () => told(await ask(user('use the tool'), { tools })),
    parallel_tools: async () => told(await ask(user(both), { tools })),
    tools_stream: () => gathered(user(both), { tools }),
    ping: async () => ({
        calls: told(await ask(user(ping), { tools })).calls,
        streamed: (await gathered(user(ping), { tools })).calls,
    }),
    tool_round_trip: () => again({ model: model(), tools }),
    forced_tool: async () => told(await ask(user('hello'), { tools, toolChoice: 'REQUIRED' })),
    schema: async () => ({
        parsed: JSON.parse(told(await ask(user('give'), {
            responseFormat: { type: 'json_object', jsonSchema: answer },
        })).text),
    }),
    image: async () => told(await ask([{
        role: 'user',
        content: [{ type: 'text', text: 'what is this' },
            { type: 'image_url', imageUrl: { url: pixel } }],
    }])),
    stop: async () => told(await ask(user('a STOP b'), { stopSequences: ['STOP'] })),
    length: async () => told(await ask(user('a b c d e f'), { maxTokens: 3 })),
    thinking: async () => told(await client().chat({
        model: target.thinker, messages: user('hello'), thinking }, quick)),
    thinking_back: () => again({ model: target.thinker, tools, thinking }),
    abort: async () => {
        const control = new AbortController();
        const stream = await client().chatStream(
            { model: endless(), messages: user('hello') },
            { ...quick, abortSignal: control.signal });
        const count = (await first(stream)).length;
        control.abort();
        return { count };
    },
    embeddings: async () => ({
        sizes: (await client().embed({
            model: target.embedding, texts: ['one', 'two'], inputType: 'search_document',
            embeddingTypes: ['float'],
        }, quick)).embeddings.float.map((v) => v.length),
    }),
    models: async () => ({ ids: (await client().models.list()).models.map((m) => m.name) }),
    wrong_key: () => client(wrongKey).chat({ model: model(), messages: user('hello') }, quick),
    unknown_model: () => client().chat(
        { model: 'nobody/none', messages: user('hello') }, quick),
    bad_request: () => ask(user('hello'), { script: ';status=400' }),
    rate_limited: () => ask(user('hello'), { script: ';status=429;retry_after=2' }),
    server_error: () => ask(user('hello'), { script: ';status=500' }),
    error_in_stream: () => gathered(user('hello'), { script: ';events=6;error_after=5' }),
};

await run(scenarios, (error) => ({
    status: error.statusCode ?? null,
    message: `${error.message} ${JSON.stringify(error.body ?? '')}`,
    retry_after: error.rawResponse?.headers?.get?.('retry-after') ?? null,
}));
