"""The findings as a person reads them: a table, what follows below it, and one line at the end."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lockgate.doctor.row import Row, Verdict

_MARKS = {
    Verdict.OK: ("✓", "ok", "green"),
    Verdict.WEAK: ("!", "weak", "yellow"),
    Verdict.MISSING: ("✗", "missing", "bold red"),
}


def show(rows: Sequence[Row], console: Console) -> None:
    for group, members in groupby(rows, key=lambda row: row.group):
        console.print(Text(group.capitalize(), style="bold"))
        console.print(Padding(_table(list(members)), (0, 0, 1, 2)))
    console.print(_summary(rows))


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        mark, word, style = _MARKS[row.verdict]
        table.add_row(Text(f"{mark} {word}", style=style), Text(row.check), Group(*_said(row)))
    return table


def _said(row: Row) -> Iterator[RenderableType]:
    yield Text(row.found)
    if row.follows:
        yield Text(row.follows, style="dim")
    if row.do:
        yield Text(f"→ {row.do}", style="dim")


def _summary(rows: Sequence[Row]) -> Text:
    counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
    said = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    if counts[Verdict.MISSING]:
        return Text(f"{said}. `lockgate serve` cannot run functions in containers here.", style="bold red")
    if counts[Verdict.WEAK]:
        return Text(f"{said}. `lockgate serve` works; read what is weak before strangers' code runs here.")
    return Text(f"{said}. All is as it should be.", style="green")
