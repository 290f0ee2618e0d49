#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs the vocabularies of the npm package tiktoken into the one file that
the gateway maps; mod_llm_gateway/core/llm_bpe.h tells its form.

    python3 vocabulary.py FOLDER OUTPUT

FOLDER is the package's encoders/. OUTPUT appears whole or not at all.
"""
import base64
import json
import os
import struct
import sys

ENCODINGS = ("cl100k_base", "o200k_base")
MASK = 0xFFFFFFFFFFFFFFFF
ID_BITS = 18
HEAD, ENTRY, NAME = 16, 48, 20


def hash_of(token):
    """As llm_bpe.c's hash_of: they change together."""
    value = len(token) * 0x9E3779B97F4A7C15 & MASK
    for at in range(0, len(token), 8):
        word = int.from_bytes(token[at:at + 8], "little")
        value = (value ^ word) * 0xD6E8FEB86659FD93 & MASK
        value ^= value >> 32
    return value * 0xD6E8FEB86659FD93 & MASK


def read_tokens(path):
    """Lines of "! FIRST-RANK TOKEN TOKEN ...", the tokens in base64."""
    with open(path, encoding="ascii") as file:
        ranks = json.load(file)["bpe_ranks"]
    tokens = []
    for line in ranks.splitlines():
        mark, first, *rest = line.split(" ")
        if mark != "!" or int(first) != len(tokens):
            sys.exit(f"vocabulary.py: {path}: a line begins with "
                     f"'{mark} {first}', expected '! {len(tokens)}'")
        tokens += [base64.b64decode(token, validate=True) for token in rest]
    if len(set(tokens)) != len(tokens) or len(tokens) >= (1 << ID_BITS) - 1:
        sys.exit(f"vocabulary.py: {path}: tokens are there twice, or too many")
    return tokens


def slots_of(tokens):
    """A table that is less than half full."""
    size = 1
    while size < 2 * len(tokens):
        size *= 2
    slots = [0] * size
    for number, token in enumerate(tokens):
        value = hash_of(token)
        at = value % size
        while slots[at]:
            at = (at + 1) % size
        slots[at] = value >> 50 << ID_BITS | number + 1
    return slots


def numbers(values):
    return struct.pack(f"<{len(values)}I", *values)


def pack(folder):
    head = b"LLMVOCAB" + numbers([1, len(ENCODINGS)])
    body = b""
    begin = HEAD + ENTRY * len(ENCODINGS)
    for name in ENCODINGS:
        tokens = read_tokens(os.path.join(folder, name + ".json"))
        offsets = [0]
        for token in tokens:
            offsets.append(offsets[-1] + len(token))
        slots = slots_of(tokens)
        places = []
        for part in (numbers(offsets), numbers(slots), b"".join(tokens)):
            places.append(begin + len(body))
            body += part + bytes(-len(part) % 8)
        head += name.encode().ljust(NAME, b"\0") + numbers(
            [len(tokens), max(map(len, tokens)), len(slots),
             places[0], places[2], places[1], 0])
    return head + body


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: vocabulary.py FOLDER OUTPUT")
    folder, output = sys.argv[1:]
    data = pack(folder)
    partial = f"{output}.{os.getpid()}"
    try:
        with open(partial, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        os.rename(partial, output)
    except OSError as error:
        sys.exit(f"vocabulary.py: {output}: {error.strerror}")


if __name__ == "__main__":
    main()
