"""Reload: the files are read again whole, built, and served from one moment on; or nothing changes at all (P3, R3).

validate → packages → what starts need → the deployment, off the loop → swap. Whatever fails before the swap leaves
the server as it was. After it, requests that had begun end under what they began with: its functions are retired
and its services forgotten when the last one has. State: the generation that is served, and who waits for a reload.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from executor.catalog import Generation
from executor.executor import Executor
from gateway.app import Gateway
from gateway.deployment import Deployment, RouteSpec
from gateway.integrations.respond import RespondTarget
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.services import Mark, Services
from kit.names import Names
from lockgate.build import deployment_of, route_specs
from lockgate.changes import Changes, Snapshot
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import Loaded
from lockgate.config.problems import Problem
from lockgate.configuration import read
from lockgate.errors import ConfigurationError
from lockgate.revisions import RevisionBuilder

# Beside a route's own timeout: reading a body (30 s at most, the edge's limit) and asking an authorizer (30 s).
BEFORE_THE_CALL_S = 60.0

log = logging.getLogger("lockgate.reload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What requests run on: one generation of everything. :param number: 1 at start, one more with each reload."""

    number: int
    file: RoutesFile
    snapshot: Snapshot
    functions: Generation
    deployment: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """:param warnings: what `lockgate check` would warn of."""

    generation: int
    changes: Changes
    took_s: float
    warnings: tuple[Problem, ...] = ()
    source_lines: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing has changed.

    :param problems: as `lockgate check` has them; empty when the reason is another one.
    :param reason: for a log; one or more sentences.
    :param is_fault: the files are not to blame: the server ends, or has failed.
    """

    reason: str
    is_fault: bool = False
    problems: tuple[Problem, ...] = ()
    source_lines: tuple[str, ...] = field(default=(), repr=False)


Outcome = Reloaded | Refused


class Builder:
    """From files to what could be served. Nothing that it does is seen by a request."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        names: Names,
        revisions: RevisionBuilder,
        executor: Executor,
        metrics: GatewayMetrics,
        services: Services,
    ) -> None:
        self.paths = paths
        self.executor = executor
        self.services = services
        self._names = names
        self._revisions = revisions
        self._metrics = metrics

    async def read(self) -> Loaded:
        return await asyncio.to_thread(read, self.paths)

    async def build(self, file: RoutesFile, *, number: int, before: Served | None = None) -> Served:
        """:raises ConfigurationError: a package or a route cannot be made."""
        revisions = await self._revisions.build(file)
        known = {} if before is None else before.functions.revisions
        await self.executor.prepare(each for each in revisions if known.get(each.config.name) != each)
        functions = self.executor.generation(revisions)
        self.services.renew({name for name in known if known[name] != functions.revisions.get(name)})
        snapshot, deployment = await asyncio.to_thread(self._compile, file, functions)
        return Served(number=number, file=file, snapshot=snapshot, functions=functions, deployment=deployment)

    def _compile(self, file: RoutesFile, functions: Generation) -> tuple[Snapshot, Deployment]:
        """On a worker thread: 10,000 routes take a second. The caches in `services` take one build at a time."""
        snapshot = snapshot_of(file, functions)
        deployment = deployment_of(
            file,
            self._names,
            locator=SingleLocator(functions),
            metrics=self._metrics,
            services=self.services,
        )
        return snapshot, deployment


