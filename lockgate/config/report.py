"""Collects problems while a file is read: turns paths into places and keeps secrets out of the words.

One `Report` per load. A path that was reported by an earlier stage is *poisoned*: what later stages
say about it or about what lies below it is a consequence, and is dropped.
"""

from collections.abc import Mapping
from typing import Literal

from kit.positioned_yaml import KeyPath, Mark, Position, YamlProblem
from lockgate.config.codes import CODES
from lockgate.config.problems import Problem, in_order

_MIN_SECRET_CHARS = 4  # shorter ones occur in ordinary words and would garble messages elsewhere
_MAX_PROBLEMS = 500  # a file of a generator that went wrong; the first ones tell it


class Report:
    def __init__(self, file: str, positions: Mapping[KeyPath, Position]) -> None:
        self._file = file
        self._positions = positions
        self._problems: list[Problem] = []
        self._poisoned: set[KeyPath] = set()
        self._references: dict[KeyPath, str] = {}
        self._secrets: dict[str, str] = {}

    def add_yaml(self, problem: YamlProblem) -> None:
        if problem.path:
            self._poisoned.add(problem.path)
        self._put(problem.code, problem.mark, problem.path, problem.reason, problem.suggestion)

    def add(
        self,
        code: str,
        path: KeyPath,
        reason: str = "",
        suggestion: str = "",
        *,
        at: Literal["key", "value"] = "value",
    ) -> None:
        """Report *code* at *path*; the reason defaults to the code's meaning."""
        if self.is_poisoned(path):
            return
        reason = reason or CODES[code].meaning
        reference = None if code.startswith("reference-") else self._reference_at(path)
        if reference is not None:
            # Words made from the value could show parts of it: only the code's own words are safe.
            reason, suggestion = f"{CODES[code].meaning} (the value comes from {reference})", ""
        self._put(code, self.mark(path, at), path, self._scrub(reason), self._scrub(suggestion))

    def poison(self, path: KeyPath) -> None:
        self._poisoned.add(path)

    def is_poisoned(self, path: KeyPath) -> bool:
        return any(path[:length] in self._poisoned for length in range(1, len(path) + 1))

    @property
    def poisoned(self) -> frozenset[KeyPath]:
        return frozenset(self._poisoned)

    def hide(self, path: KeyPath, reference: str, secret: str) -> None:
        """Name *reference* wherever *secret* would be shown."""
        self._references[path] = reference
        if len(secret) >= _MIN_SECRET_CHARS:
            self._secrets[secret] = reference

    def mark(self, path: KeyPath, at: Literal["key", "value"] = "key") -> Mark:
        """The place of *path*, or of the nearest thing around it that has one."""
        position = self._positions.get(path)
        if position is not None:
            return position.key if at == "key" and position.key is not None else position.value
        return self.mark(path[:-1], "key") if path else Mark(1, 1)

    def problems(self) -> tuple[Problem, ...]:
        return in_order(self._problems)[:_MAX_PROBLEMS]

    def is_reference(self, path: KeyPath) -> bool:
        """Whether the value at *path* came from elsewhere than the file."""
        return self._reference_at(path) is not None

    def _reference_at(self, path: KeyPath) -> str | None:
        for length in range(len(path), 0, -1):
            if path[:length] in self._references:
                return self._references[path[:length]]
        return None

    def _scrub(self, text: str) -> str:
        for secret, reference in self._secrets.items():
            text = text.replace(secret, reference)
        return text

    def _put(self, code: str, mark: Mark, path: KeyPath, reason: str, suggestion: str) -> None:
        if len(self._problems) >= 2 * _MAX_PROBLEMS:
            return
        problem = Problem(
            code=code,
            severity=CODES[code].severity,
            file=self._file,
            line=mark.line,
            column=mark.column,
            key_path=path,
            reason=reason,
            suggestion=suggestion,
        )
        self._problems.append(problem)
