"""A server under load: one of those that take turns in a row, and what its turns gave."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks import load, processes
from benchmarks.load import Target
from benchmarks.program import Program
from benchmarks.spread import Spread

_WARM_UP_S = 40.0


@dataclass(slots=True, kw_only=True)
class Subject:
    """``cpu_us`` is of all its processes a request, ``server_us`` of the server's own only."""

    name: str
    target: Target
    program: Program
    runs: list[load.Run] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    rss_mb: float = 0.0
    pss_mb: float = 0.0
    processes: int = 0

    def warm_up(self, connections: int) -> None:
        """Load it until it starts no more processes: a start in a measured run would be the run's cost."""
        deadline = time.monotonic() + _WARM_UP_S
        before = -1
        while before != len(self.program.family()) and time.monotonic() < deadline:
            before = len(self.program.family())
            with suppress(load.NoAnswer):  # a peer that starts 50 interpreters at once
                load.run(self.target, connections=connections, seconds=3)

    def take_turn(self, connections: int, seconds: float) -> None:
        family, servers = self.program.family(), self.program.servers()
        all_before, server_before = processes.cpu_s(family), processes.cpu_s(servers)
        run = load.run(self.target, connections=connections, seconds=seconds)
        self.runs.append(run)
        self.cpu_us.append((processes.cpu_s(family) - all_before) / run.answers * 1e6)
        self.server_us.append((processes.cpu_s(servers) - server_before) / run.answers * 1e6)

    def weigh(self) -> None:
        family = self.program.family()
        memory = processes.memory_mb(family)
        self.rss_mb, self.pss_mb, self.processes = memory.rss, memory.pss, len(family)

    def spread(self, read: Callable[[load.Run], float]) -> Spread:
        return Spread.of(map(read, self.runs))

    @property
    def rate(self) -> Spread:
        return self.spread(lambda run: run.rate)


def take_turns(subjects: Sequence[Subject], *, connections: int, rounds: int, seconds: float) -> None:
    """All subjects, one after another, `rounds` times: a slow moment of the machine hits each alike."""
    for subject in subjects:
        subject.warm_up(connections)
    for _ in range(rounds):
        for subject in subjects:
            subject.take_turn(connections, seconds)
    for subject in subjects:
        subject.weigh()


COLUMNS = (
    "",
    "req/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/request, all processes",
    "of it the server",
    "processes",
    "PSS MB",
)


def cells(subject: Subject) -> tuple[str, ...]:
    return (
        subject.name,
        subject.rate.text(),
        subject.spread(lambda run: run.p50_ms).text(2),
        subject.spread(lambda run: run.p99_ms).text(1),
        Spread.of(subject.cpu_us).text(),
        f"{Spread.of(subject.server_us).median:,.0f}",
        str(subject.processes),
        f"{subject.pss_mb:,.0f}",
    )


def ratios(first: Subject, others: Iterable[Subject]) -> str:
    """``Lockgate: 3.10 times serverless-offline.``: medians of the rates."""
    parts = [f"{first.rate.median / other.rate.median:.2f} times {other.name}" for other in others]
    return f"{first.name}: " + "; ".join(parts) + "." if parts else ""


def paired(subject: Subject, other: Subject) -> Spread:
    """The rate of one as a share of the other's, for each round: what both have in a round is the machine's mood."""
    return Spread.of(mine.rate / theirs.rate for mine, theirs in zip(subject.runs, other.runs, strict=True))
