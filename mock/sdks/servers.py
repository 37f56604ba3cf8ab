"""Starts the programs under test, behind a proxy that counts requests and can cut answers off.

    python3 servers.py mock --cut 2=body --format azure

runs the mock until standard input ends. It prints its address, and then a line for each request.
"""

import argparse
import http.client
import http.server
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import NamedTuple

VARIABLES = {"mock": "TASKLIFE_MOCK", "server": "TASKLIFE_SERVER"}
READY = "listening on http://"


class Request(NamedTuple):
    """A request of a client, and the status of its answer."""

    method: str
    path: str
    status: int


class Program:
    """The mock or the server, on a free port."""

    def __init__(self, name, *options):
        quiet = ["--quiet"] if name == "mock" else []
        command = [os.environ[VARIABLES[name]], "--listen", "127.0.0.1:0", *quiet, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith(READY):
            self.stop()
            raise RuntimeError(f"expected {READY}ADDRESS from {command}, got {line!r}")
        self.address = line.removeprefix(READY)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class Proxy(http.server.ThreadingHTTPServer):
    """Forwards requests to an address, and returns the answers.

    `cuts` maps the number of a GET, from 1, to a fault: `body` sends half of the body that
    Content-Length announces, and `close` sends nothing.
    """

    daemon_threads = True

    def __init__(self, address, cuts=None, on_request=lambda request: None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = address
        self.cuts = cuts or {}
        self.on_request = on_request
        self.requests = []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def record(self, request):
        """Records a request, and returns how to cut its answer off, or None."""
        with self.lock:
            self.requests.append(request)
            self.on_request(request)
            gets = sum(request.method == "GET" for request in self.requests)
        return self.cuts.get(gets) if request.method == "GET" else None

    def polls(self, part="/tasks/"):
        """Returns the GETs whose path contains this part."""
        return [r for r in self.requests if r.method == "GET" and part in r.path]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, answer = self.fetch(body)
        cut = self.server.record(Request(self.command, self.path, status))
        if cut is not None:
            self.close_connection = True
        if cut == "close":
            return
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if cut == "body" else answer)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def fetch(self, body):
        """Returns the answer of the program. Forwards the header Host, so that links lead to the proxy."""
        connection = http.client.HTTPConnection(self.server.address, timeout=30)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def log_message(self, *_):
        pass


@contextmanager
def running(name, *options, cuts=None, on_request=lambda request: None):
    """Runs a program behind a proxy. The proxy has the `url` and the `requests`."""
    program = Program(name, *options)
    try:
        proxy = Proxy(program.address, cuts, on_request)
        thread = threading.Thread(target=proxy.serve_forever, args=[0.05])
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
            proxy.server_close()
    finally:
        program.stop()


def cut_of(text):
    number, kind = text.split("=")
    if kind not in ("body", "close"):
        raise ValueError(kind)
    return int(number), kind


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=VARIABLES)
    parser.add_argument("--cut", type=cut_of, action="append", default=[], metavar="N=body|close")
    arguments, options = parser.parse_known_args()

    def show(request):
        print(*request, flush=True)

    with running(arguments.name, *options, cuts=dict(arguments.cut), on_request=show) as proxy:
        print(f"listening on {proxy.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
