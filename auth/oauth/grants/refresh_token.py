"""``grant_type=refresh_token``: new tokens for a sign-in that still lives; with rotation, a new refresh token (A7)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from auth.core.steps import Origin
from auth.errors import NotAuthorized
from auth.grant import LiveGrant
from auth.oauth.client_authentication import AuthenticatedClient
from auth.oauth.scope import ScopeRefused, narrowed
from auth.oauth.token_server import TokenRequest, TokenServer, body_of
from auth.user import User

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Refreshed:
    """As Authlib asks of a refresh token. :param successor: None: the client goes on using its own."""

    live: LiveGrant
    successor: str | None = field(repr=False)

    def check_client(self, client: AuthenticatedClient) -> bool:
        return self.live.grant.client_id == client.client.client_id

    def get_scope(self) -> str:
        return " ".join(self.live.grant.scopes)


class RefreshToken(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    request: TokenRequest
    server: TokenServer

    def authenticate_refresh_token(self, refresh_token: str) -> _Refreshed:
        asked = self.request.form.get("scope")
        if asked is not None and self.request.client.client.rotates_refresh:
            # Looked at before anything is used up: what a refused request rotates away, its client never sees.
            _narrowed(self._ask(self.server.refresh.look, refresh_token).grant.scopes, asked)
        used = self._ask(self.server.refresh.use, refresh_token)
        scopes = _narrowed(used.live.grant.scopes, asked)  # A8
        live = replace(used.live, grant=replace(used.live.grant, scopes=scopes))
        return _Refreshed(live, used.successor)

    def _ask(self, flow: Callable[..., _T], refresh_token: str) -> _T:
        """:param flow: a method of `Refresh`."""
        pool, client = self.request.client.pool, self.request.client.client
        origin = Origin(address=self.request.address)
        try:
            return flow(pool, client, refresh_token, origin=origin, now=self.request.now)
        except NotAuthorized as error:
            raise InvalidGrantError(str(error)) from error

    def authenticate_user(self, refresh_token: _Refreshed) -> User:
        return refresh_token.live.user

    def issue_token(self, _: User, refresh_token: _Refreshed) -> dict[str, object]:
        client = self.request.client
        tokens = self.server.tokens.of_grant(
            client.pool,
            client.client,
            refresh_token.live,
            now=self.request.now,
            refresh_token=refresh_token.successor,
            source="TokenGeneration_RefreshTokens",
        )
        return body_of(tokens)

    def revoke_old_credential(self, refresh_token: _Refreshed) -> None:
        """Rotation has done it."""


def _narrowed(granted: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    try:
        return narrowed(granted, asked or "")
    except ScopeRefused as error:
        raise InvalidScopeError(str(error)) from error
