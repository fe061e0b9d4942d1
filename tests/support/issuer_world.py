"""An issuer without sockets, and a clock that moves when told: how often keys are asked for, and what comes of it."""

import asyncio
from collections.abc import Collection
from pathlib import Path

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.issuer import IssuerKeys, Issuers
from kit.fetch import FetchError
from tests.support.issuer import KEYS, discovery, jwks

ISSUER = "https://issuer.example.com/pool"
SPEC = IssuerSpec(issuer=ISSUER)
SETTLING_TURNS = 50  # of the loop: more than any fetch takes that waits for nothing


class FakeIssuer:
    """What `kit.fetch.Fetcher` would bring of one issuer.

    :ivar kids: published. :ivar failure: raised instead, if set. :ivar held: fetches wait for it.
    :ivar fetches: how many have begun, by their first document.
    """

    def __init__(self, *kids: str) -> None:
        self.kids = kids
        self.failure: Exception | None = None
        self.keys_failure: Exception | None = None
        self.document: bytes | None = None
        self.discovery = discovery(ISSUER)
        self.held = asyncio.Event()
        self.held.set()
        self.fetches = 0
        self.asked: list[tuple[str, dict[str, object]]] = []

    def fail(self) -> None:
        self.failure = FetchError("connect_failed", "No connection: refused.")

    def recover(self) -> None:
        self.failure = self.keys_failure = None

    async def fetch(
        self,
        url: str,
        *,
        limit_bytes: int,
        timeout_s: float,
        configured_hosts: Collection[str] = (),
        allow_http: bool = False,
    ) -> bytes:
        rules = {"limit_bytes": limit_bytes, "timeout_s": timeout_s, "configured_hosts": configured_hosts}
        self.asked.append((url, {**rules, "allow_http": allow_http}))
        is_keys = url.endswith(KEYS)
        self.fetches += not is_keys
        await self.held.wait()
        failure = self.keys_failure if is_keys else self.failure
        if failure is not None:
            raise failure
        if not is_keys:
            return self.discovery
        return jwks(*self.kids) if self.document is None else self.document


class IssuerWorld:
    """Issuers over one `FakeIssuer`. :ivar now: monotonic seconds; *wall*: Unix seconds."""

    def __init__(self, *kids: str, state: Path | None = None, wall: float = 1_800_000_000.0) -> None:
        self.now = 5000.0
        self.wall = wall
        self.events: list[tuple[str, str]] = []
        self.issuer = FakeIssuer(*kids)
        self.issuers = Issuers(
            fetcher=self.issuer,
            state=state,
            clock=lambda: self.now,
            wall=lambda: self.wall,
            rand=lambda: 0.0,
            on_event=lambda kind, issuer, detail: self.events.append((kind, detail)),
        )

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    async def open(self, spec: IssuerSpec = SPEC) -> IssuerKeys:
        """Open the keys and let the first fetch end, unless it is held."""
        keys = self.issuers.open(spec)
        await self.settle()
        return keys

    async def settle(self) -> None:
        """Let all tasks go as far as they can without time passing."""
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
        await self.settle()
