// SPDX-License-Identifier: Apache-2.0
//
// Holds the gateway's encoder against the npm package tiktoken, id for id:
//
//     node compare.mjs ENCODE VOCABULARY PACKAGE [--every-character]
//
// ENCODE is the program test/tokens/encode of a build, VOCABULARY the file of
// packaging/vocabulary.sh, PACKAGE the folder of the npm package. The texts are
// those of texts.json, whole and cut, runs, and what a seed makes of them;
// with --every-character each character there is, too (some minutes).
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [encode, vocabulary, folder, option] = process.argv.slice(2);
if (!folder) {
    console.error("usage: node compare.mjs ENCODE VOCABULARY PACKAGE [--every-character]");
    process.exit(2);
}
const require = createRequire(import.meta.url);
const { get_encoding } = require(path.resolve(folder, "tiktoken.cjs"));
const texts = Object.values(JSON.parse(readFileSync(new URL("texts.json", import.meta.url))));

let state = Number(process.env.LLMGW_TEST_SEED ?? Date.now() % 1000000) + 1;
console.log(`# LLMGW_TEST_SEED=${state - 1}`);
function below(limit) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
}

function* corpus() {
    yield "";
    yield* texts;
    for (const text of texts) {
        const characters = [...text];
        for (let cut = 1; cut < characters.length; cut += 1 + below(4)) {
            yield characters.slice(cut).join("");
            yield characters.slice(0, cut).join("");
        }
        yield `${text}\n\n  `.repeat(40);
        yield text.toUpperCase();
    }
    for (const run of [" ", "a", "A", "=", "\n", "\t", "\r\n", "1", "é", "中", "🙂", "ab", " a", "\u0301"]) {
        for (const length of [1, 2, 3, 4, 7, 23, 24, 25, 26, 80, 127, 128, 129, 1000, 3000]) {
            yield run.repeat(length);
            yield `x${run.repeat(length)}y`;
        }
    }
    const letters = [...texts.join("")];
    for (let round = 0; round < 3000; ++round) {
        yield Array.from({ length: 1 + below(60) }, () => letters[below(letters.length)]).join("");
    }
    for (let round = 0; round < 500; ++round) {
        yield Buffer.from(Array.from({ length: 1 + below(200) }, () => below(256))).toString("utf8");
    }
}

function* everyCharacter() {
    for (let point = 0; point < 0x110000; ++point) {
        if (point < 0xd800 || point > 0xdfff) {
            const c = String.fromCodePoint(point);
            yield `a${c}b B${c}A${c}${c} ${c}1${c}23${c}\n${c}'s'${c}S.${c}x`;
        }
    }
}

function numbered(buffer) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(buffer.length);
    return [length, buffer];
}

const all = [...corpus(), ...(option === "--every-character" ? everyCharacter() : [])];
const input = Buffer.concat(all.flatMap((text) => numbered(Buffer.from(text))));
let wrong = 0;
for (const name of ["cl100k_base", "o200k_base"]) {
    const done = spawnSync(encode, [vocabulary, name], { input, maxBuffer: 2 ** 30 });
    if (done.status !== 0) {
        console.error(`compare.mjs: ${encode}: ${done.stderr}`);
        process.exit(1);
    }
    const reference = get_encoding(name);
    let at = 0;
    let tokens = 0;
    for (const text of all) {
        const count = done.stdout.readUInt32LE(at);
        const expected = reference.encode(text, [], []);
        const ids = Array.from({ length: count }, (_, i) => done.stdout.readUInt32LE(at + 4 + 4 * i));
        at += 4 + 4 * count;
        tokens += count;
        if (count !== expected.length || ids.some((id, i) => id !== expected[i])) {
            ++wrong;
            console.error(`${name}: ${JSON.stringify(text.slice(0, 200))}: ${ids} instead of ${expected}`);
        }
    }
    console.log(`${name}: ${all.length} texts, ${tokens} tokens`);
}
console.log(wrong ? `${wrong} texts differ` : "all are the same");
process.exit(wrong ? 1 : 0);
