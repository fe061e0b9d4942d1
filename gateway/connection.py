"""The client's side of one request: its body, read only when asked for, and the news that it has gone.

The edge offers all this directly in ``scope["extensions"]["lockgate"]``; on any other ASGI server they come from
``receive()``.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Protocol, cast

from gateway.errors import ClientGone, PayloadTooLarge
from gateway.response import Fields

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

    def respond(self, status: int, headers: Fields, body: bytes) -> bool:
        """Send a whole response now. False: the client does not read, so ``send()`` must wait for it."""
        ...


class Connection:
    """One request's connection. Its body can be read once."""

    __slots__ = ("_edge", "_has_left", "_receive", "_task", "_watcher", "content_length")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        edge = (scope.get("extensions") or {}).get("lockgate")
        self._edge = cast("EdgeConnection | None", edge)
        self._receive = receive
        self._task: asyncio.Task[object] | None = None  # the one inside `while_connected`
        self._has_left = False
        self._watcher: asyncio.Task[None] | None = None
        self.content_length = edge.content_length if edge is not None else _content_length(scope)

    def body_now(self, limit_bytes: int) -> bytes | None:
        """The whole body if it has arrived already; else `receive_body` is to be awaited.

        :raises PayloadTooLarge: by what arrived, or by the declared length.
        """
        if self.content_length is not None and self.content_length > limit_bytes:
            raise PayloadTooLarge(f"content-length is {self.content_length}, the limit {limit_bytes}")
        body = None if self._edge is None else self._edge.body_now()
        if body is not None and len(body) > limit_bytes:
            raise PayloadTooLarge(f"the body has {len(body)} bytes, the limit is {limit_bytes}")
        return body

    async def receive_body(self, limit_bytes: int) -> bytes:
        """Read the body up to its end.

        :raises PayloadTooLarge: as soon as more than the limit has arrived.
        :raises ClientGone: the client left before its end.
        """
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

    def respond(self, status: int, headers: Fields, body: bytes) -> bool:
        """Send a whole response without ASGI's messages. False: nothing was sent, those must be."""
        return self._edge is not None and self._edge.respond(status, headers, body)

    def while_connected(self) -> "Connection":
        """Give the context in which the current task is cancelled when the client leaves.

        The body must have been read before. A context, and not a coroutine around another one: each of those
        costs every request that waits in it.
        :raises ClientGone: in place of the cancellation, or at once if the client has left already.
        """
        return self

    def while_unread(self) -> AbstractContextManager[None]:
        """The same before the body was read. Not on ASGI servers that can tell only by giving the body away."""
        return self if self._edge is not None else nullcontext()

    def __enter__(self) -> None:
        if self._edge is not None:
            self._edge.on_gone(self._leave)
        else:
            self._watcher = asyncio.create_task(self._watch(), name="gateway-disconnect")
        if self._has_left:
            self._unwatch()
            raise ClientGone("the client left before its call began")
        self._task = asyncio.current_task()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        task, self._task = self._task, None
        self._unwatch()
        # Another canceller (the server's shutdown) goes first: its cancellation is not ours to swallow.
        is_ours = self._has_left and isinstance(exc, asyncio.CancelledError)
        if is_ours and task is not None and task.uncancel() == 0:
            raise ClientGone("the client left before its answer was there") from None

    def _unwatch(self) -> None:
        if self._edge is not None:
            self._edge.on_gone(None)
        if self._watcher is not None:
            self._watcher.cancel()

    def _leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            if self._task is not None:
                self._task.cancel()

    async def _watch(self) -> None:
        with suppress(asyncio.CancelledError):
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._leave()


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None
