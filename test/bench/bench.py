#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: what the gateway costs, beside other ways to the same provider.

    make bench                        everything, about 12 minutes
    test/bench/bench.py --quick       a look, about 3 minutes
    test/bench/bench.py --only rps    one part: rps, latency, first, streams

One mock provider (mockllm) answers all of them: called directly, through stock
mod_proxy_http, through nginx where it is installed, and through the gateway
with client keys and metering on, passing one dialect through and translating
OpenAI's to Anthropic's. All run in the same minutes on the same machine, in
interleaved rounds, so that a busy neighbour hits all alike: trust the ratios
and the CPU time per request, not requests per second from different runs.

The programs come from the build folder (--build, or $LLMGW_BUILD).
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODEL = 'mock'
KEY_HEADER = 'Authorization: Bearer '


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(port, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        with socket.socket() as s:
            if s.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f'bench: nothing listens on port {port}')


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          **options).stdout


class Httpd:
    """A private httpd of its own configuration."""

    def __init__(self, folder, name, body, threads):
        self.port = free_port()
        self.folder = folder / name
        self.folder.mkdir()
        self.program = shutil.which('apache2') or shutil.which('httpd')
        if not self.program:
            sys.exit('bench: no apache2 or httpd here')
        modules = run('apxs', '-q', 'LIBEXECDIR').strip()
        loads = ''.join(
            f'LoadModule {m}_module {modules}/mod_{m}.so\n'
            for m in ('mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy',
                      'proxy_http', 'env')
            if os.path.exists(f'{modules}/mod_{m}.so'))
        user = 'User www-data\nGroup www-data\n' if os.geteuid() == 0 else ''
        if user:
            shutil.chown(self.folder, 'www-data', 'www-data')
        children, per_child = threads
        (self.folder / 'httpd.conf').write_text(f'''\
ServerRoot {self.folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{self.port}
PidFile {self.folder}/httpd.pid
DefaultRuntimeDir {self.folder}
ErrorLog {self.folder}/error.log
LogLevel warn
{loads}{user}ServerLimit {children}
StartServers {children}
ThreadLimit {max(per_child, 64)}
ThreadsPerChild {per_child}
MaxRequestWorkers {children * per_child}
MinSpareThreads {children * per_child}
MaxSpareThreads {children * per_child}
MaxKeepAliveRequests 0
KeepAliveTimeout 60
Timeout 120
ThreadStackSize 262144
ReadBufferSize 65536
{body.replace('@FOLDER@', str(self.folder))}
''')

    def start(self):
        run(self.program, '-f', str(self.folder / 'httpd.conf'), '-k', 'start')
        wait_for(self.port)
        pid_file = self.folder / 'httpd.pid'
        while not pid_file.exists() or not pid_file.read_text().strip():
            time.sleep(0.05)
        self.pid = int(pid_file.read_text())
        return self

    def stop(self):
        subprocess.run([self.program, '-f', str(self.folder / 'httpd.conf'), '-k', 'stop'],
                       capture_output=True, check=False)
        for _ in range(200):
            if not (self.folder / 'httpd.pid').exists():
                return
            time.sleep(0.05)


class Nginx:
    def __init__(self, folder, upstream):
        self.port = free_port()
        self.folder = folder / 'nginx'
        self.folder.mkdir()
        user = 'user www-data;\n' if os.geteuid() == 0 else ''
        (self.folder / 'nginx.conf').write_text(f'''\
{user}worker_processes 2;
worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[1]};
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 32m; client_body_buffer_size 1m; keepalive_requests 100000000;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_buffering off; proxy_read_timeout 300s; }}
  }}
}}
''')

    def start(self):
        run('nginx', '-c', str(self.folder / 'nginx.conf'), '-p', str(self.folder))
        wait_for(self.port)
        self.pid = int((self.folder / 'nginx.pid').read_text())
        return self

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)


STOCK = '''\
<Proxy http://127.0.0.1:{mock}>
  ProxySet keepalive=On
</Proxy>
ProxyPass / http://127.0.0.1:{mock}/
'''

