"""The user pool's public application: OAuth endpoints, pages and the Cognito API behind one door.

The door knows the answer to whatever goes wrong below it, once: people get a page, programs JSON, nobody a stack.
It bounds bodies, marks every answer with an id, and puts the headers on it that keep browsers from doing harm (B4).
It decides nothing about users. Nothing in it is built from ``Host`` (A13).
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.errors import (
    AuthError,
    LimitExceeded,
    NotAuthorized,
    ResourceNotFound,
    TooManyRequests,
    Unavailable,
)
from auth.identity import Identity
from kit.edge_answers import new_request_id

if TYPE_CHECKING:
    from auth.cognito.service import Operators

MAX_BODY_BYTES = 64 * 1024  # forms and token requests are a few hundred bytes (A16)
RETRY_AFTER_S = 1  # the database comes back, or a place on a lane does

# For whatever says nothing else: no answer of ours may be framed, sniffed, kept, or load anything.
DEFAULT_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS = "max-age=31536000"

STATUS: Mapping[type[AuthError], int] = {
    Unavailable: 503,
    TooManyRequests: 429,
    LimitExceeded: 429,
    NotAuthorized: 401,
    ResourceNotFound: 404,
}
_OAUTH_CODES = {401: "access_denied", 404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
_TEXTS = {
    404: "There is nothing here.",
    405: "This address takes another method.",
    413: "The request is too large.",
}

log = logging.getLogger("lockgate.auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One request as a log may know it: never its query, its body or its cookies (L2).

    :param route: the template that answered; None: there was none.
    :param grant_type: what the token endpoint was asked by, as the client wrote it.
    :param action: of the Cognito API, by our own table of them; None: it was another request, or an unknown one.
    """

    request_id: str
    address: str
    method: str
    path: str
    route: str | None
    user_agent: str
    status: int
    length: int
    latency_us: int
    grant_type: str | None = None
    action: str | None = None


def auth_app(
    identity: Identity,
    *,
    on_answer: Callable[[Answered], None] | None = None,
    more: Iterable[BaseRoute] = (),
) -> ASGIApp:
    """:param on_answer: told each request when its answer has left; must not block."""
    from auth.cognito.service import CognitoApi
    from auth.oauth.routes import oauth_routes
    from auth.pages.routes import page_routes

    api = CognitoApi(identity=identity).routes()
    routes = [*api, *oauth_routes(identity), *page_routes(identity), *more]
    return Door(identity, routes, on_answer=on_answer)


def operators_app(
    identity: Identity, operators: "Operators", *, on_answer: Callable[[Answered], None] | None = None
) -> ASGIApp:
    """The Cognito API with all its actions, for a listener that the public does not reach (P5)."""
    from auth.cognito.service import CognitoApi

    return Door(identity, CognitoApi(identity=identity, operators=operators).routes(), on_answer=on_answer)


class Door:
    """See the module. :param routes: in the order in which they are tried."""

    def __init__(
        self,
        identity: Identity,
        routes: Iterable[BaseRoute],
        *,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        self._identity = identity
        self._on_answer = on_answer
        self._headers = dict(DEFAULT_HEADERS)
        if identity.is_secure:
            self._headers["strict-transport-security"] = HSTS
        self._app = Starlette(
            routes=list(routes),
            exception_handlers={
                HTTPException: self._http_error,
                AuthError: self._auth_error,
                Exception: self._fault,
            },
            max_body_size=MAX_BODY_BYTES,
        )
        self._app.router.redirect_slashes = False  # a second address for one thing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = time.perf_counter_ns()
        answer = _Answer(send, self._headers, new_request_id())
        scope["state"] = {"request_id": answer.request_id}
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # nobody is left to answer
        except Exception:
            if not answer.has_begun:
                raise  # the edge answers 500; what follows an answer has been logged
        finally:
            if self._on_answer is not None:
                self._on_answer(self._answered(scope, answer, (time.perf_counter_ns() - began) // 1000))

    def _answered(self, scope: Scope, answer: "_Answer", latency_us: int) -> Answered:
        request = Request(scope)
        route = scope.get("route")
        return Answered(
            request_id=answer.request_id,
            address=self._identity.address_of(request),
            method=request.method,
            path=scope["path"],
            route=getattr(route, "path", None),
            user_agent=request.headers.get("user-agent", ""),
            status=answer.status,
            length=answer.length,
            latency_us=latency_us,
            grant_type=scope["state"].get("grant_type"),
            action=scope["state"].get("action"),
        )

    # --- what goes wrong below ------------------------------------------------------------------

    async def _http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = _TEXTS.get(error.status_code, error.detail)
        return self._refusal(request, error.status_code, text, dict(error.headers or {}))

    async def _auth_error(self, request: Request, error: Exception) -> Response:
        """What a dialect has let through: its own refusals it renders itself."""
        assert isinstance(error, AuthError)
        status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)
        if error.detail:
            log.log(logging.WARNING if status >= 500 else logging.INFO, "%s: %s", error.code, error.detail)
        headers = {"retry-after": str(RETRY_AFTER_S)} if status in (429, 503) else {}
        return self._refusal(request, status, str(error), headers)

    async def _fault(self, request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
        return self._refusal(request, 500, "Something went wrong on our side.", {})

    def _refusal(self, request: Request, status: int, text: str, headers: dict[str, str]) -> Response:
        if wants_page(request):
            from auth.pages.error import error_page

            return error_page(self._identity, text, status=status, headers=headers)
        code = "server_error" if status == 500 else "temporarily_unavailable" if status == 503 else None
        body = {"error": code or _OAUTH_CODES.get(status, "invalid_request"), "error_description": text}
        return JSONResponse(body, status_code=status, headers=headers)


def wants_page(request: Request) -> bool:
    """Whether a person with a browser asks: programs do not prefer HTML."""
    return "text/html" in request.headers.get("accept", "")


class _Answer:
    """What leaves, with the headers that it must have, and what is told of it."""

    def __init__(self, send: Send, headers: Mapping[str, str], request_id: str) -> None:
        self._send = send
        self._headers = headers
        self.request_id = request_id
        self.has_begun = False
        self.status = 0
        self.length = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            fields = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                fields.setdefault(name, value)
            fields["x-amzn-requestid"] = self.request_id
        elif message["type"] == "http.response.body":
            self.length += len(message.get("body", b""))
        await self._send(message)
