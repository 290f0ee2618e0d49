// SPDX-License-Identifier: Apache-2.0
// Runs Anthropic's JavaScript SDK through all scenarios; see drive_openai.py.
import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';

const given = JSON.parse(readFileSync(0, 'utf8'));
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4'
    + 'z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const tools = ['get_weather', 'get_time'].map((name) => ({
    name,
    description: name,
    input_schema: {
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
    },
}));

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
        thinking: message.content.filter((b) => b.type.includes('thinking')).map((b) => b.type),
        model: message.model,
        id: message.id,
        usage: [message.usage.input_tokens, message.usage.output_tokens],
    };
}

function create(text = 'hello', { script = '', ...more } = {}) {
    return client().messages.create({
        model: given.model + script, max_tokens: 1000, messages: user(text), ...more,
    });
}

const both = 'use the tool get_weather and get_time';

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
            model: given.model, max_tokens: 1000, messages: user('hello'),
        }).on('text', (delta) => { deltas += delta; });
        return { ...told(await runner.finalMessage()), deltas };
    },
    tools: async () => told(await create('use the tool', { tools })),
    parallel_tools: async () => told(await create(both, { tools })),
    tools_stream_helper: async () => told(await client().messages.stream({
        model: given.model, max_tokens: 1000, messages: user(both), tools,
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
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
        { type: 'text', text: 'what is this' }])),
    stop: async () => told(await create('a STOP b', { stop_sequences: ['STOP'] })),
    length: async () => told(await create('a b c d e f', { max_tokens: 3 })),
    thinking: async () => told(await create('hello', {
        max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 1024 },
    })),
    request_id: async () => {
        const { response } = await create().withResponse();
        const id = response.headers.get('x-request-id');
        return { header: id, id };
    },
    bearer: async () => told(await new Anthropic({
        baseURL: given.url, apiKey: null, authToken: given.key, maxRetries: 0,
    }).messages.create({ model: given.model, max_tokens: 1000, messages: user('hello') })),
    retried: async () => told(await client({ maxRetries: 2 }).messages.create({
        model: `${given.model};status=429;times=1`, max_tokens: 1000, messages: user('hello'),
    })),
    wrong_key: async () => client({ apiKey: `llmgw-${'N'.repeat(43)}` }).messages.create({
        model: given.model, max_tokens: 10, messages: user('hello'),
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

const told_of_all = {};
for (const [name, scenario] of Object.entries(scenarios)) {
    try {
        told_of_all[name] = { got: await scenario() };
    } catch (error) {
        told_of_all[name] = {
            raised: error.constructor.name,
            status: error.status ?? null,
            message: String(error.message),
            retry_after: error.headers?.get?.('retry-after') ?? null,
        };
    }
}
console.log(JSON.stringify(told_of_all));
