"""What a security requirement promises, the lines of code that keep the promise, and the tests that cite it."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.fault import Fault

# Requirements that must be met of the authorization server (A), the login pages (B), the verification of tokens (J),
# the HTTP edge (H), containers (C), packages (P), logs (L), and what ends, races or fails (R).
MUST = frozenset(
    [
        *(f"A{n}" for n in range(1, 20)),
        *("A25", "A26", "A27"),
        *(f"B{n}" for n in range(1, 15)),
        *(f"J{n}" for n in range(1, 20)),
        *(f"H{n}" for n in range(1, 19)),
        *(f"C{n}" for n in range(1, 13)),
        *("H20", "P1", "L4", "L5", "R2", "R3", "R6", "R8"),
    ]
)
# They need nothing but their own process: no other program, no engine, no database but a file.
QUICK_TESTS = ("tests/unit/", "tests/contract/auth_store/", "tests/e2e/oauth/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that decides: with `old` replaced by `new` one of `tests` fails.

    :param old: a piece of `file` that occurs there exactly once.
    """

    holds: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherent:
    """What holds without a line of ours that could be taken out: a library does it, or nothing does the contrary."""

    holds: str
    reason: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What tests see in real containers or processes. No line is taken out for it: those tests take too long."""

    holds: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """:param promise: what holds, in a user's words.

    :param not_yet: why nothing of it can be broken yet; such a requirement needs no line.
    """

    id: str
    title: str
    promise: str
    lines: tuple[Line, ...] = ()
    inherent: tuple[Inherent, ...] = ()
    shown: tuple[Shown, ...] = ()
    not_yet: str = ""

    def faults(self) -> Iterator[Fault]:
        for line in self.lines:
            yield Fault(f"{self.id} {line.holds}", line.file, line.old, line.new, line.tests, self.id)

    @property
    def tests(self) -> list[str]:
        proofs: tuple[Line | Inherent | Shown, ...] = (*self.lines, *self.inherent, *self.shown)
        return list(dict.fromkeys(test for proof in proofs for test in proof.tests))


def problems_of(requirements: Iterable[Requirement], root: Path) -> list[str]:
    """Say what is wrong with the table itself, before anything is run."""
    rows = list(requirements)
    ids = [row.id for row in rows]
    problems = [f"{id_} has two rows" for id_ in sorted(set(ids)) if ids.count(id_) > 1]
    problems += [f"{id_} has no row" for id_ in sorted(MUST - set(ids))]
    problems += [
        f"{row.id} has neither a line nor a reason" for row in rows if not row.lines and not row.not_yet
    ]
    for row in rows:
        problems += [
            f"{row.id}: {test} does not cite it" for test in row.tests if not cites(test, row.id, root)
        ]
        problems += [
            f"{row.id}: {test} is no quick test, and only those are run without the line"
            for line in row.lines
            for test in line.tests
            if not test.startswith(QUICK_TESTS)
        ]
    for fault in (fault for row in rows for fault in row.faults()):
        found = _text(root / fault.file).count(fault.old)
        if found != 1:
            problems.append(f"{fault.name}: found {found} times in {fault.file}: {fault.old!r}")
    return problems


def cites(test: str, requirement: str, root: Path) -> bool:
    """Say whether the test at a pytest node path names *requirement*: in its parameters' id or its docstring."""
    file, _, name = test.partition("::")
    word = re.compile(rf"(?<![A-Za-z0-9]){requirement}(?![0-9])")
    function, _, parameters = name.partition("[")
    if word.search(parameters):
        return True
    docstring = _docstrings(root / file).get(function)
    return docstring is not None and word.search(docstring) is not None


@cache
def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@cache
def _docstrings(path: Path) -> dict[str, str]:
    """Function or ``Class::method`` → its docstring."""
    found: dict[str, str] = {}

    def look(nodes: list[ast.stmt], prefix: str) -> None:
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                look(node.body, f"{prefix}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[prefix + node.name] = ast.get_docstring(node) or ""

    look(ast.parse(_text(path)).body, "")
    return found
