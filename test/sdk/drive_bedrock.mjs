// SPDX-License-Identifier: Apache-2.0
// Runs the AWS SDK's client of bedrock-runtime through all scenarios: Converse
// and ConverseStream, with the gateway's key as Bedrock's API key.
import {
    BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand,
} from '@aws-sdk/client-bedrock-runtime';
import {
    answer, both, endless, first, given, model, ping, png, run, schemas, target, wrongKey,
} from './drive.mjs';

const toolConfig = {
    tools: Object.entries(schemas).map(([name, json]) => ({
        toolSpec: { name, description: name, inputSchema: { json } },
    })),
};
const think = {
    additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } },
    inferenceConfig: { maxTokens: 8000 },
};

// The key is looked up in the environment with each request, or given.
process.env.AWS_BEARER_TOKEN_BEDROCK = given.key;
const client = (more = {}) => new BedrockRuntimeClient({
    region: 'us-east-1', endpoint: given.url, maxAttempts: 1, ...more,
});
const kept = client();
const user = (...content) => [{ role: 'user', content }];
const said = (text = 'hello') => user({ text });
const callsOf = (content) => content.flatMap((b) => (b.toolUse ? [b.toolUse] : []));
const thinkingOf = (content) => content
    .map((b) => b.reasoningContent?.reasoningText?.text ?? '').join('');

function shown(content, finish, usage) {
    return {
        text: content.map((b) => b.text ?? '').join(''),
        thinking: thinkingOf(content),
        finish,
        usage: [usage.inputTokens, usage.outputTokens],
        ids: callsOf(content).map((c) => c.toolUseId),
        calls: callsOf(content).map((c) => [c.name, c.input]),
    };
}

const asking = (more) => ({ modelId: model(), messages: said(), ...more });
const converse = (more) => kept.send(new ConverseCommand(asking(more)));
const told = (got) => shown(got.output.message.content, got.stopReason, got.usage);
const ask = async (more) => told(await converse(more));

// One piece of a stream, put to what there was of its block.
function add(block, delta) {
    if (delta.toolUse) {
        block.toolUse.input += delta.toolUse.input;
    } else if (delta.text !== undefined) {
        block.text = (block.text ?? '') + delta.text;
    } else if (delta.reasoningContent.redactedContent) {
        block.reasoningContent = delta.reasoningContent;
    } else {
        block.reasoningContent ??= { reasoningText: { text: '' } };
        const { reasoningText } = block.reasoningContent;
        for (const [name, text] of Object.entries(delta.reasoningContent)) {
            reasoningText[name] = (reasoningText[name] ?? '') + text;
        }
    }
}

async function gather(more) {
    const blocks = [];
    let [deltas, finish, usage] = [0, null, null];
    const got = await kept.send(new ConverseStreamCommand(asking(more)));
    for await (const event of got.stream) {
        if (event.contentBlockStart) {
            const { contentBlockIndex: index, start } = event.contentBlockStart;
            blocks[index] = { toolUse: { ...start.toolUse, input: '' } };
        } else if (event.contentBlockDelta) {
            const { contentBlockIndex: index, delta } = event.contentBlockDelta;
            deltas += 1;
            add(blocks[index] ??= {}, delta);
        }
        finish = event.messageStop?.stopReason ?? finish;
        usage = event.metadata?.usage ?? usage;
    }
    for (const use of callsOf(blocks)) { use.input = JSON.parse(use.input || '{}'); }
    return { blocks, several: deltas > 1, finish, usage };
}

async function streamed(more) {
    const { blocks, several, finish, usage } = await gather(more);
    return { ...shown(blocks, finish, usage), several };
}

// What the tools gave, for the calls of a message of the model's.
const results = (content) => user(...callsOf(content).map((c) => ({
    toolResult: { toolUseId: c.toolUseId, content: [{ text: `result of ${c.name}` }] },
})));
const failing = (script) => ask({ modelId: model(script) });

const scenarios = {
    chat: () => ask(),
    system_and_turns: () => ask({
        system: [{ text: 'Be brief.' }],
        messages: [
            ...said('one'), { role: 'assistant', content: [{ text: 'two' }] }, ...said('three')],
    }),
    stream: () => streamed(),
    tools: () => ask({ messages: said('use the tool'), toolConfig }),
    parallel_tools: () => ask({ messages: said(both), toolConfig }),
    tools_stream: () => streamed({ messages: said(both), toolConfig }),
    ping: async () => ({
        calls: (await ask({ messages: said(ping), toolConfig })).calls,
        streamed: (await streamed({ messages: said(ping), toolConfig })).calls,
    }),
    tool_round_trip: async () => {
        const { message } = (await converse({ messages: said(both), toolConfig })).output;
        return ask({
            messages: [...said(both), message, ...results(message.content)], toolConfig,
        });
    },
    forced_tool: () => ask({
        toolConfig: { ...toolConfig, toolChoice: { tool: { name: 'get_time' } } },
    }),
    image: () => ask({
        messages: user({ text: 'what is this' }, {
            image: { format: 'png', source: { bytes: Buffer.from(png, 'base64') } },
        }),
    }),
    schema: async () => ({
        parsed: JSON.parse((await ask({
            modelId: target.thinker,
            messages: said('give'),
            outputConfig: {
                textFormat: {
                    type: 'json_schema',
                    structure: {
                        jsonSchema: { name: 'answer', schema: JSON.stringify(answer) },
                    },
                },
            },
        })).text),
    }),
    stop: () => ask({ messages: said('a END b'), inferenceConfig: { stopSequences: ['END'] } }),
    length: () => ask({ messages: said('a b c d e f'), inferenceConfig: { maxTokens: 3 } }),
    thinking: async () => {
        const more = { modelId: target.thinker, ...think };
        return { ...await ask(more), streamed: (await streamed(more)).thinking };
    },
    thinking_back: async () => {
        const more = { modelId: target.thinker, toolConfig, ...think };
        const { blocks } = await gather({ ...more, messages: said(both) });
        return ask({
            ...more,
            messages: [...said(both), { role: 'assistant', content: blocks }, ...results(blocks)],
        });
    },
    count_tokens: async () => ({
        count: (await kept.send(new CountTokensCommand({
            modelId: model(), input: { converse: { messages: said() } },
        }))).inputTokens,
    }),
    abort: async () => {
        const leaving = new AbortController();
        const got = await kept.send(
            new ConverseStreamCommand(asking({ modelId: endless() })),
            { abortSignal: leaving.signal });
        const count = (await first(got.stream, 5)).length;
        leaving.abort();
        return { count };
    },
    wrong_key: () => client({
        token: { token: wrongKey }, authSchemePreference: ['httpBearerAuth'],
    }).send(new ConverseCommand(asking())),
    unknown_model: () => ask({ modelId: 'nobody/none' }),
    bad_request: () => failing(';status=400'),
    rate_limited: () => failing(';status=429;retry_after=2'),
    server_error: () => failing(';status=500'),
    error_in_stream: () => streamed({ modelId: model(';events=6;error_after=5') }),
};

await run(scenarios, (error) => ({
    status: error.$metadata?.httpStatusCode ?? null,
    code: error.name ?? null,
    retry_after: error.$response?.headers?.['retry-after'] ?? null,
}));
