"""The gateway's feed of keys, from the user pools of this process."""

from collections.abc import Callable
from datetime import datetime

from auth.errors import ResourceNotFound, Unavailable
from auth.identity import utc_now
from auth.lanes import Lane
from auth.tokens.keyring import KeyRing
from gateway.issuers.pool_keys import PoolFeedError


class RingFeed:
    """A `gateway.issuers.pool_keys.PoolFeed`. :param lane: of the store."""

    def __init__(self, ring: KeyRing, lane: Lane, clock: Callable[[], datetime] = utc_now) -> None:
        self._ring = ring
        self._lane = lane
        self._clock = clock

    def document(self, pool_id: str) -> bytes:
        try:
            return self._ring.jwks(pool_id)
        except ResourceNotFound:
            return b""

    async def renew(self, pool_id: str) -> None:  # noqa: ARG002  # one look is for all pools
        try:
            await self._lane.run(self._ring.refresh, self._clock())
        except Unavailable as error:
            raise PoolFeedError(f"the database of the user pools does not answer: {error.detail}") from error
