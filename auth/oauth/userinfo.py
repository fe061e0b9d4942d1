"""userInfo without HTTP: what a live access token with ``openid`` may know of its user. Runs on a lane."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auth.client import Client
from auth.core.scopes import OPENID, shown
from auth.directory import Directory
from auth.errors import NotAuthorized, ResourceNotFound
from auth.store.ports import GrantStore
from auth.user import User

if TYPE_CHECKING:
    from auth.tokens.judge import Judge


@dataclass(frozen=True, slots=True)
class BearerRefused(Exception):
    """RFC 6750 §3.1, in Cognito's words. :param status: 400, 401 or 403."""

    status: int
    code: str
    description: str


MALFORMED = BearerRefused(400, "invalid_request", "Bad OAuth2 request at UserInfo Endpoint")
REFUSED = BearerRefused(
    401,
    "invalid_token",
    "Access token is expired, disabled, or deleted, or the user has globally signed out.",
)
TOO_NARROW = BearerRefused(403, "insufficient_scope", "Access token does not contain openid scope")


class UserInfo:
    """:param grants: they say whether the sign-in still lives; a signature alone does not."""

    def __init__(self, judge: "Judge", grants: GrantStore, directory: Directory) -> None:
        self._judge = judge
        self._grants = grants
        self._directory = directory

    def claims(self, token: str, now: datetime) -> dict[str, object]:
        """:raises BearerRefused: it is no access token of ours, is over, or has no ``openid``."""
        try:
            access = self._judge.access(token, now)
        except NotAuthorized as error:
            raise REFUSED from error
        if OPENID not in access.scopes:
            raise TOO_NARROW
        live = self._grants.live(access.grant_id, now) if access.grant_id else None
        if live is None or live.user.sub != access.sub:
            raise REFUSED
        self._directory.refresh(now)
        try:
            client = self._directory.client(access.client_id)
        except ResourceNotFound as error:
            raise REFUSED from error
        return claims_of(live.user, access.scopes, client)


def claims_of(user: User, scopes: tuple[str, ...], client: Client) -> dict[str, object]:
    """Flat. Unlike in tokens, ``email_verified`` is text here, as Cognito has it."""
    allowed = {name: value for name, value in shown(user.attributes, scopes).items() if client.may_read(name)}
    attributes = {name: _value(name, value) for name, value in allowed.items()}
    return {**attributes, "sub": user.sub, "username": user.username}


def _value(name: str, value: str) -> str | int | Mapping[str, str]:
    if name == "address":
        return {"formatted": value}
    return int(value) if name == "updated_at" and value.isascii() and value.isdigit() else value