GATEWAY = '''\
LoadModule llm_gateway_module {module}
LLMStore bdb:@FOLDER@/store
LLMPrices {prices}
LLMMaxInFlight {most}
<LLMProvider mock>
  LLMDialect openai
  LLMBaseURL http://127.0.0.1:{mock}
  LLMKey none
</LLMProvider>
<LLMProvider claude>
  LLMDialect anthropic
  LLMBaseURL http://127.0.0.1:{mock}
  LLMKey none
</LLMProvider>
<LLMModel "mock*">
  LLMTarget {provider} "mock*"
</LLMModel>
<Location "/">
  LLMGateway On
  AuthType LLMKey
  Require valid-user
</Location>
'''


class Bench:
    def __init__(self, build, quick):
        self.build = build
        self.quick = quick
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='llmgw-bench-'))
        self.folder.chmod(0o755)
        self.mock_port = free_port()
        self.mock = subprocess.Popen([str(build / 'test/bench/mockllm'), '-p', str(self.mock_port)])
        wait_for(self.mock_port)
        self.servers = {}

    def gateway(self, name, provider, threads):
        module = self.build / 'mod_llm_gateway/.libs/mod_llm_gateway.so'
        server = Httpd(self.folder, name, GATEWAY.format(
            module=module, mock=self.mock_port, provider=provider,
            most=threads[0] * threads[1],
            prices=HERE.parent.parent / 'conf/prices.json'), threads).start()
        out = run(str(self.build / 'llmgwctl/llmgwctl'), '--store', str(server.folder / 'store'),
                  '--json', 'key', 'create', 'bench')
        server.key = json.loads(out)['secret']
        return server

    def start(self, threads, translated=True):
        self.stop()
        tag = str(len(list(self.folder.iterdir())))
        self.servers = {'stock mod_proxy_http': Httpd(
            self.folder, 'stock' + tag, STOCK.format(mock=self.mock_port), threads).start()}
        if shutil.which('nginx'):
            shutil.rmtree(self.folder / 'nginx', ignore_errors=True)
            self.servers['nginx'] = Nginx(self.folder, self.mock_port).start()
        self.servers['gateway'] = self.gateway('gateway' + tag, 'mock', threads)
        if translated:
            self.servers['gateway, translating'] = self.gateway('translating' + tag, 'claude', threads)

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self.servers = {}

    def load(self, name, *options):
        server = self.servers.get(name)
        port = server.port if server else self.mock_port
        pid = server.pid if server else self.mock.pid
        command = [str(self.build / 'test/bench/llmload'), '-j', '-W', str(pid)]
        if hasattr(server, 'key'):
            command += ['-H', KEY_HEADER + server.key]
        out = run(*command, *options, f'http://127.0.0.1:{port}/v1/chat/completions')
        return json.loads(out)

    def rounds(self, names, count, *options):
        """Interleaved: every server once a round."""
        runs = {name: [] for name in names}
        for _ in range(count):
            for name in names:
                runs[name].append(self.load(name, *options))
        return runs

    def close(self):
        self.stop()
        self.mock.terminate()
        self.mock.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def median(runs, *keys):
    values = []
    for one in runs:
        for key in keys:
            one = one[key]
        values.append(one)
    return statistics.median(values)


def ratio(runs, base, key):
    return statistics.median(a[key] / b[key] for a, b in zip(runs, base) if b[key])


def table(title, columns, rows):
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
    print(f'\n{title}\n')
    for row in [columns, ['-' * w for w in widths], *rows]:
        print('| ' + ' | '.join(str(c).ljust(w) for c, w in zip(row, widths)) + ' |')
    sys.stdout.flush()


def failed(runs):
    return sum(one['errors'] for one in runs)


def bench_rps(bench):
    count, seconds = (2, '2') if bench.quick else (5, '4')
    bench.start((2, 64))
    names = ['direct', *bench.servers]
    for size, label in ((1024, '1 KB'), (102400, '100 KB')):
        runs = bench.rounds(names, count, '-c', '64', '-t', seconds, '-w', '0.5', '-P', str(size))
        stock = runs['stock mod_proxy_http']
        table(f'Requests, {label} prompts, 64 connections, closed loop', 
              ['path', 'requests/s', 'x stock', 'CPU us/request', 'p50 ms', 'p99 ms', 'errors'],
              [[name, f"{median(runs[name], 'rps'):.0f}", f"{ratio(runs[name], stock, 'rps'):.2f}",
                f"{median(runs[name], 'cpu_us_per_req'):.0f}", f"{median(runs[name], 'lat_ms', 'p50'):.2f}",
                f"{median(runs[name], 'lat_ms', 'p99'):.2f}", failed(runs[name])] for name in names])


