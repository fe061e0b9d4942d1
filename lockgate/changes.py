"""What a reload changed, for people and for programs. Values only; comparing reads nothing but what was compiled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from executor.revision import Revision

_NAMED_AT_MOST = 3  # beyond that a number says more than a row of names

# Sections that a reload applies. Every other one was used up when the server started (ids and
# signatures, the machine's caps, the listeners), so its new value needs a restart, and a reload says so.
APPLIED = frozenset(
    {
        "stages",
        "cors",
        "server.domains",
        "server.access_log",
        "server.trusted_proxies",
        "server.images",
        "server.mail",
        "server.pull",
        "server.smtp",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One deployment as far as a reload compares it.

    :param routes: route key → all that decides how it answers.
    :param sections: other parts of the file by name, such as ``cors`` and ``server.domains``; always the same names.
    """

    routes: Mapping[str, object]
    revisions: Mapping[str, Revision]
    sections: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Names, each in the file's order."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @classmethod
    def of(cls, before: Mapping[str, object], after: Mapping[str, object]) -> "Differences":
        return cls(
            added=tuple(name for name in after if name not in before),
            changed=tuple(name for name in after if name in before and before[name] != after[name]),
            removed=tuple(name for name in before if name not in after),
        )

    def as_json(self) -> dict[str, list[str]]:
        return {"added": list(self.added), "changed": list(self.changed), "removed": list(self.removed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """:param rebuilt: functions of `functions.changed` whose code is another one; the others' settings are.
    :param kept_environments: living ones of functions that did not change.
    :param needs_restart: keys of the file whose new value is not in force.
    """

    routes: Differences
    functions: Differences
    rebuilt: tuple[str, ...]
    sections: tuple[str, ...]
    kept_environments: int
    needs_restart: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything is served that was not before."""
        return bool(self.routes or self.functions or self.sections)

    @classmethod
    def of(
        cls,
        before: Snapshot,
        after: Snapshot,
        *,
        started: Mapping[str, object],
        kept_environments: int,
        reread: tuple[str, ...] = (),
    ) -> "Changes":
        """:param started: the sections as they were when the server started.
        :param reread: what has changed beside the file, such as ``certificate``; told as a section.
        """
        functions = Differences.of(before.revisions, after.revisions)
        sections = Differences.of(before.sections, after.sections)
        return cls(
            routes=Differences.of(before.routes, after.routes),
            functions=functions,
            rebuilt=tuple(
                name
                for name in functions.changed
                if before.revisions[name].package != after.revisions[name].package
            ),
            sections=(*(name for name in sections.changed if name in APPLIED), *reread),
            kept_environments=kept_environments,
            needs_restart=tuple(
                name for name in Differences.of(started, after.sections).changed if name not in APPLIED
            ),
        )

    def as_json(self) -> dict[str, object]:
        """The names of its keys are stable."""
        return {
            "routes": self.routes.as_json(),
            "functions": self.functions.as_json() | {"rebuilt": list(self.rebuilt)},
            "sections": list(self.sections),
            "kept_environments": self.kept_environments,
            "needs_restart": list(self.needs_restart),
        }

    def sentence(self) -> str:
        """Such as ``3 routes added, 1 changed; function notes rebuilt; 14 warm environments kept``."""
        configured = [name for name in self.functions.changed if name not in self.rebuilt]
        parts = [
            _counted(self.routes),
            *_named("added", self.functions.added),
            *_named("rebuilt", self.rebuilt),
            *_named("changed", configured),
            *_named("removed", self.functions.removed),
            f"{_listed(self.sections)} changed" if self.sections else "",
        ]
        told = [part for part in parts if part] or ["nothing changed"]
        if self.kept_environments:
            told.append(f"{_number(self.kept_environments, 'warm environment')} kept")
        return "; ".join(told)

    def restart_sentence(self) -> str:
        """What is not in force before a restart; "" when everything is."""
        if not self.needs_restart:
            return ""
        verb = "keeps its value" if len(self.needs_restart) == 1 else "keep their values"
        return f"{_listed(self.needs_restart)} {verb} until a restart."


def _counted(routes: Differences) -> str:
    """Such as ``3 routes added, 1 changed``."""
    numbers = [
        (len(routes.added), "added"),
        (len(routes.changed), "changed"),
        (len(routes.removed), "removed"),
    ]
    numbers = [(number, verb) for number, verb in numbers if number]
    if not numbers:
        return ""
    (first, verb), *others = numbers
    return ", ".join([f"{_number(first, 'route')} {verb}", *(f"{n} {verb}" for n, verb in others)])


def _named(verb: str, functions: Iterable[str]) -> list[str]:
    names = tuple(functions)
    if not names:
        return []
    if len(names) > _NAMED_AT_MOST:
        return [f"{len(names)} functions {verb}"]
    return [f"function{'s' if len(names) > 1 else ''} {_listed(names)} {verb}"]


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
