"""The client's side of one request: its body, read only when asked for, and the news that it has gone.

The edge offers both directly in ``scope["extensions"]["lockgate"]``; on any other ASGI server they come from
``receive()``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

from gateway.errors import ClientGone, PayloadTooLarge

T = TypeVar("T")
# Any: ASGI's own definition of a scope and of its messages.
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class EdgeConnection(Protocol):
    """What the edge puts into the scope's ``lockgate`` extension."""

    content_length: int | None

    def body_now(self) -> bytes | None:
        """The whole body if it has arrived already."""
        ...

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Call back once, on the loop's thread, when the client has left before the response's end.

        At once if it has left already; None takes the callback back.
        """
        ...


class Connection:
    """One request's connection. Its body can be read once."""

    __slots__ = ("_edge", "_receive", "content_length")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        edge = (scope.get("extensions") or {}).get("lockgate")
        self._edge = cast("EdgeConnection | None", edge)
        self._receive = receive
        self.content_length = edge.content_length if edge is not None else _content_length(scope)

    async def read_body(self, limit_bytes: int) -> bytes:
        """Read the whole body.

        :raises PayloadTooLarge: by its declared length at once, or as soon as more than the limit has
            arrived.
        :raises ClientGone: the client left before its end.
        """
        if self.content_length is not None and self.content_length > limit_bytes:
            raise PayloadTooLarge(f"content-length is {self.content_length}, the limit {limit_bytes}")
        body = None if self._edge is None else self._edge.body_now()
        if body is None:
            body = await self._receive_body(limit_bytes)
        if len(body) > limit_bytes:
            raise PayloadTooLarge(f"the body has {len(body)} bytes, the limit is {limit_bytes}")
        return body

    async def _receive_body(self, limit_bytes: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("the client left before the end of its body")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit_bytes:
                raise PayloadTooLarge(f"the body is longer than {limit_bytes} bytes")
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def while_connected(self, work: Coroutine[object, object, T]) -> T:
        """Await `work`; cancel it when the client leaves. The body must have been read before.

        :raises ClientGone: the client left first.
        """
        departure = _Departure()
        watcher: asyncio.Task[None] | None = None
        if self._edge is not None:
            self._edge.on_gone(departure.happen)
        else:
            watcher = asyncio.create_task(self._watch(departure), name="gateway-disconnect")
        try:
            return await departure.interrupt(work)
        finally:
            if self._edge is not None:
                self._edge.on_gone(None)
            if watcher is not None:
                watcher.cancel()

    async def _watch(self, departure: "_Departure") -> None:
        with suppress(asyncio.CancelledError):
            while (await self._receive())["type"] != "http.disconnect":
                pass
            departure.happen()


class _Departure:
    """Cancels the task that waits in `interrupt` when the client leaves, and nothing before or after."""

    __slots__ = ("_has_happened", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._has_happened = False

    def happen(self) -> None:
        if not self._has_happened:
            self._has_happened = True
            if self._task is not None:
                self._task.cancel()

    async def interrupt(self, work: Coroutine[object, object, T]) -> T:
        if self._has_happened:
            work.close()
            raise ClientGone("the client left before its call began")
        task = self._task = asyncio.current_task()
        try:
            return await work
        except asyncio.CancelledError:
            # Another canceller (the server's shutdown) goes first: its cancellation is not ours to swallow.
            if self._has_happened and task is not None and task.uncancel() == 0:
                raise ClientGone("the client left before its answer was there") from None
            raise
        finally:
            self._task = None


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None
