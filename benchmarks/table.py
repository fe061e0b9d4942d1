"""One table of the report, as Markdown."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        if self.rows:
            lines += [_line(self.columns), "|" + "---|" * len(self.columns), *map(_line, self.rows), ""]
        for note in self.notes:
            lines += [note, ""]
        return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
