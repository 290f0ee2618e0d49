// SPDX-License-Identifier: Apache-2.0
// Runs the AI SDK (Vercel's) through all scenarios; its row says by which of
// its providers.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createCohere } from '@ai-sdk/cohere';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import {
    answer, both, endless, given, model, ofResponse, once, ping, pixel, run, schemas, target,
    wrongKey,
} from './drive.mjs';

const { row } = given;
const v1 = `${given.url}/v1`;
const makers = {
    openai: (apiKey) => createOpenAI({ baseURL: v1, apiKey }).responses,
    chat: (apiKey) => createOpenAI({ baseURL: v1, apiKey }).chat,
    anthropic: (apiKey) => createAnthropic({ baseURL: v1, apiKey }),
    google: (apiKey) => createGoogleGenerativeAI({ baseURL: `${given.url}/v1beta`, apiKey }),
    compatible: (apiKey) => createOpenAICompatible({
        name: 'gateway', baseURL: v1, apiKey, includeUsage: true,
        supportsStructuredOutputs: true,
    }),
    // it does not say whose client it is
    mistral: (apiKey) => createMistral({
        baseURL: v1, apiKey, headers: { 'x-mistral-user-agent': 'ai-sdk' },
    }),
    cohere: (apiKey) => createCohere({ baseURL: `${given.url}/v2`, apiKey }),
};
const options = {
    openai: {
        openai: {
            reasoningEffort: 'low', reasoningSummary: 'auto', store: false,
            forceReasoning: true,
        },
    },
    chat: { openai: { reasoningEffort: 'low' } },
    anthropic: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
    google: { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } } },
    compatible: { gateway: { reasoningEffort: 'low' } },
    cohere: { cohere: { thinking: { type: 'enabled', tokenBudget: 1024 } } },
};
const asked = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [
    name, tool({ description: name, inputSchema: jsonSchema(schema) })]));
const answering = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [
    name, tool({
        description: name,
        inputSchema: jsonSchema(schema),
        execute: async () => `result of ${name}`,
    })]));

// Google's provider puts models/ before names without a slash only.
const llm = (name = model(), key = given.key) =>
    makers[row](key)(row === 'google' ? `models/${name}` : name);

function told(got) {
    const u = got.usage;
    return {
        text: got.text,
        thinking: got.reasoningText ?? '',
        finish: got.finishReason,
        calls: got.toolCalls.map((c) => [c.toolName, c.input]),
        ids: got.toolCalls.map((c) => c.toolCallId),
        usage: [u.inputTokens, u.outputTokens],
    };
}

const generate = async (prompt, more = {}) => told(await generateText({
    model: llm(), prompt, maxRetries: 0, ...more,
}));

async function streamed(prompt, more = {}) {
    let failed = null;
    let pieces = 0;
    const got = streamText({
        model: llm(), prompt, maxRetries: 0, onError: ({ error }) => { failed = error; }, ...more,
    });
    for await (const piece of got.textStream) { pieces += Boolean(piece); }
    if (failed) { throw failed; }
    return {
        ...told({
            text: await got.text,
            reasoningText: await got.reasoningText,
            finishReason: await got.finishReason,
            toolCalls: await got.toolCalls,
            usage: await got.usage,
        }),
        several: pieces > 2,
    };
}

const thinker = () => ({
    model: llm(target.thinker), providerOptions: options[row], maxOutputTokens: 4000,
});
const failing = (script) => generate('hello', { model: llm(model(script)) });

const scenarios = {
    chat: () => generate('hello'),
    system_and_turns: () => generate(undefined, {
        instructions: 'Be brief.',
        messages: [
            { role: 'user', content: 'one' }, { role: 'assistant', content: 'two' },
            { role: 'user', content: 'three' }],
    }),
    stream: () => streamed('hello'),
    tools: () => generate('use the tool', { tools: asked }),
    parallel_tools: () => generate(both, { tools: asked }),
    tools_stream: () => streamed(both, { tools: asked }),
    ping: async () => ({
        calls: (await generate(ping, { tools: asked })).calls,
        streamed: (await streamed(ping, { tools: asked })).calls,
    }),
    tool_round_trip: async () => ({
        text: (await generateText({
            model: llm(), prompt: both, maxRetries: 0, tools: answering,
            stopWhen: stepCountIs(3),
        })).text,
    }),
    tools_loop_stream: () => streamed(both, { tools: answering, stopWhen: stepCountIs(3) }),
    forced_tool: () => generate('hello', {
        tools: asked, toolChoice: { type: 'tool', toolName: 'get_time' },
    }),
    image: () => generate(undefined, {
        messages: [{
            role: 'user',
            content: [
                { type: 'text', text: 'what is this' },
                { type: 'image', image: pixel }],
        }],
    }),
    schema: async () => ({
        parsed: (await generateText({
            model: llm(target.thinker), prompt: 'give', maxRetries: 0,
            output: Output.object({ schema: jsonSchema(answer) }),
        })).output,
    }),
    schema_stream: async () => ({
        parsed: JSON.parse((await streamed('give', {
            model: llm(target.thinker), output: Output.object({ schema: jsonSchema(answer) }),
        })).text),
    }),
    stop: () => generate('a STOP b', { stopSequences: ['STOP'] }),
    length: () => generate('a b c d e f', { maxOutputTokens: 3 }),
    thinking: async () => {
        const pieces = await streamed('hello', thinker());
        return { ...await generate('hello', thinker()), streamed: pieces.thinking };
    },
    thinking_back: async () => ({
        text: (await generateText({
            ...thinker(), prompt: both, maxRetries: 0, tools: answering,
            stopWhen: stepCountIs(3),
        })).text,
    }),
    abort: async () => {
        const control = new AbortController();
        const got = streamText({
            model: llm(endless()), prompt: 'hello', abortSignal: control.signal,
            onError: () => {},
        });
        let count = 0;
        for await (const piece of got.textStream) {
            count += Boolean(piece);
            if (count === 3) { control.abort(); break; }
        }
        return { count };
    },
    retried: () => generate('hello', { model: llm(once(';status=429;retry_after=0')), maxRetries: 2 }),
    wrong_key: () => generate('hello', { model: llm(model(), wrongKey) }),
    unknown_model: () => generate('hello', { model: llm('nobody/none') }),
    bad_request: () => failing(';status=400'),
    rate_limited: () => failing(';status=429;retry_after=2'),
    server_error: () => failing(';status=500'),
    error_in_stream: () => streamed('hello', {
        model: llm(model(`;events=8;error_after=${row === 'openai' ? 7 : 5}`)),
    }),
};

await run(scenarios, (error) => ({
    ...ofResponse(error),
    status: error.statusCode ?? null,
    retry_after: error.responseHeaders?.['retry-after'] ?? null,
}));
