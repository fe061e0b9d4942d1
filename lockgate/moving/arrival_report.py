"""What a person, or a script, is told of an import."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from auth.pool import Pool
from lockgate.console import visible
from lockgate.moving.judging import Findings, Reading
from lockgate.moving.writing import GO_ON, Written

SHOWN_FAULTS: Final = 20


def say_faults(findings: Findings) -> None:
    """On standard error: which line, which field, what of it, and what to write instead."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for fault in findings.faults[:SHOWN_FAULTS]:
        text = Text(visible(fault.what))
        if fault.instead:
            text.append(f"\n{visible(fault.instead)}", style="dim")
        table.add_row(
            Text(f"line {fault.line:,}", style="bold"), Text(visible(fault.where), style="yellow"), text
        )
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 160, highlight=False)
    console.print(table)
    rest = findings.fault_count - SHOWN_FAULTS
    if rest > 0:
        console.print(f"and {rest:,} more; --json lists up to 1,000.", style="dim")


def say_findings(findings: Findings, pool: Pool, name: str, arguments: argparse.Namespace) -> None:
    """Of a dry run."""
    coming = findings.people - findings.others - (0 if arguments.on_conflict == "replace" else findings.known)
    if arguments.json:
        told = {"pool": pool.pool_id, "dry_run": True, "people": findings.people, "coming": coming}
        told |= {"known": findings.known, "others": findings.others, **_facts(findings)}
        print(json.dumps(told))  # noqa: T201
        return
    print(f"{visible(name)} can be taken as it is. Nothing was written.")  # noqa: T201
    rows = [(coming, f"would come into {pool.name}")]
    rows += [(findings.known, f"of them in place of somebody who is there: {_REPLACED}")] * (
        arguments.on_conflict == "replace"
    )
    rows += [(findings.known, "there already, and would stay as they are")] * (
        arguments.on_conflict == "skip"
    )
    rows += [(findings.others, "left out: their name or address is somebody else's")]
    _print_rows([*rows, *_notes(findings)])


def say_written(
    findings: Findings,
    written: Written,
    reading: Reading,
    arguments: argparse.Namespace,
    *,
    seconds: float,
    is_whole: bool,
) -> None:
    """:param is_whole: False: something ended it, which is told besides."""
    pool, counts = reading.door.pool, written.counts
    if arguments.json:
        told = {name: counts[name] for name in ("written", "replaced", "skipped")}
        told |= {"people": findings.people} | (_facts(findings) if is_whole else {})
        print(json.dumps({"pool": pool.pool_id, "is_whole": is_whole, **told}))  # noqa: T201
        return
    if not is_whole:
        so_far = f"{written.total:,} of {findings.people:,} people had been through, and are in {pool.name}"
        print(f"It ended early: {so_far}.\n{GO_ON}", file=sys.stderr)  # noqa: T201
        return
    came = counts["written"] + counts["replaced"]
    print(f"{came:,} {'person' if came == 1 else 'people'} came into {pool.name}, in {seconds:.1f} s.")  # noqa: T201
    rows = [
        (counts["replaced"], f"of them in place of somebody who was there: {_REPLACED}"),
        (
            counts["skipped"],
            "left out: there already, or their name or address is somebody else's",
        ),
    ]
    _print_rows([*rows, *_notes(findings)])


def _facts(findings: Findings) -> dict[str, Any]:
    return {"groups": sorted(findings.groups), "notes": dict(findings.notes)}


def _notes(findings: Findings) -> Iterator[tuple[int, str]]:
    for note, text in _TEXTS.items():
        yield findings.notes[note], text
    names = sorted(findings.groups)
    yield len(names), f"new groups: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"


def _print_rows(rows: list[tuple[int, str]]) -> None:
    for count, text in rows:
        if count:
            print(f"{count:>10,}  {visible(text)}")  # noqa: T201


_REPLACED: Final = "every session of theirs ends"
_TEXTS: Final = {
    "no_password": 'without a password: "Forgot your password?" gives them one',
    "unreachable": "of these without a verified mail address: no code reaches them, but lockgate user passwd helps",
    "without_app": "without their authenticator app: they set it up again",
    "without_srp": "without their SRP verifier: the next sign-in by password makes one",
}
