"""Authorization: whether a good request needs a log-in, and what its client gets when somebody is logged in.

The pages speak through this as well: after a log-in they call `Authorizer.grant` themselves, so that ``prompt=login``
asks once. Keeps nothing; codes and grants are the store's.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auth.errors import NotAuthorized, TriggerRefusal
from auth.grant import Grant
from auth.oauth.authorization_request import AuthorizationRequest, Directory, judge
from auth.oauth.errors import description_of
from auth.oauth.parameters import canonical
from auth.store.ports import BrowserSession, GrantStore, NewCode

if TYPE_CHECKING:
    from auth.tokens.judge import Judge
    from auth.tokens.tokens import Tokens

CODE_LIFETIME = timedelta(minutes=5)  # A5, and Cognito's


class Authorizer:
    """:param auth_url: where our own pages are; from configuration (A13)."""

    def __init__(
        self,
        *,
        auth_url: str,
        directory: Directory,
        grants: GrantStore,
        tokens: "Tokens",
        judge: "Judge",
        clock: Callable[[], datetime],
    ) -> None:
        self._auth_url = auth_url
        self._directory = directory
        self._grants = grants
        self._tokens = tokens
        self._judge = judge
        self._clock = clock

    def read(self, query: bytes) -> AuthorizationRequest:
        """:param query: form-encoded, of a GET or a POST. Runs on a lane: a hint's key may have to be looked for.

        :raises PageError: an error page here; nobody is sent anywhere.
        :raises RedirectError: its location tells the client.
        """
        request = judge(query, self._directory, self._auth_url)
        if not request.id_token_hint:
            return request
        try:
            hint = self._judge.id_hint(request.id_token_hint, self._clock())
        except NotAuthorized as error:
            raise request.refusal("invalid_request", "id_token_hint is not ours") from error
        if hint.pool_id != request.pool.pool_id:
            raise request.refusal("invalid_request", "id_token_hint is not ours")
        return replace(request, hint_sub=hint.sub)

    def needs_login(
        self, request: AuthorizationRequest, session: BrowserSession | None, now: datetime
    ) -> bool:
        """Whether the login page comes first.

        :raises RedirectError: it would have to, and the client forbids it (``prompt=none``).
        """
        if not _needs_login(request, session, now):
            return False
        if "none" in request.prompts:  # A26
            raise request.refusal("login_required")
        return True

    def login_location(self, query: bytes) -> str:
        """Our login page, with the same question."""
        return f"{self._auth_url}/login?{canonical(query)}"

    def authorize_location(self, query: bytes) -> str:
        """This endpoint by GET, for what came by POST: a cookie with SameSite=Lax comes along then."""
        return f"{self._auth_url}/oauth2/authorize?{canonical(query)}"

    def grant(self, request: AuthorizationRequest, session: BrowserSession, *, now: datetime) -> str:
        """Start a grant for who is logged in. :returns: the client's address with code, ``state`` and ``iss``.

        Runs on a lane. :raises RedirectError: the client asked for somebody else by ``id_token_hint``.
        """
        if session.sub is None or session.auth_time is None or session.pool_id != request.pool.pool_id:
            raise request.refusal("login_required")
        if request.hint_sub not in (None, session.sub):
            raise request.refusal("login_required", "somebody else is logged in")  # A26
        grant = _grant(request, session.sub, session, now)
        try:
            if request.response_type == "token":
                return self._give_tokens(request, grant, now)
            return self._give_code(request, grant, now)
        except NotAuthorized as error:  # the user is gone since
            raise request.refusal("login_required") from error
        except TriggerRefusal as error:
            raise request.refusal("invalid_request", description_of(error)) from error

    def _give_code(self, request: AuthorizationRequest, grant: Grant, now: datetime) -> str:
        code = secrets.token_urlsafe(32)  # A5: 256 bits
        new = NewCode(
            code=code,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
            expires_at=now + CODE_LIFETIME,
        )
        self._grants.start(grant, now, code=new)
        return request.location({"code": code})

    def _give_tokens(self, request: AuthorizationRequest, grant: Grant, now: datetime) -> str:
        """The implicit flow, for clients that have it (A10): tokens in the fragment, and none to refresh with."""
        self._grants.start(grant, now)
        live = self._grants.live(grant.grant_id, now)
        if live is None:
            raise NotAuthorized
        tokens = self._tokens.of_grant(request.pool, request.client, live, now=now)
        answer = {} if tokens.id_token is None else {"id_token": tokens.id_token}
        answer |= {"access_token": tokens.access_token, "token_type": "Bearer"}
        return request.location({**answer, "expires_in": str(tokens.expires_in)})


def _needs_login(request: AuthorizationRequest, session: BrowserSession | None, now: datetime) -> bool:
    if session is None or session.sub is None or session.auth_time is None:
        return True
    if request.prompts & {"login", "select_account"}:  # A26
        return True
    if request.hint_sub not in (None, session.sub):
        return True
    return request.max_age_s is not None and now - session.auth_time > timedelta(seconds=request.max_age_s)


def _grant(request: AuthorizationRequest, sub: str, session: BrowserSession, now: datetime) -> Grant:
    lifetimes = request.client.lifetimes or request.pool.lifetimes
    lives_s = lifetimes.access_s if request.response_type == "token" else lifetimes.refresh_s
    return Grant(
        grant_id=str(uuid.uuid4()),
        pool_id=request.pool.pool_id,
        client_id=request.client.client_id,
        sub=sub,
        kind="code",
        scopes=request.scopes,
        auth_time=session.auth_time or now,
        amr=session.amr,
        created_at=max(now, session.auth_time or now),  # R6: it begins no earlier than its session
        expires_at=now + timedelta(seconds=lives_s),
        event_id=str(uuid.uuid4()),
        nonce=request.nonce,
    )
