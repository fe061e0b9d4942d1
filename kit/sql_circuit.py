"""A server that is known to be down costs its callers nothing: they are told at once, while one thread asks it."""

import threading
from collections.abc import Callable

FIRST_TRY_S = 0.05
LONGEST_WAIT_S = (
    1.0  # between two tries: the first good call comes at most that long after the server is back
)


class Circuit:
    """Closed: calls go through. Open: they are refused until *probe* has succeeded.

    :param probe: asks the server, on a thread of its own; raises while it is down.
    :param recovered: called before the first call goes through again.
    """

    def __init__(
        self, name: str, probe: Callable[[], None], recovered: Callable[[], None], *, down: type[Exception]
    ) -> None:
        self._name = name
        self._probe = probe
        self._recovered = recovered
        self._down = down
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.why: str | None = None  # the text for the log while it is open

    def open(self, why: str) -> None:
        """Something went wrong that means the server, not the call."""
        with self._lock:
            if self.why is not None or self._closing.is_set():
                return
            self.why = why
            self._thread = threading.Thread(target=self._watch, name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """For good: the thread ends."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        pause_s = FIRST_TRY_S
        while not self._closing.is_set():
            try:
                self._probe()
            except self._down as error:
                self.why = str(error)
                self._closing.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            else:
                self._recovered()
                with self._lock:
                    self.why = None
                return