class Reloader:
    """Owns what is served. One reload runs at a time; those asked for meanwhile are one more after it.

    :param reread: reads what else lies in files (certificates) on a worker thread and names what has changed in them;
        raises ConfigurationError. It is the last step before the swap: nothing can fail after it.
    :param tell: told each outcome. :param begun: told what is served now. Both on the loop's thread.
    """

    def __init__(
        self,
        builder: Builder,
        served: Served,
        gateway: Gateway,
        *,
        reread: Callable[[], tuple[str, ...]],
        tell: Callable[[Outcome], None],
        begun: Callable[[Served], None],
    ) -> None:
        self.served = served
        self._builder = builder
        self._gateway = gateway
        self._reread = reread
        self._tell = tell
        self._begun = begun
        self._started = served.snapshot.sections
        self._next: asyncio.Future[Outcome] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._is_building = False
        self._closed = False

    async def reload(self) -> Outcome:
        """The outcome of a reload that began after this call."""
        return await asyncio.shield(self.request())  # whoever leaves takes nobody's reload away

    def request(self) -> "asyncio.Future[Outcome]":
        """The same for who does not wait."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            if self._closed:
                self._refuse_waiting(self._next)
            elif self._runner is None:
                self._runner = asyncio.create_task(self._run(), name="reload")
        return self._next

    @property
    def is_wanted(self) -> bool:
        """Whether another reload follows the one that runs."""
        return self._next is not None

    async def close(self) -> None:
        """Reload no more. What has been swapped out is left to whoever closes the executor."""
        self._closed = True
        tasks = [*self._retiring, *([] if self._runner is None else [self._runner])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        waiting = None
        try:
            while self._next is not None:
                waiting, self._next = self._next, None
                outcome = await self._reload()
                waiting.set_result(outcome)
                self._tell(outcome)
        finally:
            self._runner = None
            self._refuse_waiting(waiting, self._next)

    def _refuse_waiting(self, *waiting: "asyncio.Future[Outcome] | None") -> None:
        """The server ends: nobody may wait for what does not come any more."""
        for each in waiting:
            if each is not None and not each.done():
                each.set_result(Refused(reason="The server is shutting down.", is_fault=True))

    async def _reload(self) -> Outcome:
        started = time.monotonic()
        mark = self._builder.services.mark()
        self._is_building = True
        try:
            loaded = await self._builder.read()
            if loaded.file is None:
                return self._refused(mark, _reason(loaded), loaded)
            before = self.served
            after = await self._builder.build(loaded.file, number=before.number + 1, before=before)
            reread = await asyncio.to_thread(self._reread)
        except ConfigurationError as error:
            return self._refused(mark, error.what)
        except Exception as error:
            log.exception("the reload failed")
            self._abandon(mark)
            reason = f"The reload failed ({type(error).__name__}); the server's log says why."
            return Refused(reason=reason, is_fault=True)
        self._is_building = False
        changes = self._switch(before, after, reread)
        return Reloaded(
            generation=after.number,
            changes=changes,
            took_s=time.monotonic() - started,
            warnings=loaded.problems,
            source_lines=loaded.source_lines,
        )

    def _abandon(self, mark: Mark) -> None:
        self._builder.services.abandon(mark)
        self._is_building = False
        self._sweep()

    def _refused(self, mark: Mark, reason: str, loaded: Loaded | None = None) -> Refused:
        self._abandon(mark)
        if loaded is None:
            return Refused(reason=reason)
        return Refused(reason=reason, problems=loaded.problems, source_lines=loaded.source_lines)

    def _switch(self, before: Served, after: Served, reread: tuple[str, ...]) -> Changes:
        """From here on new requests run on *after*. Nothing in here waits, so no request sees half of it."""
        executor = self._builder.executor
        changes = Changes.of(
            before.snapshot,
            after.snapshot,
            started=self._started,
            reread=reread,
            kept_environments=_living(executor, before, after),
        )
        executor.adopt(after.functions)
        self._gateway.swap(after.deployment)
        self.served = after
        task = asyncio.create_task(self._retire(before), name=f"retire generation {before.number}")
        self._retiring.add(task)
        task.add_done_callback(self._retired)
        try:
            self._begun(after)
        except Exception:
            log.exception("generation %d is served, but not all that belongs to it", after.number)
        return changes

    async def _retire(self, before: Served) -> None:
        """Wait for the last request of a generation that is served no more, then let go what only it used."""
        longest_s = max((route.timeout_s for route in before.file.resolved_routes()), default=0.0)
        try:
            async with asyncio.timeout(longest_s + BEFORE_THE_CALL_S):
                await before.deployment.visits.ended()
        except TimeoutError:
            count = before.deployment.visits.count
            log.warning("%d requests of generation %d have not ended yet", count, before.number)
        self._builder.executor.release(before.functions)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        self._sweep()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    def _sweep(self) -> None:
        """Forget services that nobody uses: not while a build asks for some, nor while old requests run."""
        if not self._is_building and not self._retiring:
            self._builder.services.sweep()


def _reason(loaded: Loaded) -> str:
    """The first mistakes, for a line of a log."""
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    shown = "; ".join(f"{each.file}:{each.line}:{each.column}: {each.reason}" for each in errors[:3])
    return f"{shown}; and {len(errors) - 3} more" if len(errors) > 3 else shown


def _living(executor: Executor, before: Served, after: Served) -> int:
    """Environments that a reload keeps: of revisions that are named before and after it."""
    kept = set(before.functions.revisions.values()) & set(after.functions.revisions.values())
    counts = [executor.shell.fleet.pool_counts(revision.digest) for revision in kept]
    return sum(
        each.starting + each.idle + each.running + each.responding + each.responded
        for each in counts
        if each is not None
    )


def snapshot_of(file: RoutesFile, functions: Generation) -> Snapshot:
    """Reads the files of ``respond:`` routes, because another content is another answer."""
    server: Mapping[str, object] = dict(file.server)
    sections: dict[str, object] = {
        "region": file.region,
        "account_id": file.account_id,
        "stages": file.declared_stages,
        "cors": file.cors,
        **{f"server.{name}": value for name, value in server.items() if name != "limits"},
        **{f"server.limits.{name}": value for name, value in file.server.limits},
    }
    routes = {spec.key.text: (spec, _content(spec)) for spec in route_specs(file)}
    return Snapshot(routes=routes, revisions=functions.revisions, sections=sections)


def _content(spec: RouteSpec) -> str:
    if not isinstance(spec.target, RespondTarget) or spec.target.file is None:
        return ""
    try:
        return hashlib.sha256(spec.target.file.read_bytes()).hexdigest()
    except OSError:
        return ""  # building the route says why
