"""A log of JSON lines: access records and server events.

The caller's thread turns the record into bytes (1-2 µs) and a thread of the log's own writes them in batches,
so that no request ever waits for a disk or a pipe; what does not fit in the queue is dropped and counted.
Serialising here and not in the thread is on purpose: a batch serialised there would hold the interpreter lock
for milliseconds at a time. Secrets and sizes are `kit.log_record`'s business.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from kit.log_record import MAX_LINE_BYTES, LogRecordEncoder

Level = Literal["debug", "info", "warning", "error"]
Sink = Callable[[bytes], None]

MAX_QUEUED_LINES = 16_384  # two seconds of access log at full load
MAX_QUEUED_BYTES = 16 * 1024 * 1024
FLUSH_DELAY_S = 0.05


class JsonLog:
    """One stream of records. Safe to use from any thread; owns one thread until `close`.

    :param sink: a file descriptor (stays the caller's), or what takes a batch of whole lines and may block.
    """

    def __init__(
        self,
        sink: Sink | int,
        *,
        max_lines: int = MAX_QUEUED_LINES,
        max_bytes: int = MAX_QUEUED_BYTES,
        delay_s: float = FLUSH_DELAY_S,
    ) -> None:
        self._write = _descriptor_sink(sink) if isinstance(sink, int) else sink
        self._encode = LogRecordEncoder()
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._delay_s = delay_s
        # Reentrant: a signal handler may log while this thread is inside `emit`.
        self._lock = threading.RLock()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._dropped = 0
        self._reported = 0
        self._arrived = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="json-log", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<JsonLog queued={len(self._lines)} dropped={self._dropped}>"

    @property
    def dropped(self) -> int:
        """Records lost until now: no room in the queue, the sink failed, or the log was closed."""
        return self._dropped

    def emit(self, record: Mapping[str, object]) -> None:
        """Queue one record. Never blocks and never raises."""
        self._queue(self._encode(record))

    def raw(self, line: bytes) -> None:
        """Queue a line that is text for a person, newline included. Cut at `MAX_LINE_BYTES`."""
        self._queue(line if len(line) <= MAX_LINE_BYTES else line[: MAX_LINE_BYTES - 1] + b"\n")

    def _queue(self, line: bytes) -> None:
        with self._lock:
            lines = self._lines
            held = self._bytes + len(line)
            if held > self._max_bytes or len(lines) >= self._max_lines:
                self._dropped += 1
                return
            lines.append(line)
            self._bytes = held
            if len(lines) == 1:
                self._arrived.set()

    def event(self, kind: str, *, level: Level = "info", **fields: object) -> None:
        """Queue a server event: ``{"time", "level", "event", **fields}``."""
        self.emit({"time": utc_text(time.time()), "level": level, "event": kind, **fields})

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what is queued and end the thread. Idempotent.

        :returns: False if the sink took longer; its thread is then left behind.
        """
        with self._lock:
            self._max_lines = 0  # from here on all is dropped
        self._closing.set()
        self._arrived.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            closing = self._closing.wait(self._delay_s)
            self._arrived.clear()
            self._flush()
            if closing:
                return

    def _flush(self) -> None:
        with self._lock:
            lines, self._lines, self._bytes = self._lines, [], 0
            lost = self._dropped - self._reported
            self._reported = self._dropped
        if lost:
            notice = {
                "time": utc_text(time.time()),
                "level": "warning",
                "event": "log_dropped",
                "records": lost,
            }
            lines.append(self._encode(notice))
        if not lines:
            return
        try:
            self._write(b"".join(lines))
        except (OSError, ValueError):  # a full disk, a reader that went away, a closed file
            with self._lock:
                self._dropped += len(lines)


_second = (-1, "")


def utc_text(unix_s: float) -> str:
    """``2026-03-04T05:06:07.089Z``; the part before the dot is made once a second."""
    global _second
    millis = int(unix_s * 1000)
    whole = millis // 1000
    second, text = _second
    if whole != second:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{millis % 1000:03d}Z"


def _descriptor_sink(descriptor: int) -> Sink:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:  # someone who shares this pipe or terminal made it non-blocking
                poller = select.poll()
                poller.register(descriptor, select.POLLOUT)
                poller.poll(1000)

    return write
