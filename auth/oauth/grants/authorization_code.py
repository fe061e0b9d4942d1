"""``grant_type=authorization_code``: a code for tokens, once.

The store redeems the code, its address and its PKCE proof in one transaction (A5): a wrong verifier burns the code, a
second use revokes what the first one gave (A6). Whatever the reason, the client hears ``invalid_grant``.
"""

import hmac
from dataclasses import dataclass, field

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from auth.grant import LiveGrant
from auth.oauth import pkce
from auth.oauth.client_authentication import AuthenticatedClient
from auth.oauth.token_server import TokenRequest, TokenServer, body_of
from auth.store.ports import RedeemedCode
from auth.user import User


@dataclass(frozen=True, slots=True)
class _Redeemed:
    """As Authlib asks of a code."""

    live: LiveGrant
    redirect_uri: str
    refresh_token: str | None = field(repr=False)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.live.grant.scopes)


class AuthorizationCode(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    request: TokenRequest
    server: TokenServer

    def query_authorization_code(self, code: str, client: AuthenticatedClient) -> _Redeemed | None:
        form = self.request.form
        redirect_uri = form.get("redirect_uri")
        if redirect_uri is None:
            raise InvalidRequestError("redirect_uri is missing")

        def is_proven(redeemed: RedeemedCode) -> bool:
            is_same = hmac.compare_digest(_octets(redeemed.redirect_uri), _octets(redirect_uri))
            return is_same and pkce.proves(form.get("code_verifier"), redeemed.challenge)

        won = self.server.grants.redeem(
            code, client.client.client_id, self.request.now, is_proven, refresh=True
        )
        return None if won is None else _Redeemed(won[0], redirect_uri, won[1])

    def authenticate_user(self, authorization_code: _Redeemed) -> User:
        return authorization_code.live.user

    def generate_token(self, **_: object) -> dict[str, object]:
        client, redeemed = self.request.client, self.request.authorization_code
        tokens = self.server.tokens.of_grant(
            client.pool,
            client.client,
            redeemed.live,
            now=self.request.now,
            refresh_token=redeemed.refresh_token,
        )
        return body_of(tokens)

    def delete_authorization_code(self, authorization_code: _Redeemed) -> None:
        """The store keeps it, to know a second use when it comes."""


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
