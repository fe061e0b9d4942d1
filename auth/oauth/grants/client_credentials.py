"""``grant_type=client_credentials``: an access token for a program that speaks for nobody (A18)."""

from authlib.oauth2.rfc6749 import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from auth.oauth.scope import ScopeRefused, granted_to_client
from auth.oauth.token_server import TokenRequest, TokenServer, body_of


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    request: TokenRequest
    server: TokenServer

    def validate_requested_scope(self) -> None:
        """With the client known, when the token is made."""

    def generate_token(self, **_: object) -> dict[str, object]:
        pool, client = self.request.client.pool, self.request.client.client
        try:
            scopes = granted_to_client(pool, client, self.request.form.get("scope", ""))
        except ScopeRefused as error:
            raise InvalidScopeError(str(error)) from error
        return body_of(self.server.tokens.of_client(pool, client, scopes, now=self.request.now))
