// SPDX-License-Identifier: Apache-2.0
// Runs OpenAI's JavaScript SDK through what OpenAI has besides chats; prints
// what each call returned. Given on standard input: {"url", "key"}.
import fs from "node:fs";

import OpenAI, { toFile } from "openai";

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const client = new OpenAI({ baseURL: `${given.url}/v1`, apiKey: given.key, maxRetries: 0,
                            timeout: 20000 });
const sound = () => toFile(Buffer.alloc(4000, 0xfb), "a.mp3");
const pixels = (name) => toFile(Buffer.alloc(108, 0x89), name, { type: "image/png" });
const line = { custom_id: "1", method: "POST", url: "/v1/responses",
               body: { model: "gpt-4o", input: "hi" } };

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const calls = {
  async completion() {
    const answer = await client.completions.create(
      { model: "openai/davinci-002", prompt: "hello" });
    return [answer.choices[0].text, answer.usage.total_tokens > 0];
  },
  async completion_of_a_chat() {
    const answer = await client.completions.create(
      { model: "anthropic/claude-x", prompt: "hello", max_tokens: 50 });
    return [answer.choices[0].text, answer.choices[0].finish_reason, answer.object];
  },
  async completion_streamed() {
    const chunks = await all(await client.completions.create(
      { model: "gemini/gemini-x", prompt: "hello", stream: true,
        stream_options: { include_usage: true } }));
    return [chunks.map((c) => c.choices[0]?.text ?? "").join(""),
            chunks.at(-1).usage.total_tokens > 0];
  },
  async moderation() {
    const answer = await client.moderations.create(
      { model: "openai/omni-moderation-latest", input: ["good", "bad"] });
    return answer.results.map((r) => r.flagged);
  },
  async image() {
    const answer = await client.images.generate(
      { model: "openai/gpt-image-1", prompt: "a cat", n: 2 });
    return [answer.data.length, answer.usage.output_tokens];
  },
  async image_streamed() {
    const events = await all(await client.images.generate(
      { model: "openai/gpt-image-1", prompt: "a", stream: true, partial_images: 1 }));
    return events.map((e) => e.type);
  },
  async image_edited() {
    const answer = await client.images.edit(
      { model: "openai/gpt-image-1", prompt: "a",
        image: [await pixels("a.png"), await pixels("b.png")] });
    return answer.data.length;
  },
  async speech() {
    const answer = await client.audio.speech.create(
      { model: "openai/tts-1", voice: "alloy", input: "hello" });
    return [answer.headers.get("content-type"), (await answer.arrayBuffer()).byteLength > 10000];
  },
  async transcription() {
    const answer = await client.audio.transcriptions.create(
      { model: "openai/gpt-4o-transcribe", file: await sound() });
    return [answer.text, answer.usage.total_tokens];
  },
  async transcription_streamed() {
    const events = await all(await client.audio.transcriptions.create(
      { model: "openai/gpt-4o-transcribe", file: await sound(), stream: true }));
    return events.at(-1).type;
  },
  async translation() {
    const answer = await client.audio.translations.create(
      { model: "openai/whisper-1", file: await sound() });
    return answer.text;
  },
  async file_and_batch() {
    const made = await client.files.create(
      { file: await toFile(Buffer.from(JSON.stringify(line)), "in.jsonl"), purpose: "batch" });
    let batch = await client.batches.create(
      { input_file_id: made.id, endpoint: "/v1/responses", completion_window: "24h" });
    while (!["completed", "failed"].includes(batch.status)) {
      batch = await client.batches.retrieve(batch.id);
    }
    const output = await (await client.files.content(batch.output_file_id)).text();
    const listed = (await all(await client.files.list({ limit: 1000 }))).map((f) => f.id);
    const gone = await client.files.delete(made.id);
    let lost = false;
    try {
      await client.files.retrieve(made.id);
    } catch (no) {
      lost = no instanceof OpenAI.NotFoundError && no.message.includes(made.id);
    }
    const batches = (await all(await client.batches.list({ limit: 100 }))).map((b) => b.id);
    return [batch.status, output, listed.includes(made.id), gone.deleted, lost,
            batches.includes(batch.id)];
  },
  async refused() {
    try {
      await client.completions.create({ model: "anthropic/claude-x", prompt: ["a", "b"] });
    } catch (no) {
      return [no.status, no.param];
    }
    return null;
  },
};

const told = {};
for (const [name, call] of Object.entries(calls)) told[name] = await call();
console.log(JSON.stringify(told));
