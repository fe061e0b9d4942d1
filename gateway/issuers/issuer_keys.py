"""The keys of one issuer as requests see them: a look-up that never waits, and one fetch for all who miss a key.

When to fetch is `schedule`'s decision, how `source`'s. State lives here, on the loop's thread.

A key that the issuer no longer publishes is gone with the next fetch, whatever it was: nobody can tell a mistake
from a withdrawal. A key set without a single usable key is a failed fetch, and the old keys stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.errors import AuthorizerUnavailable
from gateway.issuers.events import FetchResult, IssuerSnapshot, KeysState, OnEvent, change_text
from gateway.issuers.schedule import Schedule
from gateway.issuers.source import IssuerFault, KeySource, Published, Stage
from kit.jwt.keys import KeySet, VerificationKey

MAX_WAITERS = 256  # requests that wait for one fetch; each holds a connection and its memory
PATIENCE_S = 3.0  # what API Gateway gives discovery and keys together
HURRIED_S = 0.5  # the patience while the issuer is known to fail (R4: fail fast)
CIRCUIT_S = 10.0  # how long a failure makes requests hurry
_SHOWN_IGNORED = 5

_RESULTS: dict[Stage, FetchResult] = {"discovery": "discovery_failed", "keys": "keys_failed"}
# API Gateway's texts
_CHALLENGES: dict[Stage, str] = {
    "discovery": "OIDC discovery endpoint communication error",
    "keys": "JWKS communication error",
}

Spawn = Callable[[Coroutine[object, object, None]], bool]
Keep = Callable[[Published], Awaitable[None]]


class IssuerKeys:
    """:param spawn: runs a fetch as a task that somebody owns; False where no loop runs.
    :param keep: called with each good key set after requests have it.
    :param clock: monotonic seconds.
    :ivar generation: rises whenever a key was replaced or went away.
    """

    def __init__(
        self,
        spec: IssuerSpec,
        source: KeySource,
        schedule: Schedule,
        *,
        spawn: Spawn,
        keep: Keep,
        clock: Callable[[], float],
        on_event: OnEvent,
    ) -> None:
        self.generation = 0
        self._issuer = spec.issuer
        self._source = source
        self._schedule = schedule
        self._spawn = spawn
        self._keep = keep
        self._clock = clock
        self._on_event = on_event
        self._keys = KeySet(())
        self._look_again_at = schedule.stale_at()
        self._landed: asyncio.Event | None = None  # of the fetch under way
        self._waiting = 0
        self._fault: IssuerFault | None = None
        self._fetches: dict[FetchResult, int] = {"success": 0, "discovery_failed": 0, "keys_failed": 0}

    def get(self, kid: str) -> VerificationKey | None:
        """Look up only. Stale keys are used, and begin a fetch that nobody waits for."""
        if self._clock() >= self._look_again_at:
            self.refresh()
        return self._keys.get(kid)

    def peek(self, kid: str) -> VerificationKey | None:
        """The key that `get` would find. Begins nothing, and drops nothing."""
        return None if self._schedule.is_expired(self._clock()) else self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """A key that `get` did not have: wait for the fetch under way or the one that is allowed now, if any.

        :raises AuthorizerUnavailable: there are no keys at all.
        """
        key = self.get(kid)
        if key is None and self._waiting < MAX_WAITERS and self._begin():
            await self._wait()
            key = self._keys.get(kid)
        if key is None and not self._keys:
            raise self._unavailable()
        return key

    def refresh(self) -> None:
        """Begin a fetch if the keys are not fresh and one is allowed; drop them if they are too old."""
        now = self._clock()
        if self._schedule.is_expired(now):
            self._expire()
        if self._schedule.is_stale(now):
            self._begin()

    def restore(self, published: Published, age_s: float) -> None:
        """Use keys that an earlier process had fetched, while it is not known whether they are still good."""
        self._keys = published.keys
        self._schedule.restore(self._clock(), age_s)
        self._look_again_at = self._schedule.stale_at()

    def snapshot(self) -> IssuerSnapshot:
        now = self._clock()
        state: KeysState = "stale" if self._schedule.is_stale(now) else "fresh"
        return IssuerSnapshot(
            issuer=self._issuer,
            kids=self._keys.kids,
            state=state if self._keys else "none",
            age_s=self._schedule.age_s(now),
            last_error=None if self._fault is None else str(self._fault),
            fetches=dict(self._fetches),
        )

    def _begin(self) -> bool:
        """Whether a fetch is under way, be it one that begins now."""
        if self._landed is not None:
            return True
        now = self._clock()
        if not self._schedule.may_fetch(now):  # J15
            return False
        self._landed = landed = asyncio.Event()
        if not self._spawn(self._fetch(landed)):
            self._landed = None
            return False
        self._schedule.begin(now)
        self._look_again_at = float("inf")
        return True

    async def _fetch(self, landed: asyncio.Event) -> None:
        published = None
        try:
            published = await self._source.fetch()
            self._take(published)
        except IssuerFault as fault:
            self._note(fault)
        finally:
            self._landed = None
            self._look_again_at = self._schedule.stale_at()
            landed.set()
        if published is not None:
            await self._keep(published)

    async def _wait(self) -> None:
        landed = self._landed
        assert landed is not None
        hurried = self._schedule.has_failed_since(self._clock() - CIRCUIT_S)
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(HURRIED_S if hurried else PATIENCE_S):
                    await landed.wait()
        finally:
            self._waiting -= 1

    def _take(self, published: Published) -> None:
        before, self._keys = self._keys, published.keys
        if not self._keys.keeps(before):
            self.generation += 1
        self._schedule.succeed(self._clock())
        self._fault = None
        self._fetches["success"] += 1
        self._on_event("keys_fetched", self._issuer, f"{len(self._keys)} keys")
        if self._keys != before:
            self._on_event("keys_changed", self._issuer, change_text(before, self._keys))
        if self._keys.dropped != before.dropped:
            for key in self._keys.dropped[:_SHOWN_IGNORED]:
                self._on_event("key_ignored", self._issuer, f"{key.kid}: {key.reason}")

    def _note(self, fault: IssuerFault) -> None:
        self._schedule.fail(self._clock())
        self._fault = fault
        self._fetches[_RESULTS[fault.stage]] += 1
        self._on_event("keys_failed", self._issuer, str(fault))

    def _expire(self) -> None:
        self._keys = KeySet(())
        self.generation += 1
        self._schedule.expire()
        self._look_again_at = self._schedule.stale_at()
        self._on_event("keys_expired", self._issuer, "the keys are too old to be believed any longer")

    def _unavailable(self) -> AuthorizerUnavailable:
        stage: Stage = "discovery" if self._fault is None else self._fault.stage
        why = "none has come yet" if self._fault is None else str(self._fault)
        return AuthorizerUnavailable(
            f"There are no keys of the issuer {self._issuer}: {why}",
            challenge=f'Bearer scope="" error="invalid_token" error_description="{_CHALLENGES[stage]}"',
            retry_after_s=0 if self._landed is not None else self._schedule.wait_s(self._clock()),
        )
