"""The admin listener: is the server alive, is it ready, what are its numbers; and signed actions. Loopback by default.

A web page must not use it through a browser on the same machine: Host and Origin are checked. What only reads is
open to whoever reaches the listener, what changes something is signed.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from kit.host_guard import HostGuard
from lockgate.admin_actions import Actions
from lockgate.merged_metrics import merged

_METHODS = ("GET", "HEAD")
Others = Callable[[], Awaitable[Mapping[str, str]]]


class Admin:
    """:param unready: why the server is not ready; empty when it is.
    :param troubles: what it cannot do at present although it serves.
    :param others: the expositions of the server's other processes, by name.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        unready: Callable[[], Sequence[str]],
        guard: HostGuard,
        actions: Actions,
        others: Others | None = None,
        troubles: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._registry = registry
        self._unready = unready
        self._guard = guard
        self._actions = actions
        self._others = others
        self._troubles = troubles
        self._pages = {"/health": self._health, "/ready": self._ready, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(Request(scope), receive)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        refused = self._guard.refusal(request.scope["headers"])
        if refused is not None:
            return _json(403, {"message": refused})
        path: str = request.scope["path"]
        if path[1:] in self._actions:
            if request.method != "POST":
                return _json(405, {"message": "Method Not Allowed"}, {"allow": "POST"})
            done = await self._actions.answer(path[1:], request, receive)
            return _json(done.status, done.value)
        page = self._pages.get(path)
        if page is None:
            return _json(404, {"message": "Not Found"})
        if request.method not in _METHODS:
            return _json(405, {"message": "Method Not Allowed"}, {"allow": "GET, HEAD"})
        return await page()

    async def _health(self) -> Response:
        """Alive: also while draining, so that nobody kills what is finishing its work.

        With an engine that is gone it is alive, too: warm calls are answered, and a restart would end those.
        """
        troubles = list(self._troubles())
        if troubles:
            return _json(200, {"status": "degraded", "troubles": troubles})
        return _json(200, {"status": "ok"})

    async def _ready(self) -> Response:
        reasons = list(self._unready())
        if reasons:
            return _json(503, {"status": "not ready", "reasons": reasons})
        return _json(200, {"status": "ready"})

    async def _metrics(self) -> Response:
        own = generate_latest(self._registry)
        if self._others is not None:
            own = merged(own.decode(), await self._others()).encode()
        return _uncached(200, own, CONTENT_TYPE_PLAIN_0_0_4)


def admin_app(
    registry: CollectorRegistry,
    unready: Callable[[], Sequence[str]],
    actions: Actions,
    *,
    hosts: Iterable[str] = (),
    others: Others | None = None,
    troubles: Callable[[], Sequence[str]] = tuple,
) -> Starlette:
    """Build the application. :param hosts: names and addresses of the listener, beside loopback's."""
    admin = Admin(registry, unready, HostGuard(hosts), actions, others, troubles)
    return Starlette(routes=[Mount("/", app=admin)])


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> Response:
    return _uncached(status, orjson.dumps(body), "application/json", headers)


def _uncached(status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> Response:
    sent = {"content-type": content_type, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(body, status_code=status, headers=sent | (headers or {}))
