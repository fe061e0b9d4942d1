"""The revocation endpoint without HTTP (RFC 7009, as Cognito narrows it: refresh tokens only). Runs on a lane."""

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from auth.audit import Audit
from auth.core.steps import Origin
from auth.oauth.client_authentication import ClientAuthentication
from auth.oauth.token_server import Answer, TokenRequest
from auth.store.ports import GrantStore


class UnsupportedToken(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    error = "unsupported_token_type"
    description = "only refresh tokens can be revoked"


class Revocation:
    """:param grants: a refresh token's whole grant dies: its access tokens are refused wherever that is checked."""

    def __init__(self, authentication: ClientAuthentication, grants: GrantStore, audit: Audit) -> None:
        self._authentication = authentication
        self._audit = audit
        self._grants = grants

    def answer(self, request: TokenRequest) -> Answer:
        """An unknown token is answered like a good one (§2.2): it is worth nothing afterwards either way."""
        try:
            self._revoke(request)
        except OAuth2Error as error:
            status = (
                401 if error.error == "invalid_client" and error.status_code == 400 else error.status_code
            )
            return Answer(status=status, body=dict(error.get_body()))
        return Answer(status=200)

    def _revoke(self, request: TokenRequest) -> None:
        form = request.parameters
        if form.repeated:
            raise InvalidRequestError("a parameter is repeated")
        client = self._authentication.authenticate(
            form, request.authorization, address=request.address, now=request.now
        )
        token = form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        if form.get("token_type_hint") == "access_token" or token.startswith("eyJ"):  # a JWT: `{"`
            raise UnsupportedToken()
        if self._grants.revoke_token(token, client.client.client_id, request.now):  # A9
            self._audit.record(
                "token_revoked",
                "ok",
                request.now,
                pool_id=client.pool.pool_id,
                actor=f"client:{client.client.client_id}",
                origin=Origin(address=request.address),
            )
