"""Which function names exist and which revision each one runs. Names only point; revisions are what runs."""

from collections.abc import Iterable, Mapping

from executor.revision import Revision

LATEST = "$LATEST"


class Catalog:
    """The functions of the current deployment; swapped whole."""

    def __init__(self) -> None:
        self._latest: Mapping[str, Revision] = {}

    def swap(self, revisions: Iterable[Revision]) -> tuple[list[Revision], list[Revision]]:
        """Point the names at *revisions*.

        :returns: the revisions that are new, and those that nothing points at any more, each in its order.
        """
        latest = {revision.config.name: revision for revision in revisions}
        before = {revision.digest: revision for revision in self._latest.values()}
        after = {revision.digest: revision for revision in latest.values()}
        self._latest = latest
        added = [revision for digest, revision in after.items() if digest not in before]
        removed = [revision for digest, revision in before.items() if digest not in after]
        return added, removed

    def latest(self, function: str) -> Revision | None:
        return self._latest.get(function)

    def has(self, function: str) -> bool:
        return function in self._latest

    def names(self) -> tuple[str, ...]:
        return tuple(self._latest)
