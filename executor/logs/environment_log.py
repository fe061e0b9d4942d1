"""The log of one environment: chunks of output become lines, and invocations get their platform lines.

START is written when an invocation first prints, so that a long one can be followed live; an invocation that
prints nothing costs its thread one tuple, at its end. State: the unfinished line and the current invocation.
On the loop's thread only.
"""

from collections.abc import Callable
from time import monotonic, time

from executor.logs import lines
from executor.logs.rate import BURST_LINES, RATE_LINES_S, RateCap
from executor.logs.records import FUNCTION, INIT_REPORT, INIT_START, LOGS_DROPPED, START, Call, Line
from executor.logs.segments import check_function_name
from executor.logs.splitter import LineSplitter
from executor.logs.store import FunctionLogs
from executor.logs.tail import TailBuffer

_PIECE = 4096  # bytes; as much as a tail shows


class EnvironmentLog:
    """:param stream: the environment's log stream name.

    :param clock: Unix seconds. :param mono: seconds that only go forward, for the cap.
    :raises ValueError: `function` is no function name.
    """

    __slots__ = (
        "_cap", "_clock", "_dropped_bytes", "_dropped_lines", "_function", "_lines_cap", "_logs", "_mono",
        "_request_id", "_runtime", "_splitter", "_started_at", "_stream", "_tail", "_unwritten_version",
    )  # fmt: skip

    def __init__(
        self,
        logs: FunctionLogs,
        *,
        function: str,
        stream: str,
        runtime: str,
        clock: Callable[[], float] = time,
        mono: Callable[[], float] = monotonic,
    ) -> None:
        check_function_name(function)
        self._logs = logs
        self._function = function
        self._stream = stream
        self._runtime = runtime
        self._clock = clock
        self._mono = mono
        self._cap = RateCap(mono())
        self._lines_cap = RateCap(mono(), rate_bytes_s=RATE_LINES_S, burst_bytes=BURST_LINES)
        self._splitter = LineSplitter()
        self._dropped_lines = 0
        self._dropped_bytes = 0
        self._request_id: str | None = None
        self._started_at = 0.0
        self._unwritten_version: str | None = None
        self._tail: TailBuffer | None = None

    def init_start(self) -> None:
        self._platform(INIT_START, lines.init_start(self._runtime))

    def init_report(self, *, init_s: float, phase: str, status: str, error_type: str | None = None) -> None:
        """An init that failed; one that succeeds is told of in its first REPORT."""
        self._take_lines(self._splitter.flush())
        shown = error_type and lines.shown_error_type(error_type)
        text = lines.init_report(init_ms=init_s * 1000, phase=phase, status=status, error_type=shown)
        self._platform(INIT_REPORT, text)

    def start(self, request_id: str, version: str, tail: TailBuffer | None = None) -> None:
        """An invocation was given to the environment. :param tail: gets all its lines."""
        self._request_id = request_id
        self._started_at = self._clock()
        self._unwritten_version = version
        self._tail = tail
        if tail is not None:
            tail.add(lines.start(request_id, version))

    def undelivered(self) -> None:
        """The invocation never reached the environment: nothing is said of it."""
        self._request_id = self._unwritten_version = self._tail = None

    def printed(self, chunk: bytes) -> None:
        """Output of the environment, ending anywhere. In pieces, so that a flood is noticed early."""
        for at in range(0, len(chunk), _PIECE):
            piece = chunk[at : at + _PIECE]
            is_last = at + _PIECE >= len(chunk)
            if self._lines_cap.is_spent(self._mono()) and not (is_last and self._tail is not None):
                piece = self._drop_lines(piece)
            self._take_lines(self._splitter.feed(piece))

    def end(
        self,
        request_id: str,
        *,
        duration_s: float,
        memory_mb: int,
        peak_mb: int,
        init_s: float | None = None,
        status: str = "success",
        error_type: str | None = None,
    ) -> None:
        """The invocation is over and all its output was handed over."""
        rest = self._splitter.flush()
        if rest:
            self._take_lines(rest)
        if self._dropped_lines:
            self._say_dropped()
        version, tail = self._unwritten_version, self._tail
        call = Call(
            self._started_at,
            self._clock(),
            self._function,
            self._stream,
            request_id,
            version,
            duration_s,
            memory_mb,
            peak_mb,
            init_s,
            status,
            error_type and lines.shown_error_type(error_type),
        )
        self._request_id = self._unwritten_version = self._tail = None
        self._logs.call(call)
        if tail is not None:
            tail.add(lines.end(request_id))
            tail.add(call.report())

    def close(self) -> None:
        """The environment is gone. Idempotent."""
        self._take_lines(self._splitter.flush())
        if self._dropped_lines:
            self._say_dropped()

    def _drop_lines(self, piece: bytes) -> bytes:
        """Count the whole lines without looking at each; return what is after the last."""
        end = piece.rfind(b"\n") + 1
        if end:
            self._say_start()
            self._dropped_lines += piece.count(b"\n", 0, end)
            self._dropped_bytes += self._splitter.forget() + end
        return piece[end:]

    def _say_start(self) -> None:
        request_id = self._request_id
        if request_id is not None and self._unwritten_version is not None:
            text = lines.start(request_id, self._unwritten_version)
            self._unwritten_version = None
            self._logs.line(Line(self._started_at, self._function, self._stream, START, request_id, text))

    def _take_lines(self, texts: list[str]) -> None:
        if not texts:
            return
        at, now, request_id = self._clock(), self._mono(), self._request_id
        self._say_start()
        for text in texts:
            if self._tail is not None:
                self._tail.add(text)
            # One more for the line's end: lines without text cost, too.
            if not (self._lines_cap.take(1, now) and self._cap.take(len(text) + 1, now)):
                self._dropped_lines += 1
                self._dropped_bytes += len(text) + 1
                continue
            if self._dropped_lines:
                self._say_dropped()
            self._logs.line(Line(at, self._function, self._stream, FUNCTION, request_id, text))

    def _say_dropped(self) -> None:
        text = lines.logs_dropped(self._dropped_lines, self._dropped_bytes, "rate")
        self._logs.dropped_records += self._dropped_lines
        self._dropped_lines = self._dropped_bytes = 0
        self._platform(LOGS_DROPPED, text)

    def _platform(self, kind: str, text: str) -> None:
        self._logs.line(Line(self._clock(), self._function, self._stream, kind, self._request_id, text))
