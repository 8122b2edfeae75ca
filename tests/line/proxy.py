"""A proxy before the simulated LINE, which holds everything that passes against LINE's models."""

import http.client
import http.server
import json
import threading
import urllib.parse
from typing import NamedTuple

from models import ENDPOINTS, complaints_of, error_model


class Exchange(NamedTuple):
    """A request and its answer."""

    method: str
    path: str
    asked: bytes
    status: int
    headers: dict
    answered: bytes

    def endpoint(self):
        return f"{self.method} {self.path.partition('?')[0]}"

    def complaints(self):
        """What is not as LINE describes it."""
        request, answer = ENDPOINTS.get(self.endpoint(), (None, None))
        if self.status == 200:
            yield from complaints_of(answer, body_of(self.answered))
        else:
            yield from complaints_of(error_model(self.path), body_of(self.answered))
        # A request that is refused may be anything.
        if request and self.status in (200, 409):
            yield from complaints_of(request, body_of(self.asked))
        if "x-line-request-id" not in self.headers:
            yield "no x-line-request-id"
        if (self.status == 409) != ("x-line-accepted-request-id" in self.headers):
            yield "x-line-accepted-request-id belongs to a 409"


def body_of(data):
    return json.loads(data) if data else None


class Proxy:
    """Passes requests on to a server, and keeps each with its answer."""

    def __init__(self, server):
        self.exchanges = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(server, self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def statuses(self, endpoint):
        """The answers of an endpoint, in their order."""
        return [one.status for one in self.exchanges if one.endpoint() == endpoint]

    def complaints(self):
        return [
            f"{one.status} {one.endpoint()}: {complaint}"
            for one in self.exchanges
            for complaint in one.complaints()
        ]


def handler(server, proxy):
    host = urllib.parse.urlsplit(server).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self):
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request(self.command, self.path, asked, dict(self.headers))
            answer = connection.getresponse()
            answered = answer.read()
            connection.close()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            kept = Exchange(self.command, self.path, asked, answer.status, headers, answered)
            proxy.exchanges.append(kept)
            self.send_response(answer.status)
            for name, value in headers.items():
                if name not in ("content-length", "transfer-encoding", "date", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered)))
            self.end_headers()
            self.wfile.write(answered)

        do_GET = do_POST = do_PUT = pass_on

        def log_message(self, *_):
            pass

    return Handler
