// SPDX-License-Identifier: Apache-2.0
// Runs LangChain's chat models through all scenarios; its row says which.
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatBedrockConverse } from '@langchain/aws';
import {
    AIMessage, HumanMessage, SystemMessage, ToolMessage,
} from '@langchain/core/messages';
import { ChatMistralAI } from '@langchain/mistralai';
import { ChatOllama } from '@langchain/ollama';
import { ChatOpenAI } from '@langchain/openai';
import {
    answer, both, endless, given, model, ofResponse, ping, pixel, run, schemas, target, wrongKey,
} from './drive.mjs';

const { row, url } = given;
const makers = {
    openai: (more, apiKey) => new ChatOpenAI({
        apiKey, configuration: { baseURL: `${url}/v1` }, ...more,
    }),
    responses: (more, apiKey) => new ChatOpenAI({
        apiKey, configuration: { baseURL: `${url}/v1` }, useResponsesApi: true, ...more,
    }),
    anthropic: (more, apiKey) => new ChatAnthropic({ apiKey, anthropicApiUrl: url, ...more }),
    // it does not say whose client it is
    mistral: (more, apiKey) => new ChatMistralAI({
        apiKey,
        serverURL: url,
        beforeRequestHooks: [(request) => {
            request.headers.set('x-mistral-user-agent', 'langchain');
            return request;
        }],
        ...more,
    }),
    ollama: (more, apiKey) => new ChatOllama({
        baseUrl: url, headers: { Authorization: `Bearer ${apiKey}` }, ...more,
    }),
    aws: (more, token) => new ChatBedrockConverse({
        region: 'us-east-1',
        client: new BedrockRuntimeClient({
            region: 'us-east-1',
            endpoint: url,
            maxAttempts: 1,
            token: { token },
            authSchemePreference: ['httpBearerAuth'],
        }),
        ...more,
    }),
};
const thinks = {
    openai: { reasoning: { effort: 'low' } },
    responses: {
        reasoning: { effort: 'low', summary: 'auto' },
        zdrEnabled: true,
    },
    anthropic: { thinking: { type: 'enabled', budget_tokens: 1024 }, maxTokens: 4000 },
    ollama: { think: true },
    aws: {
        additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } },
        maxTokens: 8000,
    },
};
const limit = row === 'ollama' ? 'numPredict' : 'maxTokens';
const tools = Object.entries(schemas).map(([name, schema]) => ({
    name, description: name, schema,
}));

const llm = (name = model(), more = {}, key = given.key) =>
    makers[row]({ model: name, maxRetries: 0, ...more }, key);
const bound = (name, more) => llm(name, more).bindTools(tools);

function told(message) {
    const usage = message.usage_metadata;
    const summaries = message.additional_kwargs.reasoning?.summary ?? [];
    const thoughts = [
        ...message.contentBlocks.flatMap((b) => (b.type === 'reasoning' ? [b.reasoning] : [])),
        ...(row === 'responses' ? summaries.map((s) => s.text) : [])];
    return {
        text: message.text,
        thinking: thoughts.join(''),
        calls: (message.tool_calls ?? []).map((c) => [c.name, c.args]),
        ids: (message.tool_calls ?? []).map((c) => c.id),
        usage: usage ? [usage.input_tokens, usage.output_tokens, usage.total_tokens] : null,
    };
}

const ask = async (what, made = llm()) => told(await made.invoke(what));

async function streamed(what, made = llm()) {
    let [whole, pieces] = [null, 0];
    for await (const chunk of await made.stream(what)) {
        pieces += Boolean(chunk.text);
        whole = whole === null ? chunk : whole.concat(chunk);
    }
    return { ...told(whole), several: pieces > 2 };
}

// Its own message goes back with the results.
async function again(made) {
    const first = await made.invoke(both);
    const results = first.tool_calls.map((c) => new ToolMessage({
        content: `result of ${c.name}`, tool_call_id: c.id, name: c.name,
    }));
    return told(await made.invoke([new HumanMessage(both), first, ...results]));
}

const failing = (script) => ask('hello', llm(model(script)));

const scenarios = {
    chat: () => ask('hello'),
    system_and_turns: () => ask([
        new SystemMessage('Be brief.'), new HumanMessage('one'), new AIMessage('two'),
        new HumanMessage('three')]),
    stream: async () => {
        const got = await streamed('hello');
        return row === 'openai' ? { ...got, usage: null } : got;
    },
    tools: () => ask('use the tool', bound()),
    parallel_tools: () => ask(both, bound()),
    tools_stream: () => streamed(both, bound()),
    ping: async () => ({
        calls: (await ask(ping, bound())).calls,
        streamed: (await streamed(ping, bound())).calls,
    }),
    tool_round_trip: () => again(bound()),
    image: () => ask([new HumanMessage({
        content: [
            { type: 'text', text: 'what is this' },
            { type: 'image_url', image_url: { url: pixel } }],
    })]),
    schema: async () => ({
        parsed: await llm(target.thinker).withStructuredOutput(
            { title: 'answer', ...answer }, { method: 'jsonSchema' }).invoke('give'),
    }),
    length: () => ask('a b c d e f', llm(model(), { [limit]: 3 })),
    thinking: () => ask('hello', llm(target.thinker, thinks[row])),
    thinking_back: () => again(bound(target.thinker, thinks[row])),
    abort: async () => {
        const leaving = new AbortController();
        let count = 0;
        for await (const chunk of await llm(endless()).stream('hello', {
            signal: leaving.signal,
        })) {
            count += Boolean(chunk);
            if (count === 3) { break; }
        }
        leaving.abort();
        return { count };
    },
    wrong_key: () => ask('hello', llm(model(), {}, wrongKey)),
    unknown_model: () => ask('hello', llm('nobody/none')),
    bad_request: () => failing(';status=400'),
    rate_limited: () => failing(';status=429;retry_after=2'),
    server_error: () => failing(';status=500'),
    error_in_stream: () => streamed('hello', llm(model(';events=6;error_after=4'))),
};

await run(scenarios, ofResponse);
