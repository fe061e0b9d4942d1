"""Holds new requests back while a save is being taken in, so that the request after a save runs the new code.

Only `lockgate dev` puts it in front of the gateway. A request waits for the reload under way, and for
`LONGEST_S` at most: a save that takes longer (dependencies are installed) is served by what was there before.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_S = 10.0  # below what clients and browsers wait


class Hold:
    """An ASGI application in front of *app*."""

    def __init__(self, app: ASGIApp, *, longest_s: float = LONGEST_S) -> None:
        self._app = app
        self._longest_s = longest_s
        self._passable = asyncio.Event()
        self._passable.set()

    def close(self) -> None:
        """Requests wait from now on."""
        self._passable.clear()

    def open(self) -> None:
        """Let all go on."""
        self._passable.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._passable.is_set():
            await self._wait()
        await self._app(scope, receive, send)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._longest_s):
                await self._passable.wait()
        except TimeoutError:
            return  # late is better than never
