"""The keys of this process's user pools, as the gateway asks for them: no fetch, no hop."""

from typing import TYPE_CHECKING

from auth.errors import AuthError, ResourceNotFound
from auth.identity import utc_now
from gateway.issuers.pool_keys import PoolFeedError

if TYPE_CHECKING:
    from lockgate.parts.identity import IdentityPart


class PoolFeedOf:
    """See `gateway.issuers.pool_keys.PoolFeed`."""

    def __init__(self, part: "IdentityPart") -> None:
        self._part = part

    def document(self, pool_id: str) -> bytes:
        try:
            return self._part.keyring.jwks(pool_id)
        except ResourceNotFound:
            return b""

    async def renew(self, pool_id: str) -> None:  # noqa: ARG002  # one look is for all pools
        try:
            await self._part.lanes.store.run(self._part.keyring.refresh, utc_now())
        except AuthError as error:
            raise PoolFeedError(error.detail or str(error)) from error
