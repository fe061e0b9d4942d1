"""The token endpoint without HTTP: Authlib's server, with our clients, our store and our tokens below it.

Authlib finds the grant and renders refusals. What decides is elsewhere: redemption and rotation are one transaction
each in the store. Synchronous; runs on a lane.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidRequestError,
    OAuth2Error,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from auth.audit import Audit
from auth.errors import TriggerRefusal
from auth.flows.refresh import Refresh
from auth.oauth.client_authentication import AuthenticatedClient, ClientAuthentication
from auth.oauth.errors import description_of
from auth.oauth.parameters import Parameters, is_text
from auth.store.ports import GrantStore

if TYPE_CHECKING:
    from auth.tokens.tokens import Tokens, TokenSet

logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it writes whole tokens (L2)

# Authlib wants to see https or a loopback address; which of them are served is decided where we listen.
_ANYWHERE = "https://localhost/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """:param body: for JSON; empty: none."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict, repr=False)


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """:param authorization: the header's value. :param address: who asks, for limits."""

    client: AuthenticatedClient

    def __init__(self, form: Parameters, authorization: str | None, *, address: str, now: datetime) -> None:
        super().__init__("POST", _ANYWHERE)
        self.payload = BasicOAuth2Payload(dict(form))
        self.parameters = form
        self.authorization = authorization
        self.address = address
        self.now = now

    def check_form(self) -> None:
        """:raises InvalidRequestError: A16."""
        if self.parameters.repeated:  # A16
            raise InvalidRequestError("a parameter is repeated")
        if not all(is_text(value) for value in self.parameters.values()):  # RFC 6749 appendix B
            raise InvalidRequestError("a parameter is not UTF-8")
        if "grant_type" not in self.parameters:
            raise InvalidRequestError("grant_type is missing")

    @property
    def form(self) -> Mapping[str, str]:
        return self.parameters


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """:param grants: by which codes are redeemed and refresh tokens rotated."""

    def __init__(
        self, authentication: ClientAuthentication, grants: GrantStore, tokens: "Tokens", audit: Audit
    ) -> None:
        from auth.oauth.grants.authorization_code import AuthorizationCode
        from auth.oauth.grants.client_credentials import ClientCredentials
        from auth.oauth.grants.refresh_token import RefreshToken

        super().__init__()
        self._authentication = authentication
        self.grants = grants
        self.tokens = tokens
        self.refresh = Refresh(grants, audit)
        for grant in (AuthorizationCode, RefreshToken, ClientCredentials):
            self.register_grant(grant)

    def answer(self, request: TokenRequest) -> Answer:
        """:raises Unavailable: the database does not answer."""
        try:
            request.check_form()
        except OAuth2Error as error:
            return self.refuse(error)
        try:
            answer: Answer = self.create_token_response(request)
        except TriggerRefusal as error:
            return self.refuse(InvalidRequestError(description_of(error)))
        return answer

    def refuse(self, error: OAuth2Error) -> Answer:
        return Answer(status=error.status_code, body=dict(error.get_body()))

    # --- what Authlib asks of a server ------------------------------------------------------------

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        return request

    def authenticate_client(self, request: TokenRequest, *_: object) -> AuthenticatedClient:
        client = self._authentication.authenticate(
            request.form, request.authorization, address=request.address, now=request.now
        )
        request.client = client
        return client

    def handle_response(self, status: int, body: Mapping[str, object], _: object) -> Answer:
        return Answer(status=status, body=body)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def save_token(self, token: object, request: object) -> None:
        """Grants are in the store before there is a token, and tokens never."""


def body_of(tokens: "TokenSet") -> dict[str, object]:
    """RFC 6749 §5.1 and OIDC Core §3.1.3.3, in Cognito's order."""
    body: dict[str, object] = {}
    if tokens.id_token is not None:
        body["id_token"] = tokens.id_token
    body["access_token"] = tokens.access_token
    if tokens.refresh_token is not None:
        body["refresh_token"] = tokens.refresh_token
    return {**body, "expires_in": tokens.expires_in, "token_type": "Bearer"}
