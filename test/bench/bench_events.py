#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one event of a stream costs, for each provider and each client.

    make bench-events

Two tables: nanoseconds of CPU, and, where valgrind is installed, instructions,
which do not depend on what else the machine is doing. On the diagonal bytes
pass and are metered; elsewhere they are translated.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

DIALECTS = ['openai', 'openai-responses', 'anthropic', 'gemini', 'cohere', 'ollama']
FEW, MANY = 500, 1500


def nanoseconds(program, provider, client):
    done = subprocess.run([program, provider, client, '20000'], capture_output=True, text=True, check=True)
    return int(done.stdout)


def counted(program, provider, client, events, folder):
    done = subprocess.run(
        ['valgrind', '--tool=callgrind', f'--callgrind-out-file={folder}/out', program, provider, client,
         str(events)], capture_output=True, text=True, check=True, env={**os.environ, 'LLMGW_ONCE': '1'})
    return int(re.search(r'Collected : (\d+)', done.stderr)[1])


def instructions(program, provider, client):
    with tempfile.TemporaryDirectory(prefix='llmgw-events-') as folder:
        few, many = (counted(program, provider, client, n, folder) for n in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def table(title, cost):
    print(f'\n{title}\n')
    print('| provider \\ client | ' + ' | '.join(DIALECTS) + ' |')
    print('| --- |' + ' --- |' * len(DIALECTS), flush=True)
    for provider in DIALECTS:
        row = [cost(provider, client) for client in DIALECTS]
        base = row[DIALECTS.index(provider)]
        print(f'| {provider} | ' + ' | '.join(
            f'{n}' if client == provider else f'{n} ({n - base:+})'
            for client, n in zip(DIALECTS, row)) + ' |', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default='.')
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    program = str(build / 'test/bench/eventcost')
    table('Nanoseconds of CPU an event (more than passed through)',
          lambda provider, client: nanoseconds(program, provider, client))
    if shutil.which('valgrind'):
        table('Instructions an event (more than passed through)',
              lambda provider, client: instructions(program, provider, client))


if __name__ == '__main__':
    main()
