"""One record of a function's log: as it stands in a file, and as a value.

The type says who speaks. Only the platform's own calls make a type other than ``function``, so nothing that a
function prints can pass for START, END or REPORT, whatever its text is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from executor.logs import lines

FUNCTION = "function"
START = "platform.start"
END = "platform.end"
REPORT = "platform.report"
INIT_START = "platform.initStart"
INIT_REPORT = "platform.initReport"
LOGS_DROPPED = "platform.logsDropped"


class Line(NamedTuple):
    """One record to write. `at` is Unix seconds; `type` one of the words above."""

    at: float
    function: str
    env: str
    type: str
    request_id: str | None
    text: str


class Call(NamedTuple):
    """One invocation that is over: END and REPORT, and START before them unless it is written already.

    A tuple, rendered by the writer's thread: the caller's thread is the one that serves.

    :param version: for START; None when START has been written.
    """

    started_at: float
    at: float
    function: str
    env: str
    request_id: str
    version: str | None
    duration_s: float
    memory_mb: int
    peak_mb: int
    init_s: float | None
    status: str
    error_type: str | None

    def report(self) -> str:
        return lines.report(
            self.request_id,
            duration_ms=self.duration_s * 1000,
            memory_mb=self.memory_mb,
            peak_mb=self.peak_mb,
            init_ms=None if self.init_s is None else self.init_s * 1000,
            status=self.status,
            error_type=self.error_type,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """A record read back. :param time: ISO 8601, UTC, in milliseconds; of one length, so it sorts as text."""

    time: str
    type: str
    function: str
    env: str
    request_id: str | None
    text: str

    @property
    def is_platform(self) -> bool:
        return self.type != FUNCTION


class Encoder:
    """Writes records as JSON lines. It remembers the last second's text; one thread may use it."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def line(self, item: Line) -> bytes:
        return self._encode(item.at, item.env, item.type, item.request_id, item.text)

    def call(self, item: Call) -> bytes:
        """END and REPORT, and START where it is still to be written."""
        request_id, env = _inner(item.request_id), _inner(item.env)
        # A serializer for each of three records would cost the machine 11 µs a call; this template costs 6.
        # What stands in it is escaped by `_inner`, or is the platform's own word or number.
        same = f'"requestId":"{request_id}","env":"{env}","record":"'
        time = self._time(item.at)
        text = (
            f'{{"time":"{time}","type":"{END}",{same}{lines.end(request_id)}"}}\n'
            f'{{"time":"{time}","type":"{REPORT}",{same}{_inner(item.report())}"}}\n'
        )
        if item.version is not None:
            start = lines.start(request_id, _inner(item.version))
            text = f'{{"time":"{self._time(item.started_at)}","type":"{START}",{same}{start}"}}\n{text}'
        return text.encode()

    def _encode(self, at: float, env: str, kind: str, request_id: str | None, text: str) -> bytes:
        record = {"time": self._time(at), "type": kind, "requestId": request_id, "env": env, "record": text}
        if request_id is None:
            del record["requestId"]
        try:
            return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        except orjson.JSONEncodeError:  # half of a surrogate pair; one bad text must not end the writer
            record["record"] = text.encode("utf-8", "replace").decode()
            return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)

    def _time(self, at: float) -> str:
        second, millisecond = divmod(int(at * 1000 + 0.5), 1000)
        if second != self._second:
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._prefix}.{millisecond:03d}Z"


def _inner(text: str) -> str:
    """The text as it stands between the quotes of a JSON string."""
    return orjson.dumps(text).decode()[1:-1]


def decode(function: str, line: bytes) -> LogRecord | None:
    """Read one line of a file; None when it is not a whole record (a crash cut it)."""
    try:
        raw = orjson.loads(line)
        return LogRecord(
            time=str(raw["time"]),
            type=str(raw["type"]),
            function=function,
            env=str(raw["env"]),
            request_id=raw.get("requestId"),
            text=str(raw["record"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
