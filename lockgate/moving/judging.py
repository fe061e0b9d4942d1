"""The whole of a file, judged before a row is written: what is wrong with which line, and who is here already."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from auth.flows.moving import Admitted, Arrival, Door, NotAdmitted
from auth.pool import Pool
from auth.store.ports import MovedUser, MovingStore
from lockgate.errors import UsageError
from lockgate.moving.cognito_csv import CsvRows
from lockgate.moving.record import arrival_of
from lockgate.moving.source import MAX_LINE_BYTES, Line, Source
from lockgate.moving.twins import Twins

BATCH: Final = 500  # people a transaction: some 30 ms, for which a server's writers wait
MAX_GROUPS: Final = 10_000  # of a pool, as Cognito's
MAX_FAULTS: Final = 1000  # told one by one; more are counted

Conflict = Literal["fail", "skip", "replace"]
Tick = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is not taken. :param where: its field."""

    line: int
    where: str
    what: str
    instead: str


@dataclass(slots=True)
class Findings:
    """:param people: lines that somebody is on. :param known: of them, who is here already and the same person.

    :param others: whose name or address somebody else has. :param fault_count: also of those that are not kept.

    :param groups: that are to be made."""

    people: int = 0
    known: int = 0
    others: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    groups: set[str] = field(default_factory=set)

    def add(self, line: int, fault: NotAdmitted) -> None:
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(line, fault.where, fault.what, fault.instead))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read: twice in the same way."""

    source: Source
    door: Door
    is_csv: bool
    now: datetime

    def people(self) -> Iterator[tuple[Line, Admitted | NotAdmitted]]:
        read: Callable[[bytes], Arrival] = arrival_of
        lines = self.source.lines()
        if self.is_csv:
            header = next(lines, None)
            if header is None:
                return
            try:
                read = CsvRows.under(_data(header), self.door.pool).arrival_of
            except NotAdmitted as fault:
                yield header, fault
                return
        for line in lines:
            try:
                yield line, self.door.admit(read(_data(line)), self.now)
            except NotAdmitted as fault:
                yield line, fault


def _data(line: Line) -> bytes:
    if line.data is None:
        raise NotAdmitted("", f"it is longer than {MAX_LINE_BYTES // 1024} KiB.", "One person a line.")
    return line.data


def judged(reading: Reading, store: MovingStore, conflict: Conflict, tick: Tick) -> Findings:
    """:param tick: is told each line."""
    findings, twins = Findings(), Twins()
    batch: list[tuple[int, Admitted]] = []
    try:
        for line, admitted in reading.people():
            tick(line)
            findings.people += 1
            if isinstance(admitted, NotAdmitted):
                findings.add(line.number, admitted)
                continue
            twin = twins.before(admitted.user, line.number)
            if twin is not None:
                findings.add(
                    line.number, NotAdmitted(twin[0], f"line {twin[1]:,} has it already.", _ONE_LINE)
                )
                continue
            findings.groups.update(set(admitted.user.user.groups) - reading.door.groups)
            if len(findings.groups) > MAX_GROUPS:
                raise UsageError(
                    f"{reading.source.name} names more than {MAX_GROUPS:,} new groups.",
                    "Is it the right file?",
                )
            batch.append((line.number, admitted))
            if len(batch) == BATCH:
                _meet(reading.door.pool, store, batch, conflict, findings)
                batch.clear()
        _meet(reading.door.pool, store, batch, conflict, findings)
    finally:
        twins.close()
    return findings


def _meet(
    pool: Pool, store: MovingStore, batch: list[tuple[int, Admitted]], conflict: Conflict, findings: Findings
) -> None:
    if not batch:
        return
    clashes = store.clashes(pool.pool_id, [admitted.user for _, admitted in batch])
    for (number, admitted), clash in zip(batch, clashes, strict=True):
        if clash is None or (clash == "same" and conflict == "replace"):
            findings.notes.update(admitted.notes)
        if clash == "same":
            findings.known += 1
            if conflict == "fail":
                what = f"{name_of(admitted.user)} is in {pool.name} already."
                findings.add(number, NotAdmitted("", what, _HOW_TO_GO_ON))
        elif clash == "other":
            findings.others += 1
            if conflict != "skip":
                what = _TAKEN.format(name_of(admitted.user), pool.name)
                findings.add(number, NotAdmitted("", what, _NOBODY_ELSE))


def name_of(user: MovedUser) -> str:
    """What people call them."""
    if user.user.username != user.user.sub:
        return user.user.username
    return user.user.attributes.get("email") or user.user.attributes.get("phone_number") or user.user.sub


_ONE_LINE: Final = "One line a person: delete one of the two."
_HOW_TO_GO_ON: Final = "--on-conflict skip leaves them as they are, replace makes them anew from the file."
_TAKEN: Final = "the name or an address of {} is somebody else's in {}."
_NOBODY_ELSE: Final = (
    "Nobody else is replaced: change one of the two, or --on-conflict skip leaves this line out."
)
