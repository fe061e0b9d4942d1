"""``grant_type=client_credentials``: an access token for a program that speaks for nobody (A18)."""

import json

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
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
        tokens = self.server.tokens.of_client(
            pool,
            client,
            scopes,
            now=self.request.now,
            metadata=_metadata(self.request.form.get("aws_client_metadata", "")),
        )
        return body_of(tokens)


def _metadata(text: str) -> dict[str, str]:
    """For the pool's trigger: an object of texts. :raises InvalidRequestError: it is something else."""
    if not text:
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("aws_client_metadata is no JSON") from error
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise InvalidRequestError("aws_client_metadata is no object of texts")
    return given
