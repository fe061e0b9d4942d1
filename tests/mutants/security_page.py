"""Writes docs/security.md from the table. Run: ``python tests/mutants/security_page.py`` after a change of it."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/security.md"
sys.path.insert(0, str(ROOT))

from tests.mutants.requirement import Requirement  # noqa: E402  # needs the path above
from tests.mutants.requirements import REQUIREMENTS  # noqa: E402

HEAD = """\
# What Lockgate promises

Each promise has a number, the lines of code that keep it, and the tests that would fail without them. Tests cite the
number; `make mutants` takes each line out in a copy of the program and sees that a test named beside it fails.
Wherever something is refused, a test shows its twin: the same but for that one thing, and accepted.

What the kernel or a container engine keeps for us cannot be seen in a line of code. There, tests run code inside of
real containers, or kill real processes, and say what they saw; they are named under "seen in real ones".

Made from `tests/mutants/requirements/`; a test compares the two.
"""
GROUPS = {
    "A": "Signing in: OAuth 2 and OpenID Connect",
    "B": "Signing in: pages, passwords and codes",
    "J": "Tokens and authorizers",
    "H": "Requests",
    "C": "Functions and their containers",
    "P": "Packages",
    "L": "Logs",
    "R": "Ends and restarts",
}


def page(requirements: Iterable[Requirement] = REQUIREMENTS) -> str:
    return "\n".join(_lines(sorted(requirements, key=lambda row: (row.id[0], int(row.id[1:]))))) + "\n"


def _lines(rows: list[Requirement]) -> Iterator[str]:
    yield HEAD.rstrip("\n")
    for letter, title in GROUPS.items():
        yield from ("", f"## {title}")
        for row in rows:
            if row.id.startswith(letter):
                yield from ("", f"### {row.id}: {row.title}", "", row.promise)
                yield from _proof(row)


def _proof(row: Requirement) -> Iterator[str]:
    if row.not_yet:
        yield from ("", f"Does not apply yet: {row.not_yet}")
    if row.lines:
        yield from ("", "| holds | line | tests |", "|---|---|---|")
        for line in row.lines:
            yield _cells(line.holds, f"`{line.file}`: {_code(line.old)}", _tests(line.tests))
    if row.inherent:
        yield from ("", "| holds | without a line of its own, because | tests |", "|---|---|---|")
        for inherent in row.inherent:
            yield _cells(inherent.holds, inherent.reason, _tests(inherent.tests))
    if row.shown:
        yield from ("", "| seen in real ones | tests |", "|---|---|")
        for shown in row.shown:
            yield _cells(shown.holds, _tests(shown.tests))


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(text: str) -> str:
    first = next(line.strip() for line in text.split("\n") if line.strip())
    ticks = "``" if "`" in first else "`"
    return f"{ticks}{first}{ticks}".replace("|", "\\|")


def _tests(tests: Iterable[str]) -> str:
    """Each test function once, with the cases of it that count, if not all do."""
    functions: dict[str, list[str]] = {}
    for test in tests:
        function, _, cases = test.partition("[")
        functions.setdefault(function, []).extend([cases.rstrip("]")] if cases else [])
    texts = []
    for function, cases in functions.items():
        file, _, name = function.partition("::")
        shown = ", ".join(cases[:3]) + (", …" if len(cases) > 3 else "")
        texts.append(f"`{file.removeprefix('tests/')}` {name}" + (f" ({shown})" if cases else ""))
    return "; ".join(texts).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
