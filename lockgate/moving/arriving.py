"""``lockgate user import``: the whole file is judged, then written; what was done is told whatever happens."""

import argparse
import json
from dataclasses import asdict
from datetime import datetime
from time import monotonic

from auth.errors import GroupExists
from auth.flows.moving import Door
from auth.group import Group
from auth.pool import Pool
from lockgate.errors import UsageError
from lockgate.moving.arrival_report import say_faults, say_findings, say_written
from lockgate.moving.bars import bar
from lockgate.moving.judging import Findings, Reading, judged
from lockgate.moving.source import opened
from lockgate.moving.stopping import Stopping
from lockgate.moving.writing import Written, write
from lockgate.pool_office import Office


def import_people(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    """:raises UsageError: a line is not as it should be; nothing was written.

    :raises RuntimeFailure: it ended half-way; whole batches were written.
    """
    groups = frozenset(name for name, _, _ in office.store.users.groups(pool.pool_id))
    door = Door(pool=pool, groups=groups, makes_groups=arguments.create_groups, drops_mfa=arguments.drop_mfa)
    with opened(arguments.file) as source:
        reading = Reading(source=source, door=door, is_csv=arguments.csv, now=office.now)
        with bar("Checking", source.total, quiet=arguments.json, unit="bytes") as advance:
            findings = judged(
                reading, office.store.moving, arguments.on_conflict, lambda line: advance(line.end)
            )
        _stop_at_faults(findings, source.name, arguments)
        if arguments.dry_run:
            say_findings(findings, pool, source.name, arguments)
            return
        _make_groups(office, pool, findings, office.now)
        _write(office, reading, findings, arguments)


def _stop_at_faults(findings: Findings, name: str, arguments: argparse.Namespace) -> None:
    count = findings.fault_count
    if not count and findings.people:
        return
    if arguments.json:
        told = {
            "people": findings.people,
            "faults": count,
            "lines": [asdict(each) for each in findings.faults],
        }
        print(json.dumps(told))  # noqa: T201
    if not findings.people:
        raise UsageError(f"{name} is empty: there is nobody on any line.", "Is it the right file?")
    if not arguments.json:
        say_faults(findings)
    of = f"{count:,} of {findings.people:,} lines" if findings.people > 1 else "The only line"
    raise UsageError(
        f"{of} of {name} cannot be taken. Nothing was written.", "Mend what is said above, and say it again."
    )


def _make_groups(office: Office, pool: Pool, findings: Findings, now: datetime) -> None:
    for name in sorted(findings.groups):
        try:
            office.store.users.create_group(
                Group(pool_id=pool.pool_id, name=name, source="api", created_at=now, updated_at=now)
            )
        except GroupExists:
            continue  # somebody else was faster; that is as good
        office.record("group_changed", pool, "", f"made {name}")


def _write(office: Office, reading: Reading, findings: Findings, arguments: argparse.Namespace) -> None:
    pool, written, began = reading.door.pool, Written(), monotonic()

    def done(count: int) -> None:
        if count:
            office.record("users_imported", pool, pool.pool_id, f"{count} people")
        advance(written.total)

    try:
        with Stopping() as stopping, bar("Writing", findings.people, quiet=arguments.json) as advance:
            write(
                reading,
                office.store.moving,
                arguments.on_conflict,
                written,
                tick=lambda _: stopping.check(),
                done=done,
            )
    except BaseException:  # also Ctrl-C: whoever stops it should know how far it was
        say_written(findings, written, reading, arguments, seconds=monotonic() - began, is_whole=False)
        raise
    say_written(findings, written, reading, arguments, seconds=monotonic() - began, is_whole=True)
