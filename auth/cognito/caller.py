"""Who asks: the client that an action names, the pool that it is about, the user whose access token it brings.

All of it blocks on the store and runs on the action's lane.
"""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from auth.audit import Audit
from auth.client import Client
from auth.cognito.action import Call
from auth.errors import NotAuthorized, ResourceNotFound
from auth.pool import Pool
from auth.tokens.judge import AccessToken
from auth.user import User

SELF_SERVICE = "aws.cognito.signin.user.admin"  # the scope of tokens that open these actions
_REVOKED = "Access Token has been revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """:ivar grant_id: the sign-in that the token is of: ``sign_out(…, except_grant=…)`` spares it."""

    pool: Pool
    client: Client
    user: User
    grant_id: str
    token: AccessToken = field(repr=False)


def client_of(call: Call) -> tuple[Pool, Client]:
    """:raises ResourceNotFound: no such client, or it or its pool is closed."""
    client_id = call.text("ClientId")
    directory = call.identity.directory
    try:
        client = directory.client(client_id)
        pool = directory.pool(client.pool_id)
    except ResourceNotFound as error:
        raise _no_client(client_id) from error
    if client.is_closed or pool.is_closed:
        raise _no_client(client_id)
    return pool, client


def pool_of(call: Call) -> Pool:
    """The one that an admin action names; also a closed one: its people can be shown and deleted.

    :raises ResourceNotFound: there is none.
    """
    pool_id = call.text("UserPoolId")
    try:
        return call.identity.directory.pool(pool_id)
    except ResourceNotFound as error:
        raise ResourceNotFound(f"User pool {pool_id} does not exist.") from error


def client_in(call: Call, pool: Pool) -> Client:
    """The client that an admin action names beside its pool.

    :raises ResourceNotFound: it is of another pool, or of none.
    """
    client_id = call.text("ClientId")
    try:
        client = call.identity.directory.client(client_id)
    except ResourceNotFound as error:
        raise _no_client(client_id) from error
    if client.pool_id != pool.pool_id:
        raise _no_client(client_id)
    return client


def check_secret_hash(call: Call, client: Client, username: str, given: str | None = None) -> None:
    """:param username: as it was sent in this call. :param given: where the hash is not the member ``SecretHash``:
    ``AuthParameters`` and ``ChallengeResponses`` have it as ``SECRET_HASH``.

    :raises NotAuthorized: it is missing, wrong, or of a client that has no secret.
    """
    presented = call.text("SecretHash") if given is None else given
    if not client.has_secret:
        if presented:
            raise NotAuthorized(
                f"Client {client.client_id} is configured without secret but SECRET_HASH was received"
            )
        return
    if not presented:
        raise NotAuthorized(
            f"Client {client.client_id} is configured with secret but SECRET_HASH was not received"
        )
    secrets = call.identity.store.pools.client_secrets(client.client_id, call.now)
    valid = [secret_hash(secret, username, client.client_id) for secret in secrets]
    if not _is_one_of(presented, valid):  # A17
        raise _refused(call, client, f"Unable to verify secret hash for client {client.client_id}")


def check_client_secret(call: Call, client: Client) -> None:
    """For the two actions that send ``ClientSecret`` itself: GetTokensFromRefreshToken and RevokeToken.

    :raises NotAuthorized: it is missing or wrong, or the client has none.
    """
    presented = call.text("ClientSecret")
    if not client.has_secret and not presented:
        return
    valid = call.identity.store.pools.client_secrets(client.client_id, call.now) if client.has_secret else ()
    if not presented or not _is_one_of(presented, valid):  # A17
        raise _refused(call, client, "Invalid client secret.")


def signed_in(call: Call) -> Caller:
    """The user of ``AccessToken``: by signature, kind, issuer and time, then by what the store knows of its grant.

    :raises NotAuthorized: it is not one of ours, is over, was revoked, or has not the scope that opens these actions.
    """
    identity = call.identity
    token = identity.judge.access(call.text("AccessToken"), call.now)
    live = identity.store.grants.live(token.grant_id, call.now) if token.grant_id else None
    if live is None or live.user.sub != token.sub or live.user.pool_id != token.pool_id:  # A9
        raise NotAuthorized(_REVOKED)
    if SELF_SERVICE not in token.scopes:
        raise NotAuthorized("Access Token does not have required scopes")
    try:
        pool = identity.directory.pool(token.pool_id)
        client = identity.directory.client(token.client_id)
    except ResourceNotFound as error:
        raise NotAuthorized(_REVOKED) from error
    if pool.is_closed or client.is_closed:
        raise NotAuthorized(_REVOKED)
    return Caller(pool=pool, client=client, user=live.user, grant_id=live.grant.grant_id, token=token)


def secret_hash(secret: str, username: str, client_id: str) -> str:
    mac = hmac.digest(secret.encode(), f"{username}{client_id}".encode(), "sha256")
    return base64.b64encode(mac).decode()


def _is_one_of(presented: str, valid: Iterable[str]) -> bool:
    """Compares with all: how long it takes tells nothing."""
    matches = [hmac.compare_digest(presented.encode(), one.encode()) for one in valid]
    return any(matches)


def _refused(call: Call, client: Client, message: str) -> NotAuthorized:
    Audit(call.identity.store.audit).record(
        "client_refused",
        "refused",
        call.now,
        pool_id=client.pool_id,
        target=client.client_id,
        origin=call.origin,
    )
    return NotAuthorized(message)


def _no_client(client_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"User pool client {client_id} does not exist.")
