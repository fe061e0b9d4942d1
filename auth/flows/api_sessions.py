"""What a sign-in by the Cognito API ends with: a grant of its own, with tokens and a refresh token."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auth.client import Client
from auth.core.steps import SignedIn
from auth.errors import NotAuthorized
from auth.grant import Grant
from auth.pool import Pool
from auth.store.ports import GrantStore
from auth.tokens.claims import API_SCOPE

if TYPE_CHECKING:
    from auth.tokens.before_tokens import TokenSource
    from auth.tokens.tokens import Tokens, TokenSet


class ApiSessions:
    """Runs on a lane."""

    def __init__(self, grants: GrantStore, tokens: "Tokens") -> None:
        self._grants = grants
        self._tokens = tokens

    def start(
        self,
        pool: Pool,
        client: Client,
        signed_in: SignedIn,
        *,
        source: "TokenSource",
        metadata: Mapping[str, str],
        now: datetime,
    ) -> "TokenSet":
        """:param source: and *metadata*: for the pool's trigger before tokens.

        :raises NotAuthorized: the user was disabled or deleted in this moment.
        :raises: as `Tokens.of_grant`.
        """
        lives = timedelta(seconds=(client.lifetimes or pool.lifetimes).refresh_s)
        grant = Grant(
            grant_id=str(uuid.uuid4()),
            pool_id=pool.pool_id,
            client_id=client.client_id,
            sub=signed_in.user.sub,
            kind="api",
            scopes=(API_SCOPE,),
            auth_time=signed_in.auth_time,
            amr=signed_in.amr,
            created_at=max(now, signed_in.auth_time),  # R6: it begins no earlier than its sign-in
            expires_at=now + lives,
            event_id=str(uuid.uuid4()),
        )
        refresh_token = self._grants.start(grant, now, refresh=True)
        live = self._grants.live(grant.grant_id, now)
        if live is None:
            raise NotAuthorized(detail="ended while it began")
        return self._tokens.of_grant(
            pool, client, live, now=now, refresh_token=refresh_token, source=source, metadata=metadata
        )
