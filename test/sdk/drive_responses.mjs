// SPDX-License-Identifier: Apache-2.0
// Runs the Responses of OpenAI's JavaScript SDK through all scenarios.
import OpenAI from 'openai';
import {
    answer, both, endless, first, given, model, ofResponse, once, ping, pixel, run, schemas, target,
    wrongKey,
} from './drive.mjs';

const tools = Object.entries(schemas).map(([name, parameters]) => ({
    type: 'function', name, description: name, strict: true, parameters,
}));
const thinking = {
    reasoning: { effort: 'low', summary: 'auto' },
    store: false,
    include: ['reasoning.encrypted_content'],
};

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
        finish: response.status,
        thinking: response.output.filter((i) => i.type === 'reasoning')
            .flatMap((i) => i.summary.map((p) => p.text)).join(''),
        reason: response.incomplete_details?.reason ?? null,
        id: response.id,
        model: response.model,
        calls: calls.map((c) => [c.name, JSON.parse(c.arguments)]),
        ids: calls.map((c) => c.call_id),
        usage: u ? [u.input_tokens, u.output_tokens, u.total_tokens] : null,
    };
}

function create(input = 'hello', { script = '', ...more } = {}) {
    return client().responses.create({ model: model(script), input, ...more });
}

const scenarios = {
    chat: async () => told(await create()),
    system_and_turns: async () => told(await create([
        { role: 'user', content: 'one' }, { role: 'assistant', content: 'two' },
        { role: 'user', content: 'three' }], { instructions: 'Be brief.' })),
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
        return {
            ...told({ ...response, output_text: text }),
            deltas,
            kinds,
            several: kinds.filter((k) => k === 'response.output_text.delta').length > 2,
        };
    },
    stream_helper: async () => {
        const events = client().responses.stream({ model: model(), input: 'hello' });
        let deltas = '';
        for await (const event of events) {
            if (event.type === 'response.output_text.delta') { deltas += event.delta; }
        }
        return { ...told(await events.finalResponse()), deltas };
    },
    tools: async () => told(await create('use the tool', { tools })),
    parallel_tools: async () => told(await create(both, { tools })),
    tools_stream_helper: async () => {
        const events = client().responses.stream({ model: model(), input: both, tools });
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
        const made = await create(items, { tools });
        items.push(...made.output);
        for (const item of made.output) {
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
    schema: async () => {
        const format = { type: 'json_schema', name: 'answer', strict: true, schema: answer };
        const got = await client().responses.parse({
            model: model(), input: 'give', text: { format },
        });
        return { parsed: got.output_parsed ?? JSON.parse(got.output_text) };
    },
    ping: async () => ({
        calls: told(await create(ping, { tools })).calls,
        streamed: told(await client().responses.stream({
            model: model(), input: ping, tools,
        }).finalResponse()).calls,
    }),
    thinking: async () => told(await client().responses.create({
        model: target.thinker, input: 'hello', ...thinking,
    })),
    thinking_back: async () => {
        const more = { model: target.thinker, tools, ...thinking };
        const items = [{ role: 'user', content: both }];
        const made = await client().responses.create({ input: items, ...more });
        const results = made.output.filter((i) => i.type === 'function_call').map((i) => ({
            type: 'function_call_output', call_id: i.call_id, output: `result of ${i.name}`,
        }));
        return told(await client().responses.create({
            input: [...items, ...made.output, ...results], ...more }));
    },
    abort: async () => ({
        count: (await first(await client().responses.create({
            model: endless(), input: 'hello', stream: true }), 6)).length,
    }),
    request_id: async () => {
        const { data, response } = await create().withResponse();
        return { header: response.headers.get('x-request-id'), id: data._request_id };
    },
    retried: async () => told(await client({ maxRetries: 2 }).responses.create({
        model: once(';status=429;retry_after=0'), input: 'hello',
    })),
    wrong_key: async () => client({ apiKey: wrongKey }).responses.create({
        model: model(), input: 'hello',
    }),
    unknown_model: async () => client().responses.create({
        model: 'nobody/none', input: 'hello',
    }),
    bad_request: async () => create('hello', { script: ';status=400' }),
    rate_limited: async () => create('hello', { script: ';status=429;retry_after=2' }),
    server_error: async () => create('hello', { script: ';status=500' }),
    error_in_stream: async () => {
        const events = await create('hello', {
            script: ';events=8;error_after=7', stream: true,
        });
        for await (const event of events) { void event; }
        return {};
    },
};

await run(scenarios, ofResponse);
