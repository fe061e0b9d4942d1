"""How far it is: a bar for a person at a terminal, a line now and then for a log, nothing for a program."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

Advance = Callable[[int], None]
EACH: Final = 5_000  # people: a line of the log
_SHOWN_EACH: Final = 200  # a bar is drawn ten times a second; to be told oftener costs more than the work


@contextmanager
def bar(what: str, total: int, *, quiet: bool, unit: str = "people") -> Iterator[Advance]:
    """:param unit: ``bytes`` are shown as a share only. :returns: is told how much is done in all."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield _lines(what, total, unit)
    else:
        with _drawn(what, total, unit) as advance:
            yield advance


def _lines(what: str, total: int, unit: str) -> Advance:
    told = 0

    def advance(done: int) -> None:
        nonlocal told
        if unit != "bytes" and done // EACH > told:
            told = done // EACH
            print(f"{what}: {done:,} of {total:,} {unit}", file=sys.stderr, flush=True)  # noqa: T201

    return advance


@contextmanager
def _drawn(what: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    count = TextColumn("{task.completed:>,.0f} of {task.total:,.0f} " + unit)
    columns = (
        TextColumn(f"{what:<8}"),
        BarColumn(),
        *((TaskProgressColumn(),) if unit == "bytes" else (count,)),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=max(total, 1))
        calls = 0

        def advance(done: int) -> None:
            nonlocal calls
            calls += 1
            if unit != "bytes" or calls % _SHOWN_EACH == 0:
                progress.update(task, completed=done)

        yield advance
