"""Reload: the files are read again whole, built, and served from one moment on; or nothing changes at all (P3, R3).

validate → packages → what starts need → the deployment, off the loop → swap. Whatever fails before the swap leaves
the server as it was. After it, requests that had begun end under what they began with: its functions are retired
and its services forgotten when the last one has. State: the generation that is served, and who waits for a reload.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from executor.executor import Executor
from executor.revision import Revision
from lockgate.changes import Changes
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import Loaded
from lockgate.config.problems import Problem
from lockgate.configuration import read_with_bytes
from lockgate.errors import ConfigurationError
from lockgate.revisions import RevisionBuilder
from lockgate.served import Served, snapshot_of

log = logging.getLogger("lockgate.reload")


class Front(Protocol):
    """Whoever answers requests: `lockgate.front` in this process, or edges in processes of their own."""

    async def prepare(self, after: Served) -> tuple[str, ...]:
        """Have all that serving *after* needs.

        :returns: what has changed beside the file, such as ``certificate``.
        :raises ConfigurationError: it cannot be served; nothing has changed.
        """
        ...

    def abandon(self) -> None:
        """Forget what was prepared, if anything was."""
        ...

    async def commit(self) -> None:
        """New requests run on what was prepared."""
        ...

    async def ended(self, number: int) -> None:
        """Wait for the last request of a generation that is served no more, but not for ever."""
        ...


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


@dataclass(frozen=True, slots=True)
class Read:
    """:param data: the bytes that were read."""

    loaded: Loaded
    data: bytes = field(repr=False)


class Builder:
    """From files to what could be served, the functions' half. Nothing that it does is seen by a request."""

    def __init__(self, paths: Sequence[Path], *, revisions: RevisionBuilder, executor: Executor) -> None:
        self.paths = paths
        self.executor = executor
        self._revisions = revisions

    async def read(self) -> Read:
        return Read(*await asyncio.to_thread(read_with_bytes, self.paths))

    async def build(
        self, file: RoutesFile, *, number: int, before: Served | None = None, data: bytes = b""
    ) -> Served:
        """:raises ConfigurationError: a package cannot be made."""
        revisions = await self._revisions.build(file)
        return await self.resume(file, number=number, before=before, data=data, revisions=revisions)

    async def resume(
        self,
        file: RoutesFile,
        *,
        number: int,
        revisions: Sequence[Revision],
        before: Served | None = None,
        data: bytes = b"",
    ) -> Served:
        """The same with revisions whose packages are there."""
        known = {} if before is None else before.functions.revisions
        await self.executor.prepare(each for each in revisions if known.get(each.config.name) != each)
        functions = self.executor.generation(revisions)
        snapshot = await asyncio.to_thread(snapshot_of, file, functions)
        return Served(number=number, file=file, snapshot=snapshot, functions=functions, data=data)


class Reloader:
    """Owns what is served. One reload runs at a time; those asked for meanwhile are one more after it.

    :param tell: told each outcome. :param begun: told what is served now. Both on the loop's thread.
    """

    def __init__(
        self,
        builder: Builder,
        served: Served,
        front: Front,
        *,
        tell: Callable[[Outcome], None],
        begun: Callable[[Served], None],
    ) -> None:
        self.served = served
        self._builder = builder
        self._front = front
        self._tell = tell
        self._begun = begun
        self._started = served.snapshot.sections
        self._next: asyncio.Future[Outcome] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
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
        before = self.served
        try:
            read = await self._builder.read()
            loaded = read.loaded
            if loaded.file is None:
                problems, lines = loaded.problems, loaded.source_lines
                return Refused(reason=_reason(loaded), problems=problems, source_lines=lines)
            number = before.number + 1
            after = await self._builder.build(loaded.file, number=number, before=before, data=read.data)
            reread = await self._front.prepare(after)
        except ConfigurationError as error:
            return Refused(reason=error.what)
        except Exception as error:
            log.exception("the reload failed")
            reason = f"The reload failed ({type(error).__name__}); the server's log says why."
            return Refused(reason=reason, is_fault=True)
        changes = await self._switch(before, after, reread)
        return Reloaded(
            generation=after.number,
            changes=changes,
            took_s=time.monotonic() - started,
            warnings=loaded.problems,
            source_lines=loaded.source_lines,
        )

    async def _switch(self, before: Served, after: Served, reread: tuple[str, ...]) -> Changes:
        """From here on new requests run on *after*. In one process nothing in here waits, so none sees half of it."""
        executor = self._builder.executor
        changes = Changes.of(
            before.snapshot,
            after.snapshot,
            started=self._started,
            reread=reread,
            kept_environments=_living(executor, before, after),
        )
        executor.adopt(after.functions)
        self.served = after
        try:
            self._begun(after)
        except Exception:
            log.exception("generation %d is served, but not all that belongs to it", after.number)
        await self._front.commit()
        task = asyncio.create_task(self._retire(before), name=f"retire generation {before.number}")
        self._retiring.add(task)
        task.add_done_callback(self._retired)
        return changes

    async def _retire(self, before: Served) -> None:
        await self._front.ended(before.number)
        self._builder.executor.release(before.functions)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)


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
