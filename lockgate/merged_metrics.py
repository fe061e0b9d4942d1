"""One exposition of several processes: the executor's own series as they are, those of each edge with its name.

A label and not a sum: a worker that is started again begins at 0, and of a sum that falls `rate` would make a reset of
all. Prometheus adds up by itself: ``sum without (worker) (…)``.
"""

from collections.abc import Mapping

LABEL = "worker"


def merged(own: str, others: Mapping[str, str]) -> str:
    """:param others: exposition in the text format 0.0.4, by the name of its process.

    :returns: each family once, with all its series.
    """
    families: dict[str, tuple[list[str], list[str]]] = {}
    _gather(own, None, families)
    for name, text in others.items():
        _gather(text, name, families)
    lines = [line for head, series in families.values() for line in (*head, *series)]
    return "\n".join(lines) + "\n"


def _gather(text: str, worker: str | None, families: dict[str, tuple[list[str], list[str]]]) -> None:
    head: list[str] = []
    series: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            is_new = name not in families
            known, series = families.setdefault(name, ([], []))
            head = known if is_new else []  # said once
        if line.startswith("#"):
            head.append(line)
        elif line:
            series.append(line if worker is None else _labelled(line, worker))


def _labelled(line: str, worker: str) -> str:
    """``name{a="b"} 1`` or ``name 1``; what stands in a label's value may be anything, a name has no brace."""
    brace, space = line.find("{"), line.find(" ")
    if 0 <= brace < space:
        return f'{line[: brace + 1]}{LABEL}="{worker}",{line[brace + 1 :]}'
    return f'{line[:space]}{{{LABEL}="{worker}"}}{line[space:]}'
