// SPDX-License-Identifier: Apache-2.0
// Runs OpenAI's JavaScript SDK through all scenarios; in the row "azure" as a
// client of Azure OpenAI's, which names models, there deployments, in the path.
import OpenAI, { AzureOpenAI } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
    both, endless, first, given, model, ofResponse, once, ping, pixel, run, target, tools,
    wrongKey,
} from './drive.mjs';


function client(more = {}) {
    const options = { apiKey: given.key, maxRetries: 0, timeout: 20000, ...more };
    return given.row === 'azure'
        ? new AzureOpenAI({ endpoint: given.url, apiVersion: '2024-10-21', ...options })
        : new OpenAI({ baseURL: `${given.url}/v1`, ...options });
}

const user = (content) => [{ role: 'user', content }];

function told(completion) {
    const { message, finish_reason: finish } = completion.choices[0];
    const calls = message.tool_calls ?? [];
    const u = completion.usage;
    return {
        text: message.content,
        finish,
        calls: calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]),
        ids: calls.map((c) => c.id),
        model: completion.model,
        id: completion.id,
        usage: u ? [u.prompt_tokens, u.completion_tokens, u.total_tokens] : null,
    };
}

function create(text = 'hello', { script = '', ...more } = {}) {
    return client().chat.completions.create({
        model: model(script), messages: user(text), ...more,
    });
}


const scenarios = {
    chat: async () => told(await create()),
    system_and_turns: async () => told(await create('', {
        messages: [
            { role: 'system', content: 'Be brief.' }, { role: 'user', content: 'one' },
            { role: 'assistant', content: 'two' }, { role: 'user', content: 'three' }],
    })),
    stream: async () => {
        const said = { text: '', finish: null, usage: null };
        let count = 0;
        for await (const chunk of await create('hello', { stream: true })) {
            count += 1;
            for (const choice of chunk.choices) {
                said.text += choice.delta.content ?? '';
                said.finish = choice.finish_reason ?? said.finish;
            }
            said.usage = chunk.usage ?? said.usage;
        }
        return { ...said, several: count > 3 };
    },
    stream_helper: async () => {
        let deltas = '';
        const runner = client().chat.completions.stream({
            model: model(), messages: user('hello'),
            stream_options: { include_usage: true },
        }).on('content', (delta) => { deltas += delta; });
        return { ...told(await runner.finalChatCompletion()), deltas };
    },
    tools: async () => told(await create('use the tool', { tools })),
    parallel_tools: async () => told(await create(both, { tools })),
    tools_stream_helper: async () => told(await client().chat.completions.stream({
        model: model(), messages: user(both), tools,
    }).finalChatCompletion()),
    tool_round_trip: async () => {
        const { message } = (await create(both, { tools })).choices[0];
        const results = message.tool_calls.map((c) => ({
            role: 'tool', tool_call_id: c.id, content: `result of ${c.function.name}`,
        }));
        return told(await create('', { messages: [...user(both), message, ...results], tools }));
    },
    forced_tool: async () => told(await create('hello', {
        tools, tool_choice: { type: 'function', function: { name: 'get_time' } },
    })),
    image: async () => told(await create([
        { type: 'text', text: 'what is this' },
        { type: 'image_url', image_url: { url: pixel } }])),
    stop: async () => told(await create('a STOP b', { stop: ['STOP'] })),
    length: async () => told(await create('a b c d e f', { max_tokens: 3 })),
    ping: async () => ({
        calls: told(await create(ping, { tools })).calls,
        streamed: told(await client().chat.completions.stream({
            model: model(), messages: user(ping), tools,
        }).finalChatCompletion()).calls,
    }),
    schema: async () => {
        const got = await client().chat.completions.parse({
            model: model(),
            messages: user('give'),
            response_format: zodResponseFormat(z.object({ answer: z.string() }), 'answer'),
        });
        return { parsed: got.choices[0].message.parsed };
    },
    thinking: async () => {
        const got = await client().chat.completions.create({
            model: target.thinker, messages: user('hello'), reasoning_effort: 'low',
        });
        return { ...told(got), thinking: got.choices[0].message.reasoning_content ?? '' };
    },
    thinking_back: async () => {
        const more = { model: target.thinker, tools, reasoning_effort: 'low' };
        const said = (await client().chat.completions.create({
            messages: user(both), ...more })).choices[0].message;
        const results = said.tool_calls.map((c) => ({
            role: 'tool', tool_call_id: c.id, content: `result of ${c.function.name}`,
        }));
        return told(await client().chat.completions.create({
            messages: [...user(both), said, ...results], ...more }));
    },
    abort: async () => ({
        count: (await first(await client().chat.completions.create({
            model: endless(), messages: user('hello'), stream: true }))).length,
    }),
    embeddings: async () => {
        const got = await client().embeddings.create({
            model: target.embedding, input: ['one', 'two'],
        });
        return {
            sizes: got.data.map((d) => d.embedding.length),
            numbers: got.data[0].embedding.every((v) => typeof v === 'number'),
        };
    },
    models: async () => {
        const ids = [];
        for await (const model of client().models.list()) { ids.push(model.id); }
        return { ids };
    },
    request_id: async () => {
        const { data, response } = await create().withResponse();
        return { header: response.headers.get('x-request-id'), id: data._request_id };
    },
    retried: async () => told(await client({ maxRetries: 2 }).chat.completions.create({
        model: once(';status=429;retry_after=0'), messages: user('hello'),
    })),
    wrong_key: async () => client({ apiKey: wrongKey }).chat.completions.create({
        model: model(), messages: user('hello'),
    }),
    unknown_model: async () => client().chat.completions.create({
        model: 'nobody/none', messages: user('hello'),
    }),
    bad_request: async () => create('hello', { script: ';status=400' }),
    rate_limited: async () => create('hello', { script: ';status=429;retry_after=2' }),
    server_error: async () => create('hello', { script: ';status=500' }),
    error_in_stream: async () => {
        const stream = await create('hello', {
            script: ';events=6;error_after=4', stream: true,
        });
        for await (const chunk of stream) { void chunk; }
        return {};
    },
};

await run(scenarios, ofResponse);
