// SPDX-License-Identifier: Apache-2.0
// What all drivers in JavaScript share; see drive.py.
import { readFileSync } from 'node:fs';

export const given = JSON.parse(readFileSync(0, 'utf8'));
export const both = 'use the tool get_weather and get_time';
export const ping = 'use the tool ping';
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4'
    + 'z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
export const pixel = `data:image/png;base64,${png}`;
const city = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
};
const nothing = { type: 'object', properties: {}, required: [], additionalProperties: false };
export const schemas = { get_weather: city, get_time: city, ping: nothing };
export const answer = {
    type: 'object',
    properties: { answer: { type: 'string' } },
    required: ['answer'],
    additionalProperties: false,
};
// As OpenAI writes them, and all who took it from there.
export const tools = Object.entries(schemas).map(([name, parameters]) => ({
    type: 'function', function: { name, description: name, parameters },
}));
export const wrongKey = `llmgw-${'N'.repeat(43)}`;

// The provider of this turn; changes while the drivers run.
export const target = {};
export const model = (script = '') => target.model + script;
// A name nobody asks for twice, for what happens the first time only.
export const once = (script) => model(`;seed=${given.serial}${script};times=1`);
// The name of a stream to be left early, known to the test by its seed.
export const endless = () => model(`;seed=${given.serial};events=400;slow=25`);

// The first so many events; leaving the loop ends the stream.
export async function first(stream, count = 3) {
    const events = [];
    for await (const event of stream) {
        events.push(event);
        if (events.length === count) { break; }
    }
    return events;
}

async function one(scenario, describe) {
    try {
        return { got: await scenario() };
    } catch (error) {
        return {
            raised: error.constructor.name,
            message: String(error.message),
            ...describe(error),
        };
    }
}

// Prints what the scenarios give; describe() tells of an exception what the
// SDK keeps beside its class and message.
export async function run(scenarios, describe) {
    const told = {};
    for (const chosen of given.targets) {
        Object.assign(target, chosen);
        told[chosen.provider] = {};
        for (const [name, scenario] of Object.entries(scenarios)) {
            if (chosen.only.includes(name)) {
                told[chosen.provider][name] = await one(scenario, describe);
            }
        }
    }
    process.stdout.write(JSON.stringify(told), () => process.exit(0));
}

export const ofResponse = (error) => ({
    status: error.status ?? null,
    code: error.code ?? null,
    retry_after: error.headers?.get?.('retry-after') ?? null,
});
