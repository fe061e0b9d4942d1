"""Tokens for whoever has signed in. Synchronous, 0.3 ms of processor time a signature: run it on a lane.

A pool's trigger may change what they say (`overrides`); it is asked before anything is signed.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from auth.client import Client
from auth.errors import InvalidParameter
from auth.flows.triggers import NO_TRIGGERS, Triggers
from auth.grant import LiveGrant
from auth.pool import STANDARD_SCOPES, Pool
from auth.tokens.before_tokens import NOTHING, BeforeTokens, TokenSource
from auth.tokens.claims import (
    Stamp,
    access_claims,
    client_claims,
    granted_scopes,
    has_id_token,
    id_claims,
)
from auth.tokens.keyring import MAX_TOKEN_LIFE_S, KeyRing
from auth.tokens.signing_key import at_hash

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """:param expires_in: seconds, of the access token. :param id_token: None: nobody asked for ``openid``."""

    access_token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int


class Tokens:
    """:param issuer_of: pool id → what ``iss`` says. :param new_id: for ``jti``."""

    def __init__(
        self,
        keyring: KeyRing,
        issuer_of: Callable[[str], str],
        *,
        triggers: Triggers = NO_TRIGGERS,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._before = BeforeTokens(triggers)
        self._keyring = keyring
        self._issuer_of = issuer_of
        self._new_id = new_id

    def of_grant(
        self,
        pool: Pool,
        client: Client,
        live: LiveGrant,
        *,
        now: datetime,
        refresh_token: str | None = None,
        source: TokenSource | None = None,
        metadata: Mapping[str, str] = NOTHING,
    ) -> TokenSet:
        """:param refresh_token: handed on as it is.
        :param source: why there are tokens, for the pool's trigger; None: because of the grant's own kind.
        :param metadata: of the client, for the trigger.

        :raises UserLambdaValidation, InvalidLambdaResponse, UnexpectedLambda: the trigger wants none.
        :raises ResourceNotFound: no such pool is served here.
        :raises Unavailable: the store does not say which key signs.
        """
        self._keyring.refresh(now)
        lifetimes = client.lifetimes or pool.lifetimes
        stamp = self._stamp(pool, now, lifetimes.access_s)
        scopes = granted_scopes(live.grant, client)
        said = self._before.of_user(
            pool, client, live.user, live.grant, scopes, source=source, metadata=metadata
        )
        access = self._keyring.signer(pool.pool_id, "access").sign(
            said.access.applied(access_claims(live, client, stamp))
        )
        id_token = None
        if has_id_token(live.grant, client):
            id_stamp = self._stamp(pool, now, lifetimes.id_s)
            claims = id_claims(live, client, id_stamp, access_hash=at_hash(access))
            id_token = self._keyring.signer(pool.pool_id, "id").sign(said.id.applied(claims))
        return TokenSet(
            access_token=access,
            id_token=id_token,
            refresh_token=refresh_token,
            expires_in=int(stamp.life_s),
        )

    def of_client(
        self,
        pool: Pool,
        client: Client,
        scopes: tuple[str, ...],
        *,
        now: datetime,
        metadata: Mapping[str, str] = NOTHING,
    ) -> TokenSet:
        """An access token of the client itself: nothing to refresh it with, and no user in it (A18).

        :raises InvalidParameter: a scope that it has not or that is about a user, or an id that a user could have.
        :raises ResourceNotFound, Unavailable: as `of_grant`.
        """
        if not set(scopes) <= set(client.scopes):  # A18
            raise InvalidParameter(f"Client {client.client_id} does not have these scopes.")
        if not set(scopes).isdisjoint(STANDARD_SCOPES):  # A18: they are about a user, and there is none
            raise InvalidParameter("A client that signs in as itself can only ask for custom scopes.")
        if _UUID.fullmatch(client.client_id):  # A18: it could be the sub of a user
            raise InvalidParameter(f"Client {client.client_id} cannot sign in as itself: its id is a UUID.")
        self._keyring.refresh(now)
        stamp = self._stamp(pool, now, (client.lifetimes or pool.lifetimes).access_s)
        said = self._before.of_client(pool, client, scopes, metadata)
        claims = said.access.applied(client_claims(client, scopes, stamp))
        token = self._keyring.signer(pool.pool_id, "access").sign(claims)
        return TokenSet(access_token=token, expires_in=int(stamp.life_s))

    def _stamp(self, pool: Pool, now: datetime, life_s: float) -> Stamp:
        return Stamp(
            issuer=self._issuer_of(pool.pool_id),
            jti=self._new_id(),
            now=now,
            life_s=min(life_s, MAX_TOKEN_LIFE_S),  # J17: no token outlives the publication of its key
        )
