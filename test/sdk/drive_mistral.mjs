// SPDX-License-Identifier: Apache-2.0
// Runs Mistral's JavaScript SDK through all scenarios.
import { Mistral } from '@mistralai/mistralai';
import { z } from 'zod';
import {
    both, endless, first, given, model, ping, pixel, run, target, tools, wrongKey,
} from './drive.mjs';

const client = (apiKey = given.key) => new Mistral({
    apiKey, serverURL: given.url, timeoutMs: 20000, retryConfig: { strategy: 'none' },
});
const user = (content) => [{ role: 'user', content }];
const argumentsOf = (given_) => (typeof given_ === 'string' ? JSON.parse(given_) : given_);

function textsOf(content, kind) {
    if (!Array.isArray(content)) { return kind === 'text' ? content ?? '' : ''; }
    const chunks = content.filter((c) => c.type === kind);
    return kind === 'text' ? chunks.map((c) => c.text).join('')
        : chunks.flatMap((c) => c.thinking.map((t) => t.text)).join('');
}

const callsOf = (calls) => (calls ?? []).map((c) =>
    [c.function.name, argumentsOf(c.function.arguments)]);

function told(got) {
    const { message, finishReason } = got.choices[0];
    return {
        text: textsOf(message.content, 'text'),
        thinking: textsOf(message.content, 'thinking'),
        finish: finishReason,
        calls: callsOf(message.toolCalls),
        ids: (message.toolCalls ?? []).map((c) => c.id),
        usage: [got.usage.promptTokens, got.usage.completionTokens],
    };
}

const question = (messages, { script = '', ...more } = {}) => ({
    model: model(script), messages, ...more,
});
const ask = (text = 'hello', more = {}) => client().chat.complete(question(
    Array.isArray(text) ? text : user(text), more));

async function gathered(text, more = {}) {
    const got = { text: '', thinking: '', calls: [], ids: [], finish: null, usage: null };
    let pieces = 0;
    for await (const { data } of await client().chat.stream(question(user(text), more))) {
        if (data.usage) { got.usage = [data.usage.promptTokens, data.usage.completionTokens]; }
        for (const choice of data.choices) {
            const piece = textsOf(choice.delta.content, 'text');
            pieces += Boolean(piece);
            got.text += piece;
            got.thinking += textsOf(choice.delta.content, 'thinking');
            got.finish = choice.finishReason ?? got.finish;
            got.calls.push(...callsOf(choice.delta.toolCalls));
            got.ids.push(...(choice.delta.toolCalls ?? []).map((c) => c.id));
        }
    }
    return { ...got, several: pieces > 2 };
}

async function again(more) {
    const { message } = (await client().chat.complete({ messages: user(both), ...more }))
        .choices[0];
    const results = message.toolCalls.map((c) => ({
        role: 'tool', name: c.function.name, toolCallId: c.id,
        content: `result of ${c.function.name}`,
    }));
    return told(await client().chat.complete({
        messages: [...user(both), message, ...results], ...more }));
}

const scenarios = {
    chat: async () => told(await ask()),
    system_and_turns: async () => told(await ask([
        { role: 'system', content: 'Be brief.' }, ...user('one'),
        { role: 'assistant', content: 'two' }, ...user('three')], { randomSeed: 7 })),
    stream: () => gathered('hello'),
    tools: async () => told(await ask('use the tool', { tools })),
    parallel_tools: async () => told(await ask(both, { tools })),
    tools_stream: () => gathered(both, { tools }),
    ping: async () => ({
        calls: told(await ask(ping, { tools })).calls,
        streamed: (await gathered(ping, { tools })).calls,
    }),
    tool_round_trip: () => again({ model: model(), tools }),
    forced_tool: async () => told(await ask('hello', { tools, toolChoice: 'any' })),
    image: async () => told(await ask([{
        role: 'user',
        content: [{ type: 'text', text: 'what is this' },
            { type: 'image_url', imageUrl: pixel }],
    }])),
    schema: async () => ({
        parsed: (await client().chat.parse({
            model: model(), messages: user('give'),
            responseFormat: z.object({ answer: z.string() }),
        })).choices[0].message.parsed,
    }),
    stop: async () => told(await ask('a STOP b', { stop: ['STOP'] })),
    length: async () => told(await ask('a b c d e f', { maxTokens: 3 })),
    thinking: async () => {
        const more = { promptMode: 'reasoning' };
        const got = await client().chat.complete({
            model: target.thinker, messages: user('hello'), ...more });
        return told(got);
    },
    thinking_back: () => again({ model: target.thinker, tools, promptMode: 'reasoning' }),
    abort: async () => ({
        count: (await first(await client().chat.stream({
            model: endless(), messages: user('hello') }))).length,
    }),
    embeddings: async () => ({
        sizes: (await client().embeddings.create({
            model: target.embedding, inputs: ['one', 'two'],
        })).data.map((d) => d.embedding.length),
    }),
    models: async () => ({ ids: (await client().models.list()).data.map((m) => m.id) }),
    wrong_key: () => client(wrongKey).chat.complete(question(user('hello'))),
    unknown_model: () => client().chat.complete({
        model: 'nobody/none', messages: user('hello') }),
    bad_request: () => ask('hello', { script: ';status=400' }),
    rate_limited: () => ask('hello', { script: ';status=429;retry_after=2' }),
    server_error: () => ask('hello', { script: ';status=500' }),
    error_in_stream: () => gathered('hello', { script: ';events=6;error_after=4' }),
};

await run(scenarios, (error) => ({
    status: error.statusCode ?? null,
    retry_after: error.headers?.get?.('retry-after') ?? null,
}));
