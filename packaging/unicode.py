#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes mod_llm_gateway/core/llm_unicode.def: the classes of characters that
the pre-tokenizers of OpenAI's encodings tell apart.

    python3 packaging/unicode.py >mod_llm_gateway/core/llm_unicode.def

The version of Unicode matters: the encoder of the npm package tiktoken 1.0.22
is compiled with regex-syntax 0.8.5, whose tables are those of Unicode 16.0.
Python's own are another version's, so that the module unicodedata2 16.0.0 is
asked (python3 -m pip install unicodedata2==16.0.0).
"""
import sys

import unicodedata2

VERSION = "16.0.0"
CLASSES = {"Lu": "UPPER", "Lt": "UPPER", "Ll": "LOWER", "Lm": "LETTER",
           "Lo": "LETTER", "Mn": "MARK", "Mc": "MARK", "Me": "MARK",
           "Nd": "NUMBER", "Nl": "NUMBER", "No": "NUMBER"}
# White_Space, which is no general category; it does not change any more.
SPACES = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
          0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def class_of(point):
    if point in SPACES:
        return "SPACE"
    return CLASSES.get(unicodedata2.category(chr(point)), "OTHER")


def runs():
    """(first, last, class), without what is OTHER."""
    first, name = 0x80, class_of(0x80)
    for point in range(0x81, 0x110001):
        now = class_of(point) if point < 0x110000 else None
        if now != name:
            if name != "OTHER":
                yield first, point - 1, name
            first, name = point, now


def joined():
    """Where upper and lower take turns, one range PAIRS says so."""
    pairs = None
    for first, last, name in runs():
        single = first == last and name in ("UPPER", "LOWER")
        if single and pairs and first == pairs[1] + 1:
            pairs = (pairs[0], last)
            continue
        if pairs:
            yield (*pairs, "PAIRS")
            pairs = None
        if single and name == "UPPER":
            pairs = (first, last)
        else:
            yield first, last, name
    if pairs:
        yield (*pairs, "PAIRS")


def main():
    if unicodedata2.unidata_version != VERSION:
        sys.exit(f"unicode.py: needs the tables of Unicode {VERSION}, not "
                 f"{unicodedata2.unidata_version}")
    print("/* SPDX-License-Identifier: Apache-2.0 */\n"
          "/* Made by packaging/unicode.py of Unicode "
          f"{VERSION}: do not edit.\n"
          " *\n"
          " * CLASS(first, last), in order. What is in no range is OTHER; PAIRS:"
          "\n * UPPER and LOWER take turns, UPPER first. */")
    line = ""
    for first, last, name in joined():
        item = f"{name}(0x{first:X}, 0x{last:X})"
        if line and len(line) + 1 + len(item) > 80:
            print(line)
            line = ""
        line = f"{line} {item}" if line else item
    print(line)


if __name__ == "__main__":
    main()
