"""``grant_type=refresh_token``: new tokens for a sign-in that still lives; with rotation, a new refresh token (A7)."""

from dataclasses import dataclass, field, replace

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from auth.core.steps import Origin
from auth.errors import NotAuthorized
from auth.grant import LiveGrant
from auth.oauth.client_authentication import AuthenticatedClient
from auth.oauth.scope import ScopeRefused, narrowed
from auth.oauth.token_server import TokenRequest, TokenServer, body_of
from auth.store.ports import Rotated
from auth.user import User

REVOKED = "Refresh Token has been revoked"  # as the store and Cognito say it


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
        rotates = self.request.client.client.rotates_refresh  # A7
        asked = self.request.form.get("scope")
        if asked is not None and rotates:
            # Looked at before anything is used up: what a refused request rotates away, its client never sees.
            _narrowed(self._use(refresh_token, rotates=False).live.grant.scopes, asked)
        used = self._use(refresh_token, rotates=rotates)
        scopes = _narrowed(used.live.grant.scopes, asked)  # A8
        # OIDC Core §12.2: no nonce in an ID token that comes by a refresh.
        live = replace(used.live, grant=replace(used.live.grant, scopes=scopes, nonce=""))
        return _Refreshed(live, used.token if rotates else None)

    def _use(self, refresh_token: str, *, rotates: bool) -> Rotated:
        pool, client = self.request.client.pool, self.request.client.client
        grace_s = (client.lifetimes or pool.lifetimes).refresh_grace_s
        try:
            return self.server.grants.rotate(
                refresh_token, client.client_id, self.request.now, rotates=rotates, grace_s=grace_s
            )
        except NotAuthorized as error:
            if str(error) == REVOKED:  # only said of a token that we made
                self._record_reuse()
            raise InvalidGrantError(str(error)) from error

    def _record_reuse(self) -> None:
        client = self.request.client.client
        self.server.audit.record(
            "token_reused",
            "refused",
            self.request.now,
            pool_id=client.pool_id,
            actor=f"client:{client.client_id}",
            origin=Origin(address=self.request.address),
        )

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
