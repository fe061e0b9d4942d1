"""A line between two processes of the server: either side asks the other, or tells it something without an answer.

Frames are JSON objects behind their length (4 bytes, big-endian): ``{"ask": VERB, "id": N, "with": {…}}``,
``{"answer": N, "value": {…}}``, ``{"failed": N, "why": TEXT, "mistake": BOOL}``, ``{"tell": VERB, "with": {…}}``.
Asks are answered as they are done, in any order. Whoever loses the line learns it from each ask that waits.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from lockgate.errors import ConfigurationError

# A routes file of 5 MiB as JSON, with every value in it from a file, and room.
MAX_FRAME_BYTES = 64 * 1024 * 1024
_HEAD = struct.Struct(">I")
_PEER_CREDENTIALS = struct.Struct("iII")  # unix(7): struct ucred: pid, uid, gid

log = logging.getLogger("lockgate.line")

# Any: JSON objects, which the handler of their verb reads.
Value = Mapping[str, Any]
Handler = Callable[[Value], Awaitable[Value | None]]


class LineLost(ConnectionError):
    """The other side is gone, or does not answer any more."""


class Line:
    """Over a connected stream. Run `run` in a task; it returns when the line is lost.

    :param handlers: verb → what to do when asked or told. Unknown verbs are refused.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handlers: Mapping[str, Handler] | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.handlers = handlers or {}
        self._waiting: dict[int, asyncio.Future[Value]] = {}
        self._next_id = 1
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_lost = False

    async def ask(self, verb: str, value: Value | None = None, *, timeout_s: float) -> Value:
        """:raises ConfigurationError: the other side says that what was sent cannot be.
        :raises LineLost: there is no answer, and none will come. After a timeout the line is closed.
        """
        if self.is_lost:
            raise LineLost(verb)
        number, self._next_id = self._next_id, self._next_id + 1
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"ask": verb, "id": number, "with": value or {}})
        try:
            async with asyncio.timeout(timeout_s):
                answer: Value = await future
        except TimeoutError as error:
            self.close()  # what comes late would be taken for something else
            raise LineLost(f"{verb}: no answer in {timeout_s} s") from error
        finally:
            self._waiting.pop(number, None)
        return answer

    def tell(self, verb: str, value: Value | None = None) -> None:
        """Say it; if the line is lost, to nobody."""
        if not self.is_lost:
            self._send({"tell": verb, "with": value or {}})

    def _send(self, frame: Value) -> None:
        data = orjson.dumps(frame)
        self._writer.write(_HEAD.pack(len(data)) + data)

    async def run(self) -> None:
        try:
            while True:
                (length,) = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
                if length > MAX_FRAME_BYTES:
                    log.warning("a frame of %d bytes: the line is closed", length)
                    return
                self._take(orjson.loads(await self._reader.readexactly(length)))
        except (OSError, asyncio.IncompleteReadError):
            return
        except (ValueError, KeyError, TypeError):
            log.warning("a frame that is none: the line is closed", exc_info=True)
        finally:
            self._lose()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        self._lose()

    def _lose(self) -> None:
        self.is_lost = True
        self._writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LineLost("the other side is gone"))

    def _take(self, frame: dict[str, Any]) -> None:
        if "ask" in frame or "tell" in frame:
            task = asyncio.create_task(self._handle(frame), name=f"line {frame.get('ask') or frame['tell']}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        number = frame["answer"] if "answer" in frame else frame["failed"]
        future = self._waiting.get(number)
        if future is None or future.done():
            return
        if "answer" in frame:
            future.set_result(frame["value"])
        elif frame["mistake"]:
            future.set_exception(ConfigurationError(frame["why"]))
        else:
            future.set_exception(LineLost(frame["why"]))

    async def _handle(self, frame: dict[str, Any]) -> None:
        verb = frame.get("ask") or frame["tell"]
        number = frame.get("id")
        try:
            handler = self.handlers.get(verb)
            if handler is None:
                raise LookupError(f"nobody here knows {verb!r}")
            answer: Value = {"answer": number, "value": await handler(frame["with"]) or {}}
        except ConfigurationError as error:
            answer = {"failed": number, "why": error.what, "mistake": True}
        except Exception as error:
            log.exception("%s failed", verb)
            answer = {"failed": number, "why": f"{verb}: {type(error).__name__}", "mistake": False}
        if number is not None and not self.is_lost:
            self._send(answer)

    @property
    def peer(self) -> tuple[int, int]:
        """Process and user id of the other side, as the kernel has them."""
        return peer_credentials(self._writer.get_extra_info("socket"))


# Any: a connected unix socket, or what a transport has in its place.
def peer_credentials(sock: Any) -> tuple[int, int]:
    """Process and user id. Where the kernel does not tell, the socket's folder admits nobody but ourselves."""
    if not hasattr(socket, "SO_PEERCRED"):
        return 0, os.geteuid()
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    pid, uid, _ = _PEER_CREDENTIALS.unpack(data)
    return pid, uid
