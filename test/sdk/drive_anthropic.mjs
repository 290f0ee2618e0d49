// SPDX-License-Identifier: Apache-2.0
// Runs Anthropic's JavaScript SDK through all scenarios.
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import {
    both, endless, first, given, model, ofResponse, once, ping, png, run, schemas, target,
    wrongKey,
} from './drive.mjs';

const tools = Object.entries(schemas).map(([name, schema]) => ({
    name, description: name, input_schema: schema,
}));
const thinking = { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 1024 } };

function client(more = {}) {
    return new Anthropic({
        baseURL: given.url, apiKey: given.key, maxRetries: 0, timeout: 20000, ...more,
    });
}

const user = (content) => [{ role: 'user', content }];

function told(message) {
    const calls = message.content.filter((b) => b.type === 'tool_use');
    const text = message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
    return {
        text: text || null,
        finish: message.stop_reason,
        stop_sequence: message.stop_sequence,
        calls: calls.map((b) => [b.name, b.input]),
        ids: calls.map((b) => b.id),
        thinking: message.content.map((b) => b.thinking ?? '').join(''),
        model: message.model,
        id: message.id,
        usage: [message.usage.input_tokens, message.usage.output_tokens],
    };
}

function create(text = 'hello', { script = '', ...more } = {}) {
    return client().messages.create({
        model: model(script), max_tokens: 1000, messages: user(text), ...more,
    });
}


const scenarios = {
    chat: async () => told(await create()),
    system_and_turns: async () => told(await create('', {
        system: 'Be brief.',
        messages: [
            { role: 'user', content: 'one' }, { role: 'assistant', content: 'two' },
            { role: 'user', content: 'three' }],
    })),
    stream: async () => {
        const said = { text: '', finish: null, usage: [null, null] };
        let count = 0;
        for await (const event of await create('hello', { stream: true })) {
            count += 1;
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
                said.text += event.delta.text;
            }
            if (event.type === 'message_delta') {
                said.finish = event.delta.stop_reason;
                said.usage = [null, event.usage.output_tokens];
            }
        }
        return { ...said, several: count > 3 };
    },
    stream_helper: async () => {
        let deltas = '';
        const runner = client().messages.stream({
            model: model(), max_tokens: 1000, messages: user('hello'),
        }).on('text', (delta) => { deltas += delta; });
        return { ...told(await runner.finalMessage()), deltas };
    },
    tools: async () => told(await create('use the tool', { tools })),
    parallel_tools: async () => told(await create(both, { tools })),
    tools_stream_helper: async () => told(await client().messages.stream({
        model: model(), max_tokens: 1000, messages: user(both), tools,
    }).finalMessage()),
    tool_round_trip: async () => {
        const first = await create(both, { tools });
        const results = first.content.filter((b) => b.type === 'tool_use').map((b) => ({
            type: 'tool_result', tool_use_id: b.id, content: `result of ${b.name}`,
        }));
        return told(await create('', {
            messages: [...user(both), { role: 'assistant', content: first.content },
                { role: 'user', content: results }],
            tools,
        }));
    },
    forced_tool: async () => told(await create('hello', {
        tools, tool_choice: { type: 'tool', name: 'get_time' },
    })),
    image: async () => told(await create([
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
        { type: 'text', text: 'what is this' }])),
    stop: async () => told(await create('a STOP b', { stop_sequences: ['STOP'] })),
    length: async () => told(await create('a b c d e f', { max_tokens: 3 })),
    ping: async () => ({
        calls: told(await create(ping, { tools })).calls,
        streamed: told(await client().messages.stream({
            model: model(), max_tokens: 1000, tools, messages: user(ping),
        }).finalMessage()).calls,
    }),
    schema: async () => {
        const got = await client().messages.parse({
            model: target.thinker,
            max_tokens: 1000,
            messages: user('give'),
            output_config: { format: zodOutputFormat(z.object({ answer: z.string() })) },
        });
        return { parsed: got.parsed_output };
    },
    thinking: async () => {
        const question = { model: target.thinker, messages: user('hello'), ...thinking };
        const streamed = await client().messages.stream(question).finalMessage();
        return {
            ...told(await client().messages.create(question)),
            streamed: told(streamed).thinking,
        };
    },
    thinking_back: async () => {
        const { content } = await client().messages.create({
            model: target.thinker, messages: user(both), tools, ...thinking });
        const results = content.filter((b) => b.type === 'tool_use').map((b) => ({
            type: 'tool_result', tool_use_id: b.id, content: `result of ${b.name}`,
        }));
        return told(await client().messages.create({
            model: target.thinker,
            tools,
            messages: [...user(both), { role: 'assistant', content },
                { role: 'user', content: results }],
            ...thinking }));
    },
    abort: async () => ({
        count: (await first(await client().messages.create({
            model: endless(), max_tokens: 1000, messages: user('hello'), stream: true,
        }))).length,
    }),
    models: async () => {
        const ids = [];
        for await (const one of client().models.list()) { ids.push(one.id); }
        return { ids };
    },
    count_tokens: async () => ({
        count: (await client().messages.countTokens({
            model: model(), messages: user('hello') })).input_tokens,
    }),
    request_id: async () => {
        const { response } = await create().withResponse();
        const id = response.headers.get('x-request-id');
        return { header: id, id };
    },
    bearer: async () => told(await new Anthropic({
        baseURL: given.url, apiKey: null, authToken: given.key, maxRetries: 0,
    }).messages.create({ model: model(), max_tokens: 1000, messages: user('hello') })),
    retried: async () => told(await client({ maxRetries: 2 }).messages.create({
        model: once(';status=429;retry_after=0'), max_tokens: 1000, messages: user('hello'),
    })),
    wrong_key: async () => client({ apiKey: wrongKey }).messages.create({
        model: model(), max_tokens: 10, messages: user('hello'),
    }),
    unknown_model: async () => client().messages.create({
        model: 'nobody/none', max_tokens: 10, messages: user('hello'),
    }),
    bad_request: async () => create('hello', { script: ';status=400' }),
    rate_limited: async () => create('hello', { script: ';status=429;retry_after=2' }),
    server_error: async () => create('hello', { script: ';status=500' }),
    error_in_stream: async () => {
        const stream = await create('hello', {
            script: ';events=6;error_after=4', stream: true,
        });
        for await (const event of stream) { void event; }
        return {};
    },
};

await run(scenarios, ofResponse);
