"""The Cognito API on the control listener: beside the Lambda API, for whoever signs with the state's keys (P5).

In one process it speaks for the user pools that are served there anyway. Executors have no pools of their own: they
open them once the first edge has said where people reach them, and follow each reload. State: what is to be followed.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from auth.cognito.service import PATH, Operators
from auth.cognito.signatures import Signatures
from kit.host_guard import HostGuard
from kit.names import Names
from lockgate.errors import CommandError, RuntimeFailure
from lockgate.listeners import bound_hosts
from lockgate.sockets import ListeningSocket

if TYPE_CHECKING:
    from lockgate.parts.identity import IdentityPart
    from lockgate.served import Served

PATIENCE_S = 10.0  # of a call that comes while the pools are being opened: well within what AWS clients wait

log = logging.getLogger("lockgate.auth.cognito")


def operators_of(control: ListeningSocket, names: Names, secrets: Callable[[str], str | None]) -> Operators:
    """:param secrets: access key id → secret, None if there is no such key."""
    guard = HostGuard(bound_hosts(control), any_address=True)
    return Operators(signatures=Signatures(secrets, names.region), guard=guard)


def beside(functions: ASGIApp, cognito: ASGIApp) -> ASGIApp:
    """One listener for both APIs: that of Cognito has one address, and no other has it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_cognito = scope["type"] == "http" and scope["path"] == PATH
        await (cognito if is_cognito else functions)(scope, receive, send)

    return app


class LatePools:
    """:param make: the part, by the address at which edges serve people."""

    def __init__(self, make: Callable[[str], "IdentityPart"]) -> None:
        self._make = make
        self._part: IdentityPart | None = None
        self._is_serving = asyncio.Event()
        self._wanted: tuple[Served, str] | None = None
        self._followed = 0
        self._following: asyncio.Task[None] | None = None

    def follow(self, served: "Served", auth_url: str) -> None:
        """Speak for the pools of *served* from soon on. Called at every occasion; does each generation once."""
        if served.number == self._followed:
            return
        self._wanted = served, auth_url
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._catch_up(), name="user pools for operators")

    async def _catch_up(self) -> None:
        while self._wanted is not None:
            (served, auth_url), self._wanted = self._wanted, None
            try:
                await self._follow(served, auth_url)
            except CommandError as error:
                log.error(
                    "generation %d has no administration of its user pools: %s", served.number, error.what
                )

    async def _follow(self, served: "Served", auth_url: str) -> None:
        if self._part is None:
            part = self._make(auth_url)
            try:
                await part.open(served.file)
            except BaseException:
                await part.close()
                raise
            self._part = part
        await self._part.prepare(served.file, served.invoker)
        await self._part.commit()
        self._followed = served.number
        self._is_serving.set()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the listener calls."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._is_serving.wait()
        except TimeoutError:
            raise RuntimeFailure("The user pools are not served yet.", "Look into the log.") from None
        assert self._part is not None
        await self._part.operators_app(scope, receive, send)

    async def end_mail(self) -> None:
        """Deliver what waits, while there are still functions that could."""
        if self._part is not None:
            await self._part.end_mail()

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._part is not None:
            await self._part.close()
