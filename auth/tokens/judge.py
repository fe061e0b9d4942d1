"""Whether a token is ours, for our own endpoints: signed by a pool's key of its kind, of its issuer, not expired.

Whether its grant still lives is the store's to say: ask ``store.grants.live(token.grant_id, now)`` behind it, for what
was revoked verifies as well. Kinds never mix (J13): an ID token opens nothing, an access token is no hint.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.errors import NotAuthorized
from auth.store.ports import KeyUse
from auth.tokens.keyring import KeyRing
from kit.jwt.claims import ClaimRules, scopes_of
from kit.jwt.refusal import CLAIMS, EXPIRED, KEY, Refused
from kit.jwt.token import parse_payload, read_token
from kit.jwt.verifier import verified_payload

_EXPIRED = "Access Token has expired"
_INVALID = "Invalid Access Token"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """:param sub: of the user; of a client that signed in as itself, its own id.

    :param grant_id: None: there is no user, and no grant that could be revoked.
    """

    pool_id: str
    client_id: str
    sub: str
    username: str | None
    scopes: tuple[str, ...]
    grant_id: str | None
    jti: str
    issued_at_s: float
    expires_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IdHint:
    """Who a client says has signed in; it may be long ago."""

    pool_id: str
    client_id: str
    sub: str
    username: str
    grant_id: str | None


class Judge:
    """:param issuer_of: pool id → what ``iss`` must be, exactly."""

    def __init__(self, keyring: KeyRing, issuer_of: Callable[[str], str]) -> None:
        self._keyring = keyring
        self._issuer_of = issuer_of

    def access(self, token: str, now: datetime) -> AccessToken:
        """:raises NotAuthorized: whatever is wrong with it; the detail has nothing of the token."""
        try:
            pool_id, claims = self._open(token, "access", now)
            expires_at_s = self._rules(pool_id, "access").check(claims, now.timestamp())
            return AccessToken(
                pool_id=pool_id,
                client_id=_text(claims, "client_id"),
                sub=_text(claims, "sub"),
                username=_text_or_none(claims, "username"),
                scopes=scopes_of(claims),
                grant_id=_text_or_none(claims, "origin_jti"),
                jti=_text(claims, "jti"),
                issued_at_s=_number(claims, "iat"),
                expires_at_s=expires_at_s,
            )
        except Refused as refused:
            message = _EXPIRED if refused.refusal is EXPIRED else _INVALID
            raise NotAuthorized(message, detail=refused.refusal.description) from None  # L2

    def id_hint(self, token: str, now: datetime) -> IdHint:
        """What an ID token says that may have expired long ago, as OpenID Connect Core 1.0, section 3.1.2.1 allows.

        :raises NotAuthorized: anything else is wrong with it; also when its key is no longer published.
        """
        try:
            pool_id, claims = self._open(token, "id", now)
            self._check_but_for_its_end(pool_id, claims, now)
            return IdHint(
                pool_id=pool_id,
                client_id=_text(claims, "aud"),
                sub=_text(claims, "sub"),
                username=_text(claims, "cognito:username"),
                grant_id=_text_or_none(claims, "origin_jti"),
            )
        except Refused as refused:
            raise NotAuthorized("Invalid ID Token", detail=refused.refusal.description) from None  # L2

    def _open(self, text: str, use: KeyUse, now: datetime) -> tuple[str, dict[str, Any]]:
        token = read_token(text)
        if token.kid is None:
            raise Refused(KEY, "its header has no kid")
        found = self._keyring.find(use, token.kid) or self._keyring.look_for(use, token.kid, now)
        if found is None:
            raise Refused(KEY, f"no pool has a key of that name for {use} tokens")
        pool_id, key = found
        return pool_id, parse_payload(verified_payload(token, key))

    def _rules(self, pool_id: str, use: KeyUse) -> ClaimRules:
        return ClaimRules(issuer=self._issuer_of(pool_id), audience=None, token_use=use)  # J13

    def _check_but_for_its_end(self, pool_id: str, claims: Mapping[str, object], now: datetime) -> None:
        try:
            self._rules(pool_id, "id").check(claims, now.timestamp())
        except Refused as refused:
            if refused.refusal is not EXPIRED:
                raise


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(CLAIMS, f"its {name} is no text")
    return value


def _number(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float):
        raise Refused(CLAIMS, f"its {name} is no number")
    return value


def _text_or_none(claims: Mapping[str, object], name: str) -> str | None:
    return None if name not in claims else _text(claims, name)
