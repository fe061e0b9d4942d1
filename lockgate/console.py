"""What the running server says on stderr: JSON lines for machines (`serve`) or lines that a person reads (`dev`)."""

import logging
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TextIO

from executor.logs.escaping import escaped
from kit.json_log import JsonLog, Level, Sink
from lockgate.parts.shared_stderr import shared_sink

_LEVELS: dict[int, Level] = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning"}
_RESET, _DIM, _RED, _GREEN, _YELLOW, _BOLD = (
    "\x1b[0m",
    "\x1b[2m",
    "\x1b[31m",
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[1m",
)


class Console:
    """Owns the stream (stderr) while the server runs. It also takes what our modules log with `logging`.

    :param part: which of the server's processes this is; its events say so.
    :param lock: see `lockgate.parts.shared_stderr`; None: nobody else writes to the stream.
    """

    def __init__(self, stream: TextIO, *, dev: bool, part: str = "", lock: int | None = None) -> None:
        self._stream = stream
        self._colour = dev and stream.isatty() and "NO_COLOR" not in os.environ
        self._log = None if dev else JsonLog(_sink(stream.fileno(), lock))
        self._part = part
        self._handler = _Forward(self)

    def access(self, record: Mapping[str, object]) -> None:
        """One request. Never blocks."""
        if self._log is None:
            self._write(self._access_line(record))
        else:
            self._log.emit(record)

    def event(self, kind: str, *, level: Level = "info", **fields: object) -> None:
        """Something the operator should know."""
        if self._log is None:
            text = visible(" ".join([kind, *(str(value) for value in fields.values())]))
            self._write(self._paint(_YELLOW if level in ("warning", "error") else _DIM, text))
        else:
            self._emit(kind, level, fields)

    def say(self, text: str) -> None:
        """A sentence for the person who started the server."""
        if self._log is None:
            self._write(visible(text))
        else:
            self._emit("start", "info", {"message": text})

    def warn(self, text: str) -> None:
        """A sentence that must not be missed: one red line, in every mode."""
        if self._log is None:
            self._write(self._paint(_RED + _BOLD, visible(text)))
        else:
            self._emit("warning", "warning", {"message": text})

    def news(self, kind: str, text: str, *, level: Level = "info", **fields: object) -> None:
        """An event for machines, *text* for a person: whole lines, made harmless by who made them."""
        if self._log is None:
            self._write(self._paint(_GREEN, text) if level == "info" else text)
        else:
            self._emit(kind, level, fields)

    def _emit(self, kind: str, level: Level, fields: Mapping[str, object]) -> None:
        assert self._log is not None
        if self._part:
            fields = {"part": self._part, **fields}
        self._log.event(kind, level=level, **fields)

    @property
    def colour(self) -> bool:
        """Whether text for a person may be painted."""
        return self._colour

    def function_line(self, function: str, text: str) -> None:
        """What a function printed, shown while one develops."""
        self._write(f"    {self._paint(_DIM, function)}  {escaped(text)}".replace("\n", "\n    "))

    @property
    def dropped(self) -> int:
        return 0 if self._log is None else self._log.dropped

    def _access_line(self, record: Mapping[str, object]) -> str:
        status = _number(record, "status")
        colour = _GREEN if status < 400 else _YELLOW if status < 500 else _RED
        latency_ms = _number(record, "latency_us") / 1000
        cold = _number(record, "init_us") + _number(record, "start_us")
        note = f"  cold start {cold / 1000:.1f} ms" if cold else ""
        reason = record.get("integrationErrorMessage") or (record.get("denial") and record["error.message"])
        note += f"  {visible(str(reason))}" if reason else ""
        line = f"{self._paint(colour, str(status))} {record.get('httpMethod')} {visible(str(record.get('path')))}"
        return f"{line}  {self._paint(_DIM, f'{latency_ms:.1f} ms{note}')}"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour else text

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        root = logging.getLogger("lockgate")
        root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        root.propagate = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("lockgate").removeHandler(self._handler)
        if self._log is not None:
            self._log.close()


def _sink(stream: int, lock: int | None) -> Sink | int:
    return stream if lock is None else shared_sink(stream, lock)


class _Forward(logging.Handler):
    """Brings what our modules log to the console."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        level = _LEVELS.get(record.levelno, "error")
        fields: dict[str, object] = {"message": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._console.event(record.name, level=level, **fields)


def visible(text: str) -> str:
    """A client's path or a function's words must not drive the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def _number(record: Mapping[str, object], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
