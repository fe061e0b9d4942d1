"""``docker run`` of an image with unmodified awslambdaric, once for each call: a cold start without a server.

The Runtime API is a thread of the benchmark that gives one event and takes one answer. No limits but memory, no disk
of its own, no network rules, nothing read-only.
"""

import os
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.containers import engine

MEMORY_MB = 256  # the default of a function
_WAIT_S = 60.0
_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


class OneEvent(ThreadingHTTPServer):
    """:ivar answered: set with the answer. :ivar answered_at: ``perf_counter`` of that moment."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.answered = threading.Event()
        self.over = threading.Event()
        self.answered_at = 0.0
        self.answer = b""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"{self.server_address[0]!s}:{self.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OneEvent

    def do_GET(self) -> None:
        """``next``: the event, and then nothing more until the end."""
        if self.server.answered.is_set():
            self.server.over.wait()
            self.close_connection = True
            return
        deadline_ms = int((time.time() + _WAIT_S) * 1000)
        headers = {"Lambda-Runtime-Aws-Request-Id": _ID, "Lambda-Runtime-Deadline-Ms": str(deadline_ms)}
        self._say(200, b'{"rawPath": "/warm"}', headers)

    def do_POST(self) -> None:
        self.server.answer = self.rfile.read(int(self.headers["content-length"]))
        self.server.answered_at = time.perf_counter()
        self._say(202, b'{"status": "OK"}', {})
        self.server.answered.set()

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**own, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def first_answers(image: str, count: int, expected: bytes) -> list[float]:
    """Milliseconds from the command to the answer. :raises AssertionError: another answer, or none."""
    with engine() as client:
        network = client.networks.create(f"lockgate-bench-{os.getpid()}", driver="bridge")
        try:
            network.reload()
            host = network.attrs["IPAM"]["Config"][0]["Gateway"]
            return [_once(image, network.name, host, expected) for _ in range(count)]
        finally:
            network.remove()


def _once(image: str, network: str, host: str, expected: bytes) -> float:
    api = OneEvent(host)
    name = f"lockgate-bench-{api.server_address[1]}"
    began = time.perf_counter()
    try:
        subprocess.run(
            ["docker", "run", "--detach", "--name", name, "--network", network,
             "--memory", f"{MEMORY_MB}m", "--env", f"AWS_LAMBDA_RUNTIME_API={api.address}", image],
            check=True, capture_output=True, timeout=_WAIT_S,
        )  # fmt: skip
        assert api.answered.wait(_WAIT_S), f"{name}: no answer"
        assert api.answer == expected, api.answer[:200]
        return (api.answered_at - began) * 1000
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, timeout=_WAIT_S, check=False)
        api.close()
