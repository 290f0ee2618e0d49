// SPDX-License-Identifier: Apache-2.0
// Runs the Responses of OpenAI's JavaScript SDK; see drive_responses.py.
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const given = JSON.parse(readFileSync(0, 'utf8'));
const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4'
    + 'z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const tools = ['get_weather', 'get_time'].map((name) => ({
    type: 'function',
    name,
    description: name,
    strict: true,
    parameters: {
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
    },
}));
const both = 'use the tool get_weather and get_time';

function client(more = {}) {
    return new OpenAI({
        baseURL: `${given.url}/v1`, apiKey: given.key, maxRetries: 0, timeout: 20000, ...more,
    });
}

function told(response) {
    const calls = response.output.filter((i) => i.type === 'function_call');
    const u = response.usage;
    return {
        text: response.output_text,
        status: response.status,
        reason: response.incomplete_details?.reason ?? null,
        id: response.id,
        model: response.model,
        calls: calls.map((c) => [c.name, JSON.parse(c.arguments)]),
        ids: calls.map((c) => c.call_id),
        usage: u ? [u.input_tokens, u.output_tokens, u.total_tokens] : null,
    };
}

function create(input = 'hello', { script = '', ...more } = {}) {
    return client().responses.create({ model: given.model + script, input, ...more });
}

const scenarios = {
    chat: async () => told(await create('hello', { instructions: 'Be brief.' })),
    turns: async () => told(await create([
        { role: 'user', content: 'one' }, { role: 'assistant', content: 'two' },
        { role: 'user', content: 'three' }])),
    stream: async () => {
        const kinds = [];
        let deltas = '';
        let last = null;
        for await (const event of await create('hello', { stream: true })) {
            kinds.push(event.type);
            if (event.type === 'response.output_text.delta') { deltas += event.delta; }
            last = event;
        }
        const response = last.response;
        const text = response.output.flatMap((i) => i.content ?? [])
            .map((p) => p.text ?? '').join('');
        return { ...told({ ...response, output_text: text }), deltas, kinds };
    },
    stream_helper: async () => {
        const events = client().responses.stream({ model: given.model, input: 'hello' });
        let deltas = '';
        for await (const event of events) {
            if (event.type === 'response.output_text.delta') { deltas += event.delta; }
        }
        return { ...told(await events.finalResponse()), deltas };
    },
    tools: async () => told(await create('use the tool', { tools })),
    parallel_tools: async () => told(await create(both, { tools })),
    tools_stream_helper: async () => {
        const events = client().responses.stream({ model: given.model, input: both, tools });
        const args = [];
        for await (const event of events) {
            if (event.type === 'response.function_call_arguments.done') {
                args.push(event.arguments);
            }
        }
        return { ...told(await events.finalResponse()), arguments: args };
    },
    tool_round_trip: async () => {
        const items = [{ role: 'user', content: both }];
        const first = await create(items, { tools });
        items.push(...first.output);
        for (const item of first.output) {
            if (item.type === 'function_call') {
                items.push({
                    type: 'function_call_output',
                    call_id: item.call_id,
                    output: `result of ${item.name}`,
                });
            }
        }
        return told(await create(items, { tools }));
    },
    forced_tool: async () => told(await create('hello', {
        tools, tool_choice: { type: 'function', name: 'get_time' },
    })),
    image: async () => told(await create([{
        role: 'user',
        content: [
            { type: 'input_text', text: 'what is this' },
            { type: 'input_image', image_url: pixel, detail: 'auto' }],
    }])),
    length: async () => told(await create('a b c d e f', { max_output_tokens: 3 })),
    parse: async () => {
        const got = await client().responses.parse({
            model: given.model,
            input: 'hello',
            text: {
                format: {
                    type: 'json_schema',
                    name: 'answer',
                    strict: true,
                    schema: {
                        type: 'object',
                        properties: { answer: { type: 'string' } },
                        required: ['answer'],
                        additionalProperties: false,
                    },
                },
            },
        });
        return { answer: (got.output_parsed ?? JSON.parse(got.output_text)).answer };
    },
    request_id: async () => {
        const { data, response } = await create().withResponse();
        return { header: response.headers.get('x-request-id'), id: data._request_id };
    },
    retried: async () => told(await client({ maxRetries: 2 }).responses.create({
        model: `${given.model};status=429;times=1`, input: 'hello',
    })),
    wrong_key: async () => client({ apiKey: `llmgw-${'N'.repeat(43)}` }).responses.create({
        model: given.model, input: 'hello',
    }),
    unknown_model: async () => client().responses.create({
        model: 'nobody/none', input: 'hello',
    }),
    bad_request: async () => create('hello', { script: ';status=400' }),
    rate_limited: async () => create('hello', { script: ';status=429;retry_after=2' }),
    error_in_stream: async () => {
        const events = await create('hello', {
            script: ';events=8;error_after=7', stream: true,
        });
        for await (const event of events) { void event; }
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
            code: error.code ?? null,
            message: String(error.message),
            retry_after: error.headers?.get?.('retry-after') ?? null,
        };
    }
}
console.log(JSON.stringify(told_of_all));
