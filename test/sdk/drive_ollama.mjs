// SPDX-License-Identifier: Apache-2.0
// Runs Ollama's JavaScript SDK through all scenarios.
import { Ollama } from 'ollama';
import {
    answer, both, endless, given, model, ping, png, run, target, tools, wrongKey,
} from './drive.mjs';

const client = (key = given.key) => new Ollama({
    host: given.url, headers: { Authorization: `Bearer ${key}` },
});
const user = (content, more = {}) => [{ role: 'user', content, ...more }];

const told = (got) => ({
    text: got.message.content,
    thinking: got.message.thinking ?? '',
    finish: got.done_reason,
    calls: (got.message.tool_calls ?? []).map((c) => [c.function.name, c.function.arguments]),
    usage: [got.prompt_eval_count, got.eval_count],
});
const ask = (messages, { script = '', ...more } = {}) => client().chat({
    model: model(script), messages, ...more });

async function gathered(messages, more = {}) {
    let all = null;
    let pieces = 0;
    for await (const chunk of await ask(messages, { stream: true, ...more })) {
        const one = told(chunk);
        pieces += Boolean(one.text);
        all = { ...one, text: (all?.text ?? '') + one.text,
            calls: [...(all?.calls ?? []), ...one.calls] };
    }
    return { ...all, several: pieces > 2 };
}

async function again(more) {
    const { message } = await client().chat({ messages: user(both), ...more });
    const results = message.tool_calls.map((c) => ({
        role: 'tool', tool_name: c.function.name, content: `result of ${c.function.name}`,
    }));
    return told(await client().chat({ messages: [...user(both), message, ...results], ...more }));
}

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
    schema: async () => ({
        parsed: JSON.parse((await ask(user('give'), { format: answer })).message.content),
    }),
    image: async () => told(await ask(user('what is this', { images: [png] }))),
    stop: async () => told(await ask(user('a STOP b'), { options: { stop: ['STOP'] } })),
    length: async () => told(await ask(user('a b c d e f'), { options: { num_predict: 3 } })),
    thinking: async () => told(await client().chat({
        model: target.thinker, messages: user('hello'), think: true })),
    thinking_back: () => again({ model: target.thinker, tools, think: true }),
    abort: async () => {
        const stream = await client().chat({
            model: endless(), messages: user('hello'), stream: true });
        let count = 0;
        for await (const chunk of stream) {
            count += Boolean(chunk);
            if (count === 3) { stream.abort(); break; }
        }
        return { count };
    },
    embeddings: async () => ({
        sizes: (await client().embed({ model: target.embedding, input: ['one', 'two'] }))
            .embeddings.map((v) => v.length),
    }),
    models: async () => ({ ids: (await client().list()).models.map((m) => m.name) }),
    wrong_key: () => client(wrongKey).chat({ model: model(), messages: user('hello') }),
    unknown_model: () => client().chat({ model: 'nobody/none', messages: user('hello') }),
    bad_request: () => ask(user('hello'), { script: ';status=400' }),
    rate_limited: () => ask(user('hello'), { script: ';status=429;retry_after=2' }),
    server_error: () => ask(user('hello'), { script: ';status=500' }),
    error_in_stream: () => gathered(user('hello'), { script: ';events=6;error_after=5' }),
};

await run(scenarios, (error) => ({ status: error.status_code ?? null }));
