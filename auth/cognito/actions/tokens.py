"""Refresh tokens used and revoked by their client, and a user's sign-out everywhere."""

from typing import Final

from auth.audit import Audit
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions import auth_flows
from auth.cognito.actions.refreshed import tokens_of
from auth.cognito.actions.sign_in import CLIENT_ID
from auth.cognito.caller import check_client_secret, client_of, signed_in
from auth.cognito.shapes import Dictionary, Structure, Text
from auth.errors import (
    InvalidParameter,
    NotAuthorized,
    RefreshTokenReuse,
    ResourceNotFound,
    Unauthorized,
    UnsupportedTokenType,
)

_TOKEN: Final = Text(pattern=r"[A-Za-z0-9-_=.]+", shows=False)
_CLIENT_SECRET: Final = Text(min=24, max=64, pattern=r"[\w+]+", shows=False)


def get_tokens_from_refresh_token(call: Call) -> Answer:
    pool, client = client_of(call)
    auth_flows.require_flow(client, "REFRESH_TOKEN_AUTH", by_operator=False)
    if call.text("DeviceKey"):
        raise ResourceNotFound("Device does not exist.")
    check_client_secret(call, client)
    try:
        used = call.identity.refresh.use(
            pool, client, call.text("RefreshToken"), origin=call.origin, now=call.now
        )
    except RefreshTokenReuse as error:
        raise RefreshTokenReuse from error  # the store's words are those of the actions without this exception
    return {"AuthenticationResult": tokens_of(call, pool, client, used, call.texts("ClientMetadata"))}


def revoke_token(call: Call) -> Answer:
    """A token that is unknown, or another client's, is answered like a good one (RFC 7009 §2.2)."""
    try:
        pool, client = client_of(call)
    except ResourceNotFound as error:
        raise InvalidParameter(str(error)) from error
    try:
        check_client_secret(call, client)
    except NotAuthorized as error:
        raise Unauthorized(str(error)) from error
    token = call.text("Token")
    if token.startswith("eyJ"):  # a JWT: `{"`
        raise UnsupportedTokenType
    if call.identity.store.grants.revoke_token(token, client.client_id, call.now):  # A9
        Audit(call.identity.store.audit).record(
            "token_revoked",
            "ok",
            call.now,
            pool_id=pool.pool_id,
            actor=f"client:{client.client_id}",
            origin=call.origin,
        )
    return {}


def global_sign_out(call: Call) -> Answer:
    caller = signed_in(call)
    call.identity.account.sign_out(caller.pool, caller.user.sub, origin=call.origin, now=call.now)
    return {}


ACTIONS = (
    Action(
        name="GetTokensFromRefreshToken",
        audience="public",
        input=Structure(
            members={
                "RefreshToken": _TOKEN,
                "ClientId": CLIENT_ID,
                "ClientSecret": _CLIENT_SECRET,
                "DeviceKey": Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-f-]+"),
                "ClientMetadata": Dictionary(),
            },
            needs=("RefreshToken", "ClientId"),
        ),
        run=get_tokens_from_refresh_token,
    ),
    Action(
        name="RevokeToken",
        audience="public",
        input=Structure(
            members={"Token": _TOKEN, "ClientId": CLIENT_ID, "ClientSecret": _CLIENT_SECRET},
            needs=("Token", "ClientId"),
        ),
        run=revoke_token,
    ),
    Action(
        name="GlobalSignOut",
        audience="public",
        input=Structure(members={"AccessToken": _TOKEN}, needs=("AccessToken",)),
        run=global_sign_out,
    ),
)
