"""Which client asks at the token and revocation endpoints, and whether it is the one (A17).

A secret comes by HTTP Basic or in the form, never by both. Wrong secrets are counted per client and address, so that
a stranger cannot lock a client out; a client without a secret only says its id, and PKCE does the rest.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error

from auth.audit import Audit
from auth.client import Client
from auth.core.steps import Origin
from auth.errors import ResourceNotFound
from auth.oauth.authorization_request import Directory
from auth.pool import Pool
from auth.store.ports import AttemptKind, Attempts, LockRule

# A secret has 128 bits and more: this is about noise and logs, not about being guessed.
RULE = LockRule(free=10, first_s=1.0, longest_s=300.0, forget_s=900.0)


class Secrets(Protocol):
    def client_secrets(self, client_id: str, now: datetime) -> tuple[str, ...]: ...


class AttemptCounter(Protocol):
    def count(
        self, pool_id: str, kind: AttemptKind, subject: str, rule: LockRule, now: datetime
    ) -> int | None: ...
    def clear(self, pool_id: str, kind: AttemptKind, subject: str) -> None: ...
    def read(self, pool_id: str, kind: AttemptKind, subject: str) -> Attempts | None: ...


class TooManyWrongSecrets(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    error = "invalid_client"
    description = "Too many wrong secrets, try again later"
    status_code = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedClient:
    """:ivar client: and its pool; neither is closed."""

    client: Client
    pool: Pool

    def check_grant_type(self, grant_type: str) -> bool:
        """Authlib asks this. A refresh token of the Cognito API is good here as well, as it is at Cognito."""
        flows = self.client.flows
        match grant_type:
            case "authorization_code":
                return "code" in flows
            case "refresh_token":
                return "code" in flows or "refresh" in flows
            case "client_credentials":
                return "client_credentials" in flows and self.client.has_secret
        return False


@dataclass(frozen=True, slots=True)
class _Presented:
    """:param secrets: readings of what was sent; none: the client sent no secret."""

    client_id: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_basic: bool = False

    def refusal(self, description: str = "") -> InvalidClientError:
        # RFC 6749 §5.2: who tried by Authorization is told how, with 401; Cognito answers 400 to the others.
        return InvalidClientError(description, status_code=401 if self.is_basic else 400)


class ClientAuthentication:
    """:param audit: is told of wrong secrets (L4). All of it is synchronous and runs on a lane."""

    def __init__(
        self, directory: Directory, secrets: Secrets, attempts: AttemptCounter, audit: Audit
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._attempts = attempts
        self._audit = audit

    def authenticate(
        self, form: Mapping[str, str], authorization: str | None, *, address: str, now: datetime
    ) -> AuthenticatedClient:
        """:raises OAuth2Error: ``invalid_client``, or ``invalid_request`` where it says two things."""
        presented = _presented(form, authorization)
        try:
            client = self._directory.client(presented.client_id)
            pool = self._directory.pool(client.pool_id)
        except ResourceNotFound as error:
            raise presented.refusal() from error
        if client.is_closed or pool.is_closed:
            raise presented.refusal()
        if client.has_secret:
            self._check_secret(client, presented, address, now)
        elif presented.secrets:
            raise presented.refusal("this client has no secret")
        return AuthenticatedClient(client=client, pool=pool)

    def _check_secret(self, client: Client, presented: _Presented, address: str, now: datetime) -> None:
        subject = f"{client.client_id} {address}"
        seen = self._attempts.read(client.pool_id, "client", subject)
        if seen is not None and seen.locked_until is not None and seen.locked_until > now:  # A17
            raise TooManyWrongSecrets()
        valid = self._secrets.client_secrets(client.client_id, now)
        if not _is_one_of(presented.secrets, valid):  # A17
            self._attempts.count(client.pool_id, "client", subject, RULE, now)
            self._audit.record(
                "client_refused",
                "refused",
                now,
                pool_id=client.pool_id,
                target=client.client_id,
                origin=Origin(address=address),
            )
            raise presented.refusal("invalid_client_secret")
        if seen is not None:
            self._attempts.clear(client.pool_id, "client", subject)


def named_client(form: Mapping[str, str], authorization: str | None) -> str | None:
    """Whom a request says that it is of, before anything is judged."""
    try:
        return _presented(form, authorization).client_id
    except OAuth2Error:
        return None


def _is_one_of(presented: tuple[str, ...], valid: tuple[str, ...]) -> bool:
    """Compares all with all: how long it takes tells nothing."""
    pairs = [(a.encode("utf-8", "surrogateescape"), b.encode()) for a in presented for b in valid]
    matches = [hmac.compare_digest(one, other) for one, other in pairs]
    return any(matches)


def _presented(form: Mapping[str, str], authorization: str | None) -> _Presented:
    if authorization is None:
        client_id = form.get("client_id")
        if client_id is None:
            raise InvalidRequestError("client_id is missing")
        return _Presented(client_id, (form["client_secret"],) if "client_secret" in form else ())
    if "client_secret" in form:  # A17
        raise InvalidRequestError("the client authenticates twice")
    presented = _basic(authorization)
    if form.get("client_id", presented.client_id) != presented.client_id:
        raise InvalidRequestError("two client ids")
    return presented


def _basic(authorization: str) -> _Presented:
    """RFC 6749 §2.3.1 form-encodes both parts; many clients do not, and a secret may hold ``+``: both are tried."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClientError(status_code=401) from error
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise InvalidClientError(status_code=401)
    readings = tuple(dict.fromkeys([unquote_plus(secret), secret])) if secret else ()
    return _Presented(unquote_plus(client_id), readings, is_basic=True)
