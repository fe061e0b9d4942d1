"""What was judged well is written: a transaction a batch, so that whatever happens whole batches are there."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from auth.errors import AuthError
from auth.flows.moving import NotAdmitted
from auth.store.ports import MovedUser, MovingStore
from auth.store.ports.moving import Choice
from lockgate.errors import RuntimeFailure
from lockgate.moving.judging import BATCH, Conflict, Reading, Tick

GO_ON = "Say it again with --on-conflict skip: that does the rest."


@dataclass(slots=True)
class Written:
    """People, by what became of them: ``written``, ``replaced``, ``skipped``."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()


def write(
    reading: Reading,
    store: MovingStore,
    conflict: Conflict,
    written: Written,
    *,
    tick: Tick,
    done: Callable[[int], None],
) -> None:
    """:param written: counts as batches are committed, also of a run that ends early. :param done: is told how many.

    :raises RuntimeFailure: the file changed meanwhile, the database does not answer, or somebody has just signed up.
    """
    batch: list[MovedUser] = []
    for line, admitted in reading.people():
        if isinstance(admitted, NotAdmitted):
            raise RuntimeFailure(f"Line {line.number} has changed while it was read: {admitted}")
        batch.append(admitted.user)
        if len(batch) == BATCH:
            _commit(reading, store, conflict, batch, written, done)
            batch.clear()
        tick(line)
    if batch:
        _commit(reading, store, conflict, batch, written, done)


def _commit(
    reading: Reading,
    store: MovingStore,
    conflict: Conflict,
    batch: list[MovedUser],
    written: Written,
    done: Callable[[int], None],
) -> None:
    choice: Choice = "replace" if conflict == "replace" else "skip"
    try:
        outcomes = Counter(store.write(reading.door.pool.pool_id, batch, reading.now, choice=choice))
    except AuthError as error:
        raise RuntimeFailure(f"A batch could not be written: {error.detail or error}.") from error
    written.counts.update(outcomes)
    done(outcomes["written"] + outcomes["replaced"])
    if conflict == "fail" and outcomes["skipped"]:
        raise RuntimeFailure(
            f"{outcomes['skipped']} of them came into {reading.door.pool.name} while this ran, and are as they were."
        )
