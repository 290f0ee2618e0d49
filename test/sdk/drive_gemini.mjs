// SPDX-License-Identifier: Apache-2.0
// Runs Google's JavaScript SDK (@google/genai) through all scenarios.
import { GoogleGenAI } from '@google/genai';
import {
    both, endless, first, given, model, ofResponse, ping, png, run, schemas, target,
    wrongKey,
} from './drive.mjs';

const tools = [{
    functionDeclarations: Object.entries(schemas).map(([name, schema]) => ({
        name, description: name, parametersJsonSchema: schema,
    })),
}];
const thinking = {
    maxOutputTokens: 9000,
    thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 },
};

const client = (apiKey = given.key) => new GoogleGenAI({
    apiKey, httpOptions: { baseUrl: given.url, timeout: 20000 },
});

function told(answer) {
    const [candidate] = answer.candidates;
    const parts = candidate.content?.parts ?? [];
    const calls = parts.filter((p) => p.functionCall).map((p) => p.functionCall);
    const join = (kind) => parts.filter((p) => p.text && Boolean(p.thought) === kind)
        .map((p) => p.text).join('');
    const u = answer.usageMetadata;
    return {
        text: join(false),
        thinking: join(true),
        finish: candidate.finishReason ?? null,
        calls: calls.map((c) => [c.name, c.args]),
        model: answer.modelVersion,
        id: answer.responseId,
        usage: u ? [u.promptTokenCount,
            (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0),
            u.totalTokenCount] : null,
    };
}

const question = (contents, { script = '', ...config }) => ({
    model: model(script), contents, config,
});
const ask = (contents = 'hello', more = {}) =>
    client().models.generateContent(question(contents, more));
const askStream = (contents = 'hello', more = {}) =>
    client().models.generateContentStream(question(contents, more));

async function gathered(chunks) {
    const all = { text: '', finish: null, several: false, usage: null, calls: [] };
    let count = 0;
    for await (const chunk of chunks) {
        const one = told(chunk);
        count += 1;
        all.text += one.text;
        all.calls.push(...one.calls);
        all.finish = one.finish ?? all.finish;
        all.usage = one.usage ?? all.usage;
    }
    return { ...all, several: count > 2 };
}

const turn = (role, text) => ({ role, parts: [{ text }] });

const scenarios = {
    chat: async () => told(await ask()),
    system_and_turns: async () => told(await ask(
        [turn('user', 'one'), turn('model', 'two'), turn('user', 'three')],
        { systemInstruction: 'Be brief.' })),
    stream: async () => gathered(await askStream()),
    tools: async () => told(await ask('use the tool', { tools })),
    parallel_tools: async () => told(await ask(both, { tools })),
    tools_stream: async () => gathered(await askStream(both, { tools })),
    tool_round_trip: async () => {
        const { content } = (await ask(both, { tools })).candidates[0];
        const results = content.parts.filter((p) => p.functionCall).map((p) => ({
            functionResponse: {
                name: p.functionCall.name,
                response: { output: `result of ${p.functionCall.name}` },
            },
        }));
        return told(await ask([turn('user', both), content, { role: 'user', parts: results }],
            { tools }));
    },
    forced_tool: async () => told(await ask('hello', {
        tools,
        toolConfig: { functionCallingConfig: {
            mode: 'ANY', allowedFunctionNames: ['get_time'],
        } },
    })),
    chats: async () => {
        const chat = client().chats.create({ model: model() });
        const { text: one } = await gathered(
            await chat.sendMessageStream({ message: 'one' }));
        const second = (await chat.sendMessage({ message: 'two' })).text;
        return { text: [one, second], turns: chat.getHistory().length };
    },
    schema: async () => {
        const { text } = await ask('give', {
            responseMimeType: 'application/json',
            responseSchema: {
                type: 'OBJECT',
                properties: { answer: { type: 'STRING' } },
                required: ['answer'],
            },
        });
        return { text, parsed: JSON.parse(text) };
    },
    image: async () => told(await ask([
        { inlineData: { mimeType: 'image/png', data: png } }, 'what is this'])),
    stop: async () => told(await ask('a STOP b', { stopSequences: ['STOP'] })),
    length: async () => told(await ask('a b c d e f', { maxOutputTokens: 3 })),
    embeddings: async () => {
        const got = await client().models.embedContent({
            model: target.embedding, contents: ['one', 'two'],
        });
        return {
            sizes: got.embeddings.map((e) => e.values.length),
            numbers: got.embeddings[0].values.every((v) => typeof v === 'number'),
        };
    },
    models: async () => {
        const ids = [];
        for await (const model of await client().models.list()) { ids.push(model.name); }
        return { ids, one: (await client().models.get({ model: 'smart' })).name };
    },
    count_tokens: async () => ({
        count: (await client().models.countTokens({
            model: model(), contents: 'hello',
        })).totalTokens,
    }),
    ping: async () => ({
        calls: told(await ask(ping, { tools })).calls,
        streamed: (await gathered(await askStream(ping, { tools }))).calls,
    }),
    thinking: async () => told(await client().models.generateContent({
        model: target.thinker, contents: 'hello', config: thinking,
    })),
    thinking_back: async () => {
        const ask_all = (contents) => client().models.generateContent({
            model: target.thinker, contents, config: { ...thinking, tools },
        });
        const { content } = (await ask_all(both)).candidates[0];
        const results = content.parts.filter((p) => p.functionCall).map((p) => ({
            functionResponse: {
                name: p.functionCall.name,
                response: { output: `result of ${p.functionCall.name}` },
            },
        }));
        return told(await ask_all([turn('user', both), content,
            { role: 'user', parts: results }]));
    },
    abort: async () => ({
        count: (await first(await client().models.generateContentStream({
            model: endless(), contents: 'hello' }))).length,
    }),
    wrong_key: async () => client(wrongKey).models.generateContent({
        model: model(), contents: 'hello',
    }),
    unknown_model: async () => client().models.generateContent({
        model: 'nobody/none', contents: 'hello',
    }),
    bad_request: async () => ask('hello', { script: ';status=400' }),
    rate_limited: async () => ask('hello', { script: ';status=429;retry_after=2' }),
    server_error: async () => ask('hello', { script: ';status=500' }),
    error_in_stream: async () => {
        const chunks = await askStream('hello', { script: ';events=6;error_after=4' });
        for await (const chunk of chunks) { void chunk; }
        return {};
    },
};

await run(scenarios, ofResponse);
