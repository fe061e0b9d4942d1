"""The keys of a user pool of this installation: they are at hand, so a look-up fetches nothing.

The process that has them gives a `PoolFeed`. What changes in it is seen with the next look-up; what another process
has changed, when the feed has looked again: once in `LOOK_S`, while tokens come. Keys stay while it cannot look.
State lives here, on the loop's thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Protocol

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.errors import AuthorizerUnavailable
from gateway.issuers.events import FetchResult, IssuerSnapshot, OnEvent, change_text
from gateway.issuers.source import Published
from kit.jwt.keys import KeySet, KeySetError, VerificationKey

LOOK_S = 4.0  # with the second of the pools' own ring, a rotation in another process is seen within 5 s (J17)
EMPTY_LOOK_S = 1.0  # a pool that has just been made has its keys in a moment
RENEW_TIMEOUT_S = 2.5
PATIENCE_S = 3.0  # as for issuers that are fetched from
MAX_WAITERS = 256  # requests that wait for one look; each holds a connection and its memory

_JWKS = "/.well-known/jwks.json"
KEEP_S = 3600.0  # how old the file of a server that runs may be: kept keys are believed for a day

Spawn = Callable[[Coroutine[object, object, None]], bool]
Keep = Callable[[Published], Awaitable[None]]


class PoolFeedError(Exception):
    """The feed cannot look again now; what it has stays in use."""


class PoolFeed(Protocol):
    """Where the keys of our own pools are."""

    def document(self, pool_id: str) -> bytes:
        """The JWK set, empty for a pool that is not served. Never waits; the same object until it changes."""
        ...

    async def renew(self, pool_id: str) -> None:
        """See what other processes have changed. :raises PoolFeedError: it cannot be seen now."""
        ...


class PoolKeys:
    """The `Keys` of one pool. :param spawn: runs a look as a task that somebody owns; False where no loop runs.

    :param keep: called with what is there, for those who ask when no server runs.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        spec: IssuerSpec,
        feed: PoolFeed,
        *,
        spawn: Spawn,
        keep: Keep,
        clock: Callable[[], float],
        on_event: OnEvent,
    ) -> None:
        self._spec = spec
        self._feed = feed
        self._spawn = spawn
        self._keep = keep
        self._clock = clock
        self._on_event = on_event
        self._document = b""
        self._keys = KeySet(())
        self._generation = 0
        self._look_again_at = clock()
        self._landed: asyncio.Event | None = None  # of the look under way
        self._waiting = 0
        self._fault: str | None = None
        self._kept = b""
        self._kept_at = 0.0
        self._looks: dict[FetchResult, int] = {"success": 0, "keys_failed": 0}

    @property
    def generation(self) -> int:
        """Rises whenever a key was replaced or went away."""
        self._follow()
        self._look_now_and_then()
        return self._generation

    def get(self, kid: str) -> VerificationKey | None:
        """Look up only; a look that is due begins, and nobody waits for it."""
        self._look_now_and_then()
        return self.peek(kid)

    def peek(self, kid: str) -> VerificationKey | None:
        """The same, and nothing begins because of it."""
        self._follow()
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """A key that `get` did not have: wait for the look under way or the one that is allowed now, if any.

        :raises AuthorizerUnavailable: the pool has no keys, or is not served.
        """
        key = self.peek(kid)
        if key is None and self._waiting < MAX_WAITERS and self._begin():
            await self._wait()
            key = self.peek(kid)
        if key is None and not self._keys:
            raise AuthorizerUnavailable(
                f"There are no keys of the user pool {self._spec.user_pool}",
                challenge='Bearer scope="" error="invalid_token" error_description="JWKS communication error"',
                retry_after_s=EMPTY_LOOK_S,
            )
        return key

    def refresh(self) -> None:
        """See what is there now, for the first time before any token comes."""
        self._follow()
        self._look_now_and_then()

    def snapshot(self) -> IssuerSnapshot:
        self._follow()
        return IssuerSnapshot(
            issuer=self._spec.issuer,
            kids=self._keys.kids,
            state="fresh" if self._keys else "none",
            age_s=None,  # they are the pool's own, not a copy that ages
            last_error=self._fault,
            fetches=dict(self._looks),
        )

    def _follow(self) -> None:
        document = self._feed.document(self._spec.user_pool)
        if document is not self._document:
            self._take(document)

    def _take(self, document: bytes) -> None:
        self._document = document
        before, self._keys = self._keys, self._read(document)
        if not self._keys.keeps(before):
            self._generation += 1
        if self._keys != before:
            self._on_event("keys_changed", self._spec.issuer, change_text(before, self._keys))

    def _read(self, document: bytes) -> KeySet:
        if not document:
            return KeySet(())
        try:
            return KeySet.load(document, self._spec.algorithms)
        except KeySetError as error:  # fail closed: no token of this pool is believed
            self._on_event("keys_failed", self._spec.issuer, str(error))
            return KeySet(())

    def _look_now_and_then(self) -> None:
        if self._clock() >= self._look_again_at:
            self._begin()

    def _begin(self) -> bool:
        """Whether a look is under way, be it one that begins now."""
        if self._landed is not None:
            return True
        if self._clock() < self._look_again_at:  # J15: whatever kids tokens name
            return False
        landed = asyncio.Event()
        if not self._spawn(self._look(landed)):
            return False
        self._landed = landed
        return True

    async def _look(self, landed: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(RENEW_TIMEOUT_S):
                await self._feed.renew(self._spec.user_pool)
            self._follow()
            self._fault = None
            self._looks["success"] += 1
        except (PoolFeedError, TimeoutError) as error:
            self._note(str(error) or f"no answer in {RENEW_TIMEOUT_S} s")
        finally:
            self._landed = None
            self._look_again_at = self._clock() + (LOOK_S if self._keys else EMPTY_LOOK_S)
            landed.set()
        if self._keys and (self._kept is not self._document or self._clock() - self._kept_at >= KEEP_S):
            self._kept, self._kept_at = self._document, self._clock()
            await self._keep(
                Published(jwks_uri=f"{self._spec.issuer}{_JWKS}", document=self._document, keys=self._keys)
            )

    def _note(self, fault: str) -> None:
        if self._fault is None:  # one line an outage, not one every four seconds
            self._on_event("keys_failed", self._spec.issuer, fault)
        self._fault = fault
        self._looks["keys_failed"] += 1

    async def _wait(self) -> None:
        landed = self._landed
        assert landed is not None
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await landed.wait()
        finally:
            self._waiting -= 1
