"""Mailboxes of many people on one mail server: the codes that arrived, by address, in Python and over HTTP."""

import queue
import threading
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.support.mail_server import ARRIVES_S, Arrived, MailServer


class Postbox:
    """`with Postbox() as post:`. Programs in other languages ask `url` for ``/code?to=ADDRESS``."""

    def __init__(self) -> None:
        self.server = MailServer()
        self._lock = threading.Lock()
        self._read: defaultdict[str, deque[Arrived]] = defaultdict(deque)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, name="postbox")
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @property
    def port(self) -> int:
        """Of the mail server."""
        return self.server.port

    def mail(self, address: str) -> Arrived:
        """The oldest one to *address* that nobody has read, when it is there."""
        with self._lock:
            while not self._read[address]:
                arrived = self.server.arrived()
                for recipient in arrived.recipients:
                    self._read[recipient].append(arrived)
            return self._read[address].popleft()

    def code(self, address: str) -> str:
        """In the next mail to *address* that holds one; what was changed on an account is told without."""
        while True:
            arrived = self.mail(address)
            if arrived.has_code:
                return arrived.code

    def __enter__(self) -> Self:
        self.server.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join(ARRIVES_S)
        self._http.server_close()
        self.server.__exit__()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        postbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = parse_qs(urlsplit(self.path).query)["to"][0]
                try:
                    status, body = 200, postbox.code(address).encode()
                except queue.Empty:
                    status, body = 404, b""
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test prints what it has seen."""

        return Handler
