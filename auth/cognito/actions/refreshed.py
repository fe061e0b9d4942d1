"""``AuthenticationResult``: of a sign-in, and of a refresh token that is used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from auth.client import Client
from auth.cognito.action import Answer, Call
from auth.cognito.caller import check_secret_hash
from auth.errors import NotAuthorized, RefreshTokenReuse
from auth.flows.refresh import REVOKED, Refreshed
from auth.pool import Pool

if TYPE_CHECKING:
    from auth.tokens.tokens import TokenSet


def result_of(tokens: "TokenSet") -> dict[str, Any]:
    result: dict[str, Any] = {"AccessToken": tokens.access_token, "ExpiresIn": tokens.expires_in}
    result["TokenType"] = "Bearer"
    if tokens.refresh_token is not None:
        result["RefreshToken"] = tokens.refresh_token
    if tokens.id_token is not None:
        result["IdToken"] = tokens.id_token
    return result


def refreshed(call: Call, pool: Pool, client: Client, token: str, *, secret_hash: str) -> Answer:
    """Of InitiateAuth, which has no exception of its own for a token that was rotated away.

    :param secret_hash: over the real user name; looked at before the token is used up.
    """
    flow, origin, now = call.identity.refresh, call.origin, call.now
    try:
        if client.has_secret or secret_hash:
            live = flow.look(pool, client, token, origin=origin, now=now)
            check_secret_hash(call, client, live.user.username, secret_hash)
        used = flow.use(pool, client, token, origin=origin, now=now)
    except RefreshTokenReuse as error:
        raise NotAuthorized(REVOKED) from error
    return {"ChallengeParameters": {}, "AuthenticationResult": tokens_of(call, pool, client, used, {})}


def tokens_of(
    call: Call, pool: Pool, client: Client, used: Refreshed, metadata: Mapping[str, str]
) -> dict[str, Any]:
    tokens = call.identity.tokens.of_grant(
        pool,
        client,
        used.live,
        now=call.now,
        refresh_token=used.successor,
        source="TokenGeneration_RefreshTokens",
        metadata=metadata,
    )
    return result_of(tokens)
