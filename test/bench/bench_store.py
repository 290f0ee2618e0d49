#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times of llmgwctl with a large store.

storefill makes a store of so many keys and usage records; then each command is
timed while an owner has the store, as it is while a gateway runs, so what is
timed is the whole command: a process, the socket, the answer, its printing.
Prints the median and the slowest of some runs.

    bench_store.py [--build DIR] [--keys N] [--records N] [--days N] [--keep]
"""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

MONTH = ["--since", "30d"]
COMMANDS = [
    # what is timed, how often, words
    ("usage of 30 days by model", 9, ["usage", "--by", "model", *MONTH]),
    ("usage of 30 days by key and model, the top 20", 9,
     ["usage", *MONTH, "--top", "20"]),
    ("usage of 30 days by team", 9, ["usage", "--by", "team", *MONTH]),
    ("usage of 30 days by day, a zone", 9,
     ["usage", "--by", "day", "--tz", "Europe/Berlin", *MONTH]),
    ("usage of 30 days by key, the top 20", 9,
     ["usage", "--by", "key", "--top", "20", *MONTH]),
    ("usage of one key, 30 days by day", 9,
     ["usage", "--key", "key7", "--by", "day", *MONTH]),
    ("usage of one key, 30 days by model", 9,
     ["usage", "--key", "key7", "--by", "model", *MONTH]),
    ("usage of a day by hour", 9, ["usage", "--by", "hour", "--since", "24h"]),
    ("usage of a day by user (records)", 3,
     ["usage", "--by", "user", "--since", "24h"]),
    ("usage of 7 days by tag (records)", 3,
     ["usage", "--by", "tag", "--since", "7d"]),
    ("usage of 30 days by status (records)", 1,
     ["usage", "--by", "status", *MONTH]),
    ("events, the latest 20", 9, ["events"]),
    ("key list, all of it", 3, ["key", "list", "--format", "csv"]),
    ("key list, all of it, a table", 3, ["key", "list"]),
    ("key show", 9, ["key", "show", "key7"]),
    ("key create", 100, ["key", "create", "{new}"]),
]


def fill(arguments, folder):
    subprocess.run(
        [os.path.join(arguments.build, "test/bench/storefill"), folder,
         str(arguments.keys), str(arguments.records), str(arguments.days)],
        check=True)


def size_of(folder):
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, names in os.walk(folder) for name in names)


def start_owner(arguments, folder):
    owner = subprocess.Popen(
        [os.path.join(arguments.build, "test/bench/storefill"), "--own", folder],
        stdout=subprocess.PIPE)
    if owner.stdout.readline().strip() != b"ready":
        sys.exit("no owner could be started")
    return owner


def run_once(arguments, folder, words, number):
    words = [word.format(new=f"new-{number}") for word in words]
    command = [os.path.join(arguments.build, "llmgwctl/llmgwctl"),
               "--store", folder, *words]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.monotonic() - began) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=".")
    parser.add_argument("--keys", type=int, default=100000)
    parser.add_argument("--records", type=int, default=10000000)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--keep", action="store_true", help="the store")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="llmgw-bench-")
    store = os.path.join(folder, "store")
    number = 0
    try:
        fill(arguments, store)
        print(f"{size_of(store) / 1e6:.0f} MB on disk")
        owner = start_owner(arguments, store)
        print(f"{'ms':>10} {'slowest':>10}  command")
        for name, runs, words in COMMANDS:
            times = []
            for _ in range(runs):
                number += 1
                times.append(run_once(arguments, store, words, number))
            print(f"{statistics.median(times):10.1f} {max(times):10.1f}  {name}",
                  flush=True)
        owner.send_signal(signal.SIGTERM)
        owner.wait()
    finally:
        if arguments.keep:
            print(folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
