"""Frees threads from a server that has stopped answering: their sockets are shut down when their time is over.

libpq waits for an answer as long as the connection stands, and a stopped server keeps it standing.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator


class Watched:
    """One call. Its connection may become known later than its deadline is set."""

    def __init__(self, deadline_mono: float) -> None:
        self.deadline_mono = deadline_mono
        self.descriptor = -1
        self.is_cut = False


class Watchdog:
    """One thread, which sleeps until the first deadline; none before the first call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: set[Watched] = set()
        self._changed = threading.Condition()
        self._wakes_at_mono = float("inf")
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextlib.contextmanager
    def watch(self, seconds: float) -> Iterator[Watched]:
        call = Watched(time.monotonic() + seconds)
        with self._changed:
            self._calls.add(call)
            self._start()
            if call.deadline_mono < self._wakes_at_mono:
                self._changed.notify()
        try:
            yield call
        finally:
            with self._changed:  # after this its socket is another call's, and never cut for this one
                self._calls.discard(call)

    def attach(self, call: Watched, descriptor: int) -> None:
        """From now on the socket that *call* waits for."""
        with self._changed:
            call.descriptor = descriptor
            if call.is_cut:
                _shut_down(descriptor)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for call in self._calls:
                    if call.deadline_mono <= now and not call.is_cut:
                        call.is_cut = True
                        _shut_down(call.descriptor)
                waiting = [call.deadline_mono for call in self._calls if not call.is_cut]
                self._wakes_at_mono = min(waiting, default=float("inf"))
                self._changed.wait(None if not waiting else self._wakes_at_mono - now)


def _shut_down(descriptor: int) -> None:
    """Wakes whoever waits for it; the descriptor itself stays its owner's to close."""
    if descriptor < 0:
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(fileno=os.dup(descriptor)) as same,
    ):  # it may be closed already
        same.shutdown(socket.SHUT_RDWR)
