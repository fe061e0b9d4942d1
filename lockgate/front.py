"""What answers requests in this process: the gateway's deployment, exchanged in two steps.

`prepare` builds the next one beside the one that is served and can fail; `commit` swaps and cannot; `abandon` forgets.
Requests that had begun end under what they began with, and `ended` waits for them. State: what is served, what is
prepared, and what is served no more but still answers.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.app import Gateway
from gateway.deployment import Deployment
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.services import Mark, Services
from kit.invoke import Invoker
from kit.names import Names
from lockgate.build import deployment_of
from lockgate.config.grammar.file import RoutesFile
from lockgate.door import WHOLE, Share
from lockgate.errors import ConfigurationError, RuntimeFailure
from lockgate.pool_names import PoolNames

# Beside a route's own timeout: reading a body (30 s at most, the edge's limit) and asking an authorizer (30 s).
BEFORE_THE_CALL_S = 60.0

log = logging.getLogger("lockgate.reload")


class Servable(Protocol):
    """One generation of the configuration, as far as whoever answers requests needs it."""

    @property
    def number(self) -> int: ...

    @property
    def file(self) -> RoutesFile: ...

    @property
    def digests(self) -> Mapping[str, str]:
        """Function name → digest of its revision."""
        ...

    @property
    def invoker(self) -> Invoker:
        """Runs the functions of this generation."""
        ...


class Beside(Protocol):
    """What a generation needs beside its deployment: the user pools, where this process serves them."""

    def names_of(self, file: RoutesFile) -> PoolNames:
        """The pools' ids and issuers."""
        ...

    async def prepare(self, file: RoutesFile, invoker: Invoker) -> None:
        """:param invoker: runs the functions of *file*.
        :raises ConfigurationError: it cannot be served; nothing has changed.
        """
        ...

    def abandon(self) -> None: ...

    async def commit(self) -> None:
        """:raises RuntimeFailure: not now; it will be done as soon as it can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What requests run on."""

    number: int
    file: RoutesFile
    digests: Mapping[str, str]
    deployment: Deployment


class LocalFront:
    """:param make_gateway: called at the first `commit`, which has nothing to swap yet.
    :param reread: reads what else lies in files (certificates) on a worker thread and names what has changed in
        them; raises ConfigurationError. It is the last step of `prepare`.
    :param begun: told what is served now, on the loop's thread.
    :param share: of the throttles' limits, where other processes answer requests too.
    :param beside: None: this process serves no user pools.
    """

    gateway: Gateway
    serving: Serving

    def __init__(
        self,
        services: Services,
        *,
        names: Names,
        metrics: GatewayMetrics,
        make_gateway: Callable[[Serving], Gateway],
        reread: Callable[[], tuple[str, ...]],
        begun: Callable[[Serving], None],
        share: Share = WHOLE,
        beside: Beside | None = None,
    ) -> None:
        self.services = services
        self._names = names
        self._metrics = metrics
        self._make_gateway = make_gateway
        self._reread = reread
        self._begun = begun
        self._share = share
        self._beside = beside
        self._prepared: tuple[Mark, Serving] | None = None
        self._retiring: dict[int, Serving] = {}
        self._is_building = False

    @property
    def is_open(self) -> bool:
        return hasattr(self, "serving")

    async def prepare(self, after: Servable) -> tuple[str, ...]:
        """Build what serves *after*. What was prepared before and not committed is forgotten.

        :returns: what has changed beside the file, such as ``certificate``.
        :raises ConfigurationError: it cannot be served; nothing has changed.
        """
        self.abandon()
        mark = self.services.mark()
        self._is_building = True
        try:
            if self.is_open:
                known = self.serving.digests
                self.services.renew({name for name in known if known[name] != after.digests.get(name)})
            await self._prepare_beside(after)
            deployment = await asyncio.to_thread(self._compile, after)
            reread = await asyncio.to_thread(self._reread) if self.is_open else ()
        except BaseException:
            self._forget(mark)
            self._abandon_beside()
            raise
        serving = Serving(
            number=after.number, file=after.file, digests=dict(after.digests), deployment=deployment
        )
        self._prepared = (mark, serving)
        return reread

    def _compile(self, after: Servable) -> Deployment:
        """On a worker thread: 10,000 routes take a second. The caches in `services` take one build at a time."""
        return deployment_of(
            after.file,
            self._names,
            locator=SingleLocator(after.invoker),
            metrics=self._metrics,
            services=self.services,
            share=self._share,
            pools=None if self._beside is None else self._beside.names_of(after.file),
        )

    async def _prepare_beside(self, after: Servable) -> None:
        if self._beside is not None:
            await self._beside.prepare(after.file, after.invoker)
        elif after.file.user_pools:
            raise ConfigurationError(
                "The server began without user pools, and so without their listener: restart it.",
            )

    def _abandon_beside(self) -> None:
        if self._beside is not None:
            self._beside.abandon()

    def abandon(self) -> None:
        """Forget what was prepared, if anything was."""
        if self._prepared is not None:
            mark, self._prepared = self._prepared[0], None
            self._forget(mark)
            self._abandon_beside()

    def _forget(self, mark: Mark) -> None:
        self.services.abandon(mark)
        self._is_building = False
        self._sweep()

    async def commit(self) -> None:
        """From here on new requests run on what was prepared. The swap itself waits for nothing: none sees half of it.

        :raises RuntimeFailure: (the first one only) the user pools cannot be served.
        """
        assert self._prepared is not None
        await self._commit_beside(self._prepared[1].number)
        after, self._prepared, self._is_building = self._prepared[1], None, False
        if self.is_open:
            self._retiring[self.serving.number] = self.serving
            self.gateway.swap(after.deployment)
        else:
            self.gateway = self._make_gateway(after)
        self.serving = after
        try:
            self._begun(after)
        except Exception:
            log.exception("generation %d is served, but not all that belongs to it", after.number)

    async def _commit_beside(self, number: int) -> None:
        if self._beside is None:
            return
        try:
            await self._beside.commit()
        except RuntimeFailure as error:
            if not self.is_open:
                raise
            log.error("generation %d is served, but its user pools are not yet: %s", number, error.what)

    async def ended(self, number: int) -> None:
        """Wait for the last request of a generation that is served no more, then let go what only it used."""
        before = self._retiring.get(number)
        if before is None:
            return
        longest_s = max((route.timeout_s for route in before.file.resolved_routes()), default=0.0)
        try:
            async with asyncio.timeout(longest_s + BEFORE_THE_CALL_S):
                await before.deployment.visits.ended()
        except TimeoutError:
            log.warning(
                "%d requests of generation %d have not ended yet", before.deployment.visits.count, number
            )
        finally:
            self._retiring.pop(number, None)
            del before
            self._sweep()

    def _sweep(self) -> None:
        """Forget services that nobody uses: not while a build asks for some, nor while old requests run."""
        if not self._is_building and not self._retiring:
            self.services.sweep()
