"""Which function names exist and which revision each one runs. Names only point; revisions are what runs.

A `Generation` is what the names point at for one deployment: a request that began under it runs its revisions,
whatever the names point at by then. The `Catalog` knows the newest one and those that are still in use.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from executor.revision import Revision
from kit.invoke import InvokeAnswer, InvokeCall

LATEST = "$LATEST"

# Any: what a coroutine yields to its loop is the loop's business.
Running = Coroutine[Any, Any, InvokeAnswer]
Run = Callable[[InvokeCall, Revision | None], Running]


class Generation:
    """An `Invoker` whose names point at the same revisions for as long as it is in use.

    :ivar latest: function name → revision; after `Catalog.release`, whatever is newest.
    """

    __slots__ = ("_run", "latest", "revisions")

    def __init__(self, run: Run, revisions: Iterable[Revision]) -> None:
        self._run = run
        self.revisions: Mapping[str, Revision] = {revision.config.name: revision for revision in revisions}
        self.latest: Callable[[str], Revision | None] = self.revisions.get

    def __repr__(self) -> str:
        return f"<Generation {' '.join(f'{name}={r.digest[:8]}' for name, r in self.revisions.items())}>"

    def invoke(self, call: InvokeCall) -> Running:
        """Run one call; not a coroutine around another one, which would cost every call. See `kit.invoke.Invoker`."""
        return self._run(call, self.latest(call.function))


class Catalog:
    """The functions of the current deployment; swapped whole."""

    def __init__(self) -> None:
        self._latest: Mapping[str, Revision] = {}
        self._in_use: list[Generation] = []

    def adopt(self, generation: Generation) -> list[Revision]:
        """Point the names at a generation's revisions; the ones before stay in use until they are released.

        :returns: the revisions that no name pointed at until now, in their order.
        """
        before = {revision.digest for revision in self._latest.values()}
        self._latest = generation.revisions
        self._in_use.append(generation)
        fresh = {revision.digest: revision for revision in self._latest.values()}
        return [revision for digest, revision in fresh.items() if digest not in before]

    def release(self, generation: Generation) -> list[Revision]:
        """Nothing runs under a generation any more; what still comes late runs what is newest.

        :returns: its revisions that no generation in use has.
        """
        self._in_use.remove(generation)
        generation.latest = self.latest
        used = {revision.digest for each in self._in_use for revision in each.revisions.values()}
        gone = {revision.digest: revision for revision in generation.revisions.values()}
        return [revision for digest, revision in gone.items() if digest not in used]

    def latest(self, function: str) -> Revision | None:
        return self._latest.get(function)

    def has(self, function: str) -> bool:
        return function in self._latest

    def names(self) -> tuple[str, ...]:
        return tuple(self._latest)

    @property
    def in_use(self) -> tuple[Generation, ...]:
        """Oldest first; the last one is current."""
        return tuple(self._in_use)
