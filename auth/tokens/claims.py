"""What our tokens say, in Cognito's words. Pure: who, when and the ids are given; nothing is signed here.

| grant | scopes | attributes in the ID token |
|---|---|---|
| OAuth | those granted that the client still has | what the scopes allow; no ``openid``, no ID token |
| API | as granted | all |

Source: Amazon Cognito Developer Guide, "Understanding user pool JSON web tokens"; OpenID Connect Core 1.0, section 5.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.client import Client
from auth.grant import Grant, LiveGrant
from auth.pool import STANDARD_ATTRIBUTES
from auth.user import User

API_SCOPE = "aws.cognito.signin.user.admin"
OAUTH_VERSION = 2
_BOOLEANS = frozenset({"email_verified", "phone_number_verified"})
_OF_EMAIL = frozenset({"email", "email_verified"})
_OF_PHONE = frozenset({"phone_number", "phone_number_verified"})

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What makes one token differ from the next. :param life_s: how long it is valid."""

    issuer: str
    jti: str
    now: datetime
    life_s: float

    def times(self) -> Claims:
        issued_at_s = int(self.now.timestamp())
        return {"exp": issued_at_s + int(self.life_s), "iat": issued_at_s}


def granted_scopes(grant: Grant, client: Client) -> tuple[str, ...]:
    """What the grant is worth today: a scope that the client has lost is lost to its old grants too (A19).

    The API's own scope is not one that clients ask for, so grants of the API keep it.
    """
    if grant.kind == "api":
        return grant.scopes
    return tuple(scope for scope in grant.scopes if scope in client.scopes)  # A19


def access_claims(live: LiveGrant, client: Client, stamp: Stamp) -> Claims:
    grant, user = live.grant, live.user
    return {
        "sub": user.sub,
        **_groups(user),
        "iss": stamp.issuer,
        **({} if grant.kind == "api" else {"version": OAUTH_VERSION}),
        "client_id": client.client_id,
        **_sign_in(grant),
        "token_use": "access",
        "scope": " ".join(granted_scopes(grant, client)),
        "auth_time": int(grant.auth_time.timestamp()),
        **stamp.times(),
        "jti": stamp.jti,
        "username": user.username,
    }


def has_id_token(grant: Grant, client: Client) -> bool:
    return grant.kind == "api" or "openid" in granted_scopes(grant, client)


def id_claims(live: LiveGrant, client: Client, stamp: Stamp, *, access_hash: str) -> Claims:
    """:param access_hash: ``at_hash`` of the access token beside it; used by OAuth grants only."""
    grant, user = live.grant, live.user
    return {
        **({} if grant.kind == "api" else {"at_hash": access_hash}),
        "sub": user.sub,
        **_groups(user),
        **_attributes(grant, user, client),
        "iss": stamp.issuer,
        "cognito:username": user.username,
        **({"nonce": grant.nonce} if grant.nonce else {}),
        "aud": client.client_id,
        **_sign_in(grant),
        "token_use": "id",
        "auth_time": int(grant.auth_time.timestamp()),
        **stamp.times(),
        "jti": stamp.jti,
    }


def client_claims(client: Client, scopes: tuple[str, ...], stamp: Stamp) -> Claims:
    """Of a client that signs in as itself. Its ``sub`` is its own id, and no user's (A18)."""
    return {
        "sub": client.client_id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": int(stamp.now.timestamp()),
        "iss": stamp.issuer,
        **stamp.times(),
        "version": OAUTH_VERSION,
        "jti": stamp.jti,
        "client_id": client.client_id,
    }


def attribute_claims(attributes: Mapping[str, str], scopes: frozenset[str] | None) -> Claims:
    """Attributes as an ID token has them. :param scopes: that let them out; None: all may be read.

    Nothing but attributes gets out, whatever a row says: no attribute can pose as a claim of ours.
    """
    shown: Claims = {}
    if "email" in attributes and "email_verified" not in attributes:
        attributes = {**attributes, "email_verified": "false"}
    for name, text in attributes.items():
        is_attribute = name in STANDARD_ATTRIBUTES or name.startswith("custom:")
        if is_attribute and (scopes is None or _scope_of(name) in scopes):
            value = _value(name, text)
            if value is not None:
                shown[name] = value
    return shown


def _attributes(grant: Grant, user: User, client: Client) -> Claims:
    shown = attribute_claims(user.attributes, _readable(grant, client))
    return {name: value for name, value in shown.items() if client.may_read(name)}


def _readable(grant: Grant, client: Client) -> frozenset[str] | None:
    return None if grant.kind == "api" else frozenset(granted_scopes(grant, client))


def _scope_of(name: str) -> str:
    if name in _OF_EMAIL:
        return "email"
    return "phone" if name in _OF_PHONE else "profile"


def _value(name: str, text: str) -> object:
    """Custom ones are always text. OpenID Connect Core 1.0, section 5.1: booleans, an object, seconds."""
    if name in _BOOLEANS:
        return text == "true"
    if name == "address":
        return {"formatted": text}
    if name == "updated_at":
        return int(text) if text.isascii() and text.isdigit() else None
    return text


def _groups(user: User) -> Claims:
    return {"cognito:groups": list(user.groups)} if user.groups else {}


def _sign_in(grant: Grant) -> Claims:
    """What all tokens of one sign-in share."""
    event = {"event_id": grant.event_id} if grant.event_id else {}
    return {"origin_jti": grant.grant_id, **event}
