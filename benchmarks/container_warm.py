"""Warm calls in containers: ``python -m benchmarks.container_warm [ROW …]``, or rows of `run.py`.

The same function by the docker driver and by the process driver, each behind a gateway process, a unix socket and an
executor process, and once more with everything in one process, which has no such hop. Then 1, 2 and 4 gateway
processes.
"""

from contextlib import ExitStack

from benchmarks import containers
from benchmarks.alone import run_alone
from benchmarks.issuer import LoopbackIssuer, bearer
from benchmarks.load import Rotation, Target
from benchmarks.lockgate_server import BODY, LockgateServer, write_handler
from benchmarks.program import get
from benchmarks.rows.context import Context
from benchmarks.rows.guarded import ENVIRONMENTS, USERS, routes
from benchmarks.rows.subject import COLUMNS, Subject, cells, paired, take_turns
from benchmarks.table import Table

WORKERS = (1, 2, 4)
_FACTS = "Functions: 256 MB, `cpu: shared`, {environments} environments at most, no cold start within a run."


def measure_many(context: Context) -> Table:
    """50 connections."""
    return _measure(context, 50)


def measure_single(context: Context) -> Table:
    """One connection."""
    return _measure(context, 1)


def _measure(context: Context, connections: int) -> Table:
    many = f"{connections} connection{'s' if connections > 1 else ''}"
    table = Table(title=f"Warm call in containers, {many}, {ENVIRONMENTS} environments", columns=COLUMNS)
    try:
        table.notes.append(containers.engine_facts() + ".")
    except containers.NoEngine as why:
        table.notes.append(f"Not measured: {why}.")
        return table
    with ExitStack() as stack:
        place = _Place(context, stack)
        docker = place.server("docker", driver="docker", workers=1)
        process = place.server("process", driver="process", workers=1)
        alone = place.server("one-process", driver="process", workers=0)
        subjects = [
            place.subject("docker, JWT", docker, "/guarded"),
            place.subject("docker, open", docker, "/open"),
            place.subject("process driver, the same processes, JWT", process, "/guarded"),
            place.subject("process driver, the same processes, open", process, "/open"),
            place.subject("process driver, one process, JWT", alone, "/guarded"),
        ]
        take_turns(
            subjects, connections=connections, rounds=context.rounds, seconds=context.run_s(2 * len(subjects))
        )
    table.rows = [cells(subject) for subject in subjects]
    guarded, free, by_process, free_by_process, one = subjects
    budget = "≥ 4,500 req/s with JWT, p99 ≤ 20 ms" if connections > 1 else "+0.15 ms p50 against one process"
    hop = guarded.spread(lambda run: run.p50_ms).median - one.spread(lambda run: run.p50_ms).median
    table.notes += [
        f"Docker against the process driver, round by round: {paired(guarded, by_process).text(2)} times its rate with "
        f"JWT, {paired(free, free_by_process).text(2)} open (budget: ≥ 0.8). Against everything in one process: "
        f"{paired(guarded, one).text(2)} times, p50 {hop:+.2f} ms. Budget of this mode: {budget}.",
        _FACTS.format(environments=ENVIRONMENTS)
        + " The server is supervisor, gateway process and executor process together.",
    ]
    return table


def measure_workers(context: Context) -> Table:
    """Gateway processes, 50 connections."""
    table = Table(title="1, 2 and 4 gateway processes before one executor, 50 connections", columns=COLUMNS)
    try:
        table.notes.append(containers.engine_facts() + ".")
    except containers.NoEngine as why:
        table.notes.append(f"Not measured: {why}.")
        return table
    with ExitStack() as stack:
        place = _Place(context, stack)
        calls, answers = [], []
        for count in WORKERS:
            server = place.server(f"workers-{count}", driver="docker", workers=count)
            calls.append(place.subject(f"{count}: docker, JWT", server, "/guarded"))
            answers.append(place.subject(f"{count}: `respond:`, JWT", server, "/guarded/respond"))
        subjects = [*calls, *answers]
        take_turns(subjects, connections=50, rounds=context.rounds, seconds=context.run_s(2 * len(subjects)))
    table.rows = [cells(subject) for subject in subjects]
    parts = [
        f"{count} processes {paired(call, calls[0]).text(2)} times one's rate with a function, "
        f"{paired(answer, answers[0]).text(2)} with `respond:`"
        for count, call, answer in zip(WORKERS[1:], calls[1:], answers[1:], strict=True)
    ]
    table.notes += [
        "; ".join(parts) + ". wrk, gateways, executor and functions share the cores named above.",
        _FACTS.format(environments=ENVIRONMENTS),
    ]
    return table


class _Place:
    """Servers with one issuer, and callers with its tokens."""

    def __init__(self, context: Context, stack: ExitStack) -> None:
        self._folder = context.folder
        self._stack = stack
        self._issuer = stack.enter_context(LoopbackIssuer())
        self._tokens = Rotation(header="Authorization", values=bearer(self._issuer.tokens(USERS)))
        write_handler(context.folder / "warm")

    def server(self, name: str, *, driver: str, workers: int) -> LockgateServer:
        server = LockgateServer(
            self._folder, routes(self._issuer.url), name=name, driver=driver, workers=workers
        )
        self._stack.enter_context(server)
        assert get(server.url("/open"), timeout_s=60) == (200, BODY)
        return server

    def subject(self, name: str, server: LockgateServer, path: str) -> Subject:
        rotation = self._tokens if "guarded" in path else None
        target = Target(url=server.url(path), body=BODY, rotation=rotation)
        return Subject(name=name, target=target, program=server.program)


ROWS = {
    "container_warm": measure_many,
    "container_single": measure_single,
    "container_workers": measure_workers,
}

if __name__ == "__main__":
    raise SystemExit(run_alone(__doc__, ROWS))