def bench_latency(bench):
    count, seconds = (1, '3') if bench.quick else (3, '6')
    if not bench.servers:
        bench.start((2, 64))
    names = ['direct', *bench.servers]
    runs = bench.rounds(names, count, '-c', '64', '-r', '500', '-t', seconds, '-w', '1')
    direct = runs['direct']
    table('Added latency at 500 requests/s, 1 KB prompts, open loop',
          ['path', 'p50 ms', 'p99 ms', 'added p50 ms', 'added p99 ms', 'CPU us/request', 'errors'],
          [[name, f"{median(runs[name], 'lat_ms', 'p50'):.3f}", f"{median(runs[name], 'lat_ms', 'p99'):.3f}",
            f"{median(runs[name], 'lat_ms', 'p50') - median(direct, 'lat_ms', 'p50'):.3f}",
            f"{median(runs[name], 'lat_ms', 'p99') - median(direct, 'lat_ms', 'p99'):.3f}",
            f"{median(runs[name], 'cpu_us_per_req'):.0f}", failed(runs[name])] for name in names])


def bench_first(bench):
    count, seconds = (1, '4') if bench.quick else (3, '8')
    if not bench.servers:
        bench.start((2, 64))
    names = ['direct', *bench.servers]
    runs = bench.rounds(names, count, '-S', '-c', '100', '-R', '1000', '-t', seconds, '-w', '1',
                        '-m', 'mock;d=20;n=20;i=20;s=16')
    direct = runs['direct']
    table('Streams: 100 at 50 events/s each: first token and events',
          ['path', 'first token p50 ms', 'added p50 ms', 'lag/event p50 ms', 'p99 ms', 'CPU us/event', 'errors'],
          [[name, f"{median(runs[name], 'first_ms', 'p50'):.2f}",
            f"{median(runs[name], 'first_ms', 'p50') - median(direct, 'first_ms', 'p50'):.2f}",
            f"{median(runs[name], 'lag_ms', 'p50'):.3f}", f"{median(runs[name], 'lag_ms', 'p99'):.3f}",
            f"{median(runs[name], 'cpu_us_per_event'):.1f}", failed(runs[name])] for name in names])


def bench_streams(bench):
    sizes = (1000,) if bench.quick else (1000, 5000, 10000)
    rows = []
    bench.start((11, 1000), translated=False)
    idle = {name: bench.load(name, '-c', '1', '-n', '1', '-t', '2') for name in bench.servers}
    for streams in sizes:
        for name in bench.servers:
            one = bench.load(name, '-S', '-c', str(streams), '-R', '2500', '-m', 'mock;n=90;i=1000;s=40',
                             '-t', str(8 + streams // 2000), '-w', str(3 + streams // 2000))
            rows.append([streams, name, one['peak_streams'], f"{one['lag_ms']['p50']:.2f}",
                         f"{one['lag_ms']['p99']:.2f}", f"{one['pss_kb'] / 1024:.0f}",
                         f"{(one['pss_kb'] - idle[name]['pss_kb']) / streams:.0f}",
                         f"{one['cpu_us_per_event']:.0f}", one['threads'], one['errors']])
            time.sleep(2)
    table('Open streams, one event a second each (11 x 1000 threads)',
          ['streams', 'path', 'held', 'lag p50 ms', 'p99 ms', 'PSS MB', 'KB/stream over idle',
           'CPU us/event', 'threads', 'errors'], rows)


PARTS = {'rps': bench_rps, 'latency': bench_latency, 'first': bench_first, 'streams': bench_streams}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default=os.environ.get('LLMGW_BUILD', '.'))
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--only', choices=sorted(PARTS))
    options = parser.parse_args()
    bench = Bench(pathlib.Path(options.build).resolve(), options.quick)
    try:
        for name, part in PARTS.items():
            if options.only in (None, name):
                part(bench)
    finally:
        bench.close()


if __name__ == '__main__':
    main()
