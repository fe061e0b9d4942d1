"""Function logs: taken from the serving thread as tuples, written by one thread of its own.

Bounded three ways: what waits in memory, what is on disk, and (in `EnvironmentLog`) what one environment
prints a second. Whatever does not fit is dropped and counted, and the log itself says how much; nothing ever
waits for a disk. State: the queue here, the files of `Segments`.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from time import time

from executor.logs import lines
from executor.logs.records import LOGS_DROPPED, Call, Encoder, Line
from executor.logs.segments import Segments, check_function_name

BATCH_S = 0.05  # at 8,000 calls/s 20 wake-ups a second instead of 8,000; a reader sees a line within 0.1 s
# Rendering holds the interpreter lock. A slice of 32 calls takes about 0.3 ms and ends in a write, which lets
# the serving thread in.
SLICE = 32
MAX_PENDING_BYTES = 16 * 1024 * 1024  # half a second of disk stall at full load
LINES_SHARE = 0.75  # what functions print leaves a quarter for the platform's own records
ALL_ENVIRONMENTS = "-"  # the log stream of a record that concerns more than one
RECORD_BYTES = 600  # what a queued platform record or call costs, about


class FunctionLogs:
    """The log files of all functions.

    :param root: ``FUNCTION/N.jsonl`` are made below it.
    :param max_mb: all files together.
    """

    def __init__(self, root: Path, max_mb: int, *, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self.dropped_records = 0  # for metrics
        self._segments = Segments(root, max_mb * 1024 * 1024)
        self._encoder = Encoder()
        self._max_pending = max_pending_bytes
        self._max_pending_lines = int(max_pending_bytes * LINES_SHARE)
        self._lock = threading.Lock()
        self._written = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._known: set[str] = set()
        self._queue: list[Line | Call] = []
        self._pending = 0
        self._put = 0
        self._done = 0
        self._signalled = False
        self._closing = False
        self._lost: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        self._thread = threading.Thread(target=self._run, name="function-logs", daemon=True)
        self._thread.start()

    def line(self, item: Line) -> None:
        """Take one record. Any thread; never blocks on the disk."""
        size = len(item.text) + RECORD_BYTES
        self._take(item, size, self._max_pending_lines if item.type == "function" else self._max_pending)

    def call(self, item: Call) -> None:
        """Take the records of an invocation that is over. Any thread; never blocks on the disk."""
        self._take(item, RECORD_BYTES, self._max_pending)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all that was taken is written (or dropped); False when that took too long."""
        with self._written:
            wanted = self._put
            self._hurry.set()
            self._wake.set()
            return self._written.wait_for(lambda: self._done >= wanted, timeout_s)

    def close(self) -> None:
        """Write what is left and end the thread. Idempotent; what is taken afterwards is dropped."""
        with self._lock:
            self._closing = True
            self._hurry.set()
            self._wake.set()
        self._thread.join()

    def _take(self, item: Line | Call, size: int, limit: int) -> None:
        if item.function not in self._known:
            check_function_name(item.function)  # here, where the caller hears of it
            self._known.add(item.function)
        with self._lock:
            if self._pending + size > limit or self._closing:
                self.dropped_records += 1
                self._count_lost(item.function, item.env, "queue full", 1, size - RECORD_BYTES)
                return
            self._pending += size
            self._put += 1
            self._queue.append(item)
            if self._signalled:
                return
            self._signalled = True
        self._wake.set()

    def _count_lost(self, function: str, env: str, reason: str, records: int, size: int) -> None:
        """With the lock held."""
        lost = self._lost[function, env, reason]
        lost[0] += records
        lost[1] += size

    def _run(self) -> None:
        closing = False
        while not closing:
            self._wake.wait()
            self._hurry.wait(BATCH_S)
            with self._lock:
                batch, self._queue = self._queue, []
                lost, self._lost = self._lost, defaultdict(lambda: [0, 0])
                size, closing = self._pending, self._closing
                self._signalled = False
                self._hurry.clear()
                self._wake.clear()
            self._write_losses(lost)
            for at in range(0, len(batch), SLICE):
                self._write(batch[at : at + SLICE])
            with self._written:
                self._pending -= size
                self._done += len(batch)
                self._written.notify_all()
        self._segments.close()

    def _write_losses(self, lost: Mapping[tuple[str, str, str], list[int]]) -> None:
        for (function, env, reason), (records, size) in lost.items():
            text = lines.logs_dropped(records, size, reason)
            record = self._encoder.line(Line(time(), function, env, LOGS_DROPPED, None, text))
            try:
                self._segments.append(function, record)
            except OSError:  # still no room: say it later
                with self._lock:
                    self._count_lost(function, env, reason, records, size)

    def _write(self, batch: list[Line | Call]) -> None:
        texts: defaultdict[str, list[bytes]] = defaultdict(list)
        for item in batch:
            line = self._encoder.call(item) if isinstance(item, Call) else self._encoder.line(item)
            texts[item.function].append(line)
        for function, pieces in texts.items():
            self._append(function, pieces)

    def _append(self, function: str, pieces: list[bytes]) -> None:
        text = b"".join(pieces)
        try:
            self._segments.append(function, text)
        except OSError as error:
            with self._lock:
                self.dropped_records += len(pieces)
                self._count_lost(function, ALL_ENVIRONMENTS, error.strerror or "disk", len(pieces), len(text))
