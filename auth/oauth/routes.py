"""The endpoints: bytes in, one hop to a lane, bytes out. What is right is decided in the modules that they name."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from auth.audit import Audit
from auth.errors import ResourceNotFound, Unavailable
from auth.identity import Identity
from auth.oauth.authorize import Authorizer
from auth.oauth.client_authentication import ClientAuthentication, named_client
from auth.oauth.discovery import metadata
from auth.oauth.errors import PageError, RedirectError
from auth.oauth.form import is_form, read_body
from auth.oauth.logout import Logout, LogoutJudge
from auth.oauth.parameters import MalformedParameters, parse_parameters
from auth.oauth.responses import (
    bearer_response,
    redirect,
    token_response,
    with_cors,
)
from auth.oauth.revocation import Revocation
from auth.oauth.token_server import Answer, TokenRequest, TokenServer
from auth.oauth.userinfo import MALFORMED, BearerRefused, UserInfo
from auth.pages.error import error_page

log = logging.getLogger("lockgate.auth.oauth")

JWKS_FRESH_S = 300  # a new key is published long before it signs
DISCOVERY_FRESH_S = 300


def authorizer_of(identity: Identity) -> Authorizer:
    """The one that the pages speak through as well."""
    return Authorizer(
        auth_url=identity.auth_url,
        directory=identity.directory,
        grants=identity.store.grants,
        tokens=identity.tokens,
        judge=identity.judge,
        clock=identity.clock,
    )


def oauth_routes(identity: Identity) -> list[BaseRoute]:
    browser = _BrowserEndpoints(identity, authorizer_of(identity))
    programs = _ProgramEndpoints.of(identity)
    return [
        Route("/oauth2/authorize", browser.authorize, methods=["GET", "POST"]),  # no CORS (A27)
        Route("/logout", browser.logout, methods=["GET", "POST"]),
        _open("/oauth2/token", programs.token, "POST"),
        _open("/oauth2/revoke", programs.revoke, "POST"),
        _open("/oauth2/userInfo", programs.userinfo, "GET", "POST"),
        _open("/{pool_id}/.well-known/openid-configuration", programs.discovery, "GET"),
        _open("/{pool_id}/.well-known/jwks.json", programs.jwks, "GET"),
    ]


def _open(path: str, endpoint: Callable[[Request], object], *methods: str) -> Route:
    return Route(path, with_cors(endpoint, methods), methods=[*methods, "OPTIONS"])  # type: ignore[arg-type]


class _BrowserEndpoints:
    """Where people are sent: answers are redirects and pages."""

    def __init__(self, identity: Identity, authorizer: Authorizer) -> None:
        self._identity = identity
        self._authorizer = authorizer
        self._logouts = LogoutJudge(
            directory=identity.directory, judge=identity.judge, authorizer=authorizer, clock=identity.clock
        )

    async def authorize(self, request: Request) -> Response:
        try:
            query = await _query(request)
            lane = self._identity.lane_of_client(request.query_params.get("client_id"), "store")
            location = await lane.run(self._authorize, request, query)
        except PageError as error:
            return error_page(self._identity, str(error), status=error.status)
        except RedirectError as error:
            location = error.location
        return redirect(request, location)

    def _authorize(self, request: Request, query: bytes) -> str:
        now = self._identity.clock()
        self._identity.directory.refresh(now)
        asked = self._authorizer.read(query)
        if request.method == "POST":
            return self._authorizer.authorize_location(query)
        session = self._identity.sessions.read(request, asked.pool, now)
        if self._authorizer.needs_login(asked, session, now):
            return self._authorizer.login_location(query)
        assert session is not None  # or a log-in would be needed
        return self._authorizer.grant(asked, session, now=now)

    async def logout(self, request: Request) -> Response:
        try:
            query = await _query(request)
            logout = await self._identity.lanes.store.run(self._log_out, request, query)
        except PageError as error:
            return error_page(self._identity, str(error), status=error.status)
        except RedirectError as error:
            return redirect(request, error.location)
        response = redirect(request, logout.location or f"{self._identity.auth_url}/logged-out")
        self._identity.sessions.forget(response, logout.pool)
        return response

    def _log_out(self, request: Request, query: bytes) -> Logout:
        self._identity.directory.refresh(self._identity.clock())
        logout = self._logouts.read(query)
        self._identity.sessions.log_out(request, logout.pool)  # A25: the session, not only the cookie
        return logout


@dataclass(frozen=True, slots=True)
class _ProgramEndpoints:
    """What clients call themselves: answers are JSON."""

    identity: Identity
    tokens: TokenServer
    revocation: Revocation
    users: UserInfo

    @classmethod
    def of(cls, identity: Identity) -> "_ProgramEndpoints":
        store = identity.store
        audit = Audit(store.audit)
        authentication = ClientAuthentication(identity.directory, store.pools, store.attempts, audit)
        return cls(
            identity,
            TokenServer(authentication, store.grants, identity.tokens, audit),
            Revocation(authentication, store.grants, audit),
            UserInfo(identity.judge, store.grants, identity.directory),
        )

    async def token(self, request: Request) -> Response:
        def answer(asked: TokenRequest) -> Answer:
            request.scope["state"]["grant_type"] = asked.form.get("grant_type")  # for whoever counts
            return self.tokens.answer(asked)

        return await self._answer(request, answer)

    async def revoke(self, request: Request) -> Response:
        return await self._answer(request, self.revocation.answer)

    async def _answer(self, request: Request, work: Callable[[TokenRequest], Answer]) -> Response:
        try:
            form = parse_parameters(await read_body(request))
        except MalformedParameters as error:
            return token_response(self.tokens.refuse(InvalidRequestError(str(error))))
        asked = TokenRequest(
            form,
            request.headers.get("authorization"),
            address=self.identity.address_of(request),
            now=self.identity.clock(),
        )
        client_id = named_client(form, request.headers.get("authorization"))
        lane = self.identity.lane_of_client(client_id, "store")
        return token_response(await lane.run(self._work, work, asked))

    def _work(self, work: Callable[[TokenRequest], Answer], asked: TokenRequest) -> Answer:
        self.identity.directory.refresh(asked.now)
        return work(asked)

    async def userinfo(self, request: Request) -> Response:
        try:
            token = await _bearer(request)
            claims = await self.identity.lanes.store.run(self.users.claims, token, self.identity.clock())
        except BearerRefused as refused:
            return bearer_response(refused)
        response = JSONResponse(claims, media_type="application/json;charset=UTF-8")
        response.headers["cache-control"] = "no-store"
        return response

    async def discovery(self, request: Request) -> Response:
        await self._look_again(self.identity.directory.refresh)
        try:
            pool = self.identity.directory.pool(request.path_params["pool_id"])
        except ResourceNotFound:
            return _no_pool()
        document = metadata(pool, self.identity.directory.clients(pool.pool_id), self.identity.auth_url)
        return JSONResponse(document, headers={"cache-control": f"public, max-age={DISCOVERY_FRESH_S}"})

    async def jwks(self, request: Request) -> Response:
        await self._look_again(self.identity.keyring.refresh)
        try:
            document = self.identity.keyring.jwks(request.path_params["pool_id"])
        except ResourceNotFound:
            return _no_pool()
        headers = {"cache-control": f"public, max-age={JWKS_FRESH_S}"}
        return Response(document, media_type="application/json", headers=headers)

    async def _look_again(self, refresh: Callable[[datetime], None]) -> None:
        try:
            await self.identity.lanes.store.run(refresh, self.identity.clock())
        except Unavailable as error:  # R4: whoever verifies tokens needs no database
            log.warning("served from memory: %s", error.detail or error)


def _no_pool() -> Response:
    return JSONResponse({"error": "not_found", "error_description": "There is no such user pool."}, 404)


async def _query(request: Request) -> bytes:
    if request.method != "POST":
        query: bytes = request.scope["query_string"]
        return query
    try:
        return await read_body(request)
    except MalformedParameters as error:
        raise PageError("invalid_request", "This form cannot be read.") from error


async def _bearer(request: Request) -> str:
    """From the header, or from a form's ``access_token`` (RFC 6750 §2.2); never from the address.

    :raises BearerRefused: none, or more than one.
    """
    headers = request.headers.getlist("authorization")
    in_form = None
    if request.method == "POST" and is_form(request):
        try:
            form = parse_parameters(await read_body(request))
        except MalformedParameters as error:
            raise MALFORMED from error
        if "access_token" in form.repeated:
            raise MALFORMED
        in_form = form.get("access_token")
    if len(headers) + (in_form is not None) != 1:
        raise MALFORMED
    if in_form is not None:
        return in_form
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MALFORMED
    return token.strip()
