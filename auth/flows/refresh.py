"""A refresh token is used: whether its sign-in still lives, and which token counts from now on (A7, A8).

The same for OAuth and for the Cognito API: a client that rotates gets a successor from both.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from auth.audit import Audit
from auth.client import Client
from auth.core.steps import Origin
from auth.errors import NotAuthorized
from auth.grant import LiveGrant
from auth.pool import Pool
from auth.store.ports import GrantStore

REVOKED: Final = "Refresh Token has been revoked"  # as the store and Cognito say it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """:param successor: the refresh token that counts from now on; None: the client goes on using its own."""

    live: LiveGrant
    successor: str | None = field(repr=False)


class Refresh:
    """Runs on the store's lane."""

    def __init__(self, grants: GrantStore, audit: Audit) -> None:
        self._grants = grants
        self._audit = audit

    def look(self, pool: Pool, client: Client, token: str, *, origin: Origin, now: datetime) -> LiveGrant:
        """Whose it is, before anything is used up. :raises: as `use`."""
        return self._rotate(pool, client, token, rotates=False, origin=origin, now=now)[0]

    def use(self, pool: Pool, client: Client, token: str, *, origin: Origin, now: datetime) -> Refreshed:
        """:raises RefreshTokenReuse: it was rotated away, and its grace is over: now the whole sign-in is (A7).

        :raises NotAuthorized: it is not one of this client's, has expired, or its sign-in was ended.
        """
        rotates = client.rotates_refresh  # A7
        live, successor = self._rotate(pool, client, token, rotates=rotates, origin=origin, now=now)
        return Refreshed(live=live, successor=successor if rotates else None)

    def _rotate(
        self, pool: Pool, client: Client, token: str, *, rotates: bool, origin: Origin, now: datetime
    ) -> tuple[LiveGrant, str]:
        grace_s = (client.lifetimes or pool.lifetimes).refresh_grace_s
        try:
            used = self._grants.rotate(token, client.client_id, now, rotates=rotates, grace_s=grace_s)
        except NotAuthorized as error:
            if str(error) == REVOKED:  # only said of a token that we made
                self._record_reuse(client, origin, now)
            raise
        # OIDC Core §12.2: no nonce in an ID token that comes by a refresh.
        return replace(used.live, grant=replace(used.live.grant, nonce="")), used.token

    def _record_reuse(self, client: Client, origin: Origin, now: datetime) -> None:
        self._audit.record(
            "token_reused",
            "refused",
            now,
            pool_id=client.pool_id,
            actor=f"client:{client.client_id}",
            origin=origin,
        )
