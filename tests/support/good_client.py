"""A well-behaved client that calls all the time, beside whatever a test does to the server."""

import threading
import time
from typing import Self

from tests.support.plain_http import Address, call

PAUSE_S = 0.02


class GoodClient:
    """Use ``with``; leaving it checks that every call succeeded.

    :param longest_s: no answer may take longer.
    """

    def __init__(self, address: Address, path: str = "/good", *, longest_s: float = 5.0) -> None:
        self.count = 0
        self.failures: list[str] = []
        self.slowest_s = 0.0
        self._address = address
        self._path = path
        self._longest_s = longest_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="good client")

    def _run(self) -> None:
        self._call()
        while not self._stop.wait(PAUSE_S):
            self._call()

    def _call(self) -> None:
        started = time.monotonic()
        try:
            reply = call(self._address, self._path, timeout_s=self._longest_s + 1)
            if reply.status != 200:
                self.failures.append(f"{reply.status} {reply.body[:80]!r}")
        except OSError as error:
            self.failures.append(repr(error))
        self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        self.count += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is None:
            assert not self.failures, self.failures[:5]
            assert self.slowest_s < self._longest_s
