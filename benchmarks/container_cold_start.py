"""Cold starts in containers: ``python -m benchmarks.container_cold_start``, or the row ``container_cold`` of `run.py`.

Every call is the first one of a function of its own: from a slot (pool hit) or of a container made for it (miss), with
one file and with 40 MB that import boto3; `image:` functions; beside the process driver, and beside plain
``docker run`` of an image with unmodified awslambdaric. Which start a call had is the executor's own word.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import containers
from benchmarks.alone import run_alone
from benchmarks.lockgate_server import BODY, RUNTIME, LockgateServer
from benchmarks.peers import emulator, plain_docker
from benchmarks.program import get
from benchmarks.rows.cold import first_calls
from benchmarks.rows.context import Context
from benchmarks.spread import percentile
from benchmarks.table import Table

MEMORY_MB = 256
SLOTS = 2  # the server's default
QUIET_S = 0.4  # longer than a container takes to be made: every call finds a slot
SMALL, LARGE = "one file", f"{containers.LARGE_MB} MB with boto3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Milliseconds, by its client and by the executor's ledger. :param start: how its environment was made."""

    whole: float
    start: str
    start_ms: float
    init_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Functions of one kind that are called one after another, each once."""

    name: str
    function: dict[str, object]
    count: int
    pause_s: float

    @property
    def key(self) -> str:
        return "".join(letter for letter in self.name if letter.isalnum())

    def functions(self) -> list[str]:
        return [f"{self.key}-{number}" for number in range(self.count)]


def measure(context: Context) -> Table:
    table = Table(
        title=f"Cold start in containers, {MEMORY_MB} MB, `cpu: shared`, milliseconds",
        columns=(
            "",
            "calls",
            "from a slot",
            "p50",
            "p95",
            "longest",
            "ledger: start p50 / p95",
            "ledger: init p50 / p95",
        ),
    )
    try:
        table.notes.append(containers.engine_facts() + ".")
        _measure(context, table)
    except containers.NoEngine as why:
        table.notes.append(f"Not measured: {why}.")
    return table


def _measure(context: Context, table: Table) -> None:
    quick = context.rounds == 1
    many, enough, some, few = (12, 12, 4, 3) if quick else (50, 30, 12, 8)
    small = _managed(str(containers.small_package(context.folder / "small")))
    large = _managed(str(containers.large_package(context.folder / "large")))
    hits = _slots(context, table, small, SMALL, quiet=enough, row=many)
    large_hits = _slots(context, table, large, LARGE, quiet=some, row=many)
    direct = [
        Group(name=f"no slots, {SMALL}", function=small, count=some, pause_s=QUIET_S),
        Group(name=f"no slots, {LARGE}", function=large, count=few, pause_s=QUIET_S),
    ]
    peer: list[float] = []
    at_once = 8 if quick else 40
    if context.peers and containers.has_peer():
        with containers.peer_image(context.folder / "peer-image") as image:
            own = {"image": image}
            direct.append(Group(name="`image:` with awslambdaric", function=own, count=some, pause_s=QUIET_S))
            found, rate = serve(context, "direct", direct, slots=0, at_once=(small, at_once))
            peer = plain_docker.first_answers(image, few, emulator.ANSWER)
    else:
        found, rate = serve(context, "direct", direct, slots=0, at_once=(small, at_once))
    for group, calls in zip(direct, found, strict=True):
        table.rows.append(_row(group.name, calls))
    if peer:
        table.rows.append(_plain_row("peer: `docker run`, awslambdaric", peer))
    processes, _ = serve(
        context,
        "process",
        [
            Group(name=f"process driver, {SMALL}", function=small, count=enough, pause_s=0.1),
            Group(name=f"process driver, {LARGE}", function=large, count=few, pause_s=0.1),
        ],
        driver="process",
    )
    table.rows.append(_row(f"process driver, {SMALL}", processes[0]))
    table.rows.append(_row(f"process driver, {LARGE}", processes[1]))
    table.notes += [
        f"Slots: {SLOTS} a shape, as by default. Quiet: {QUIET_S * 1000:.0f} ms between calls. In a row: the next "
        "call at the answer of the one before, so that the pool must refill beside them. Client's view through gateway "
        "process, unix socket and executor process; the process driver is one process.",
        f"Budgets: from a slot p50 ≤ 10 ms: {_median(hits):.1f}. A miss ≤ 220 ms: {_median(found[0]):.1f}. ≥ 9 starts "
        f"a second: {rate:.1f}, {at_once} different functions called at once, no slots.",
        _ratios(hits, large_hits, found[0], processes, peer),
    ]


def _slots(
    context: Context, table: Table, function: dict[str, object], what: str, *, quiet: int, row: int
) -> list[Call]:
    """:returns: calls that found a slot on a quiet server."""
    groups = [
        Group(name=f"{what}, quiet", function=function, count=quiet, pause_s=QUIET_S),
        Group(name=f"{what}, {row} functions in a row", function=function, count=row, pause_s=0.0),
    ]
    (calm, hasty), _ = serve(context, what.replace(" ", "-"), groups, slots=SLOTS)
    table.rows.append(_row(groups[0].name, calm))
    table.rows.append(_row(groups[1].name, hasty))
    hits = _of(calm, "slot")
    if len(hits) < len(calm):
        table.rows.append(_row("of the quiet ones, from a slot", hits))
    for kind, name in (("slot", "from a slot"), ("direct", "made for the call")):
        if chosen := _of(hasty, kind):
            table.rows.append(_row(f"of those in a row, {name}", chosen))
    return hits


def serve(
    context: Context,
    name: str,
    groups: Sequence[Group],
    *,
    slots: int = 0,
    driver: str = "docker",
    at_once: tuple[dict[str, object], int] | None = None,
) -> tuple[list[list[Call]], float]:
    """Call all functions of each group on one server. :returns: their calls, and starts a second of *at_once*."""
    extra = Group(name="at once", function=at_once[0], count=at_once[1], pause_s=0.0) if at_once else None
    routes = _routes([*groups, *([extra] if extra else [])], slots=slots, driver=driver)
    rate = 0.0
    with LockgateServer(context.folder, routes, name=f"cold-{name}", driver=driver) as server:
        if slots:
            _let_fill(server)
        took = [
            first_calls(
                server.endpoints["gateway"],
                [f"/{each}" for each in group.functions()],
                opener="/open",
                pause_s=group.pause_s,
            )
            for group in groups
        ]
        if extra is not None:
            rate = starts_per_s(server, extra.functions())
        kinds = containers.starts_by_kind(server)
    records = containers.access_records(server)
    found = []
    for group, times in zip(groups, took, strict=True):
        ledgers = [records[f"/{each}"] for each in group.functions()]
        found.append(
            [
                Call(
                    whole=whole,
                    start=kinds[each],
                    start_ms=ledger["start_us"] / 1000,
                    init_ms=ledger["init_us"] / 1000,
                )
                for each, whole, ledger in zip(group.functions(), times, ledgers, strict=True)
            ]
        )
    return found, rate


def starts_per_s(server: LockgateServer, functions: Sequence[str]) -> float:
    """All called at once: how many of them are answered a second."""
    answers: list[tuple[int, bytes]] = []
    threads = [
        threading.Thread(target=lambda each=each: answers.append(get(server.url(f"/{each}"), timeout_s=120)))
        for each in functions
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    assert answers == [(200, BODY)] * len(functions), answers[:3]
    return len(functions) / took


def _let_fill(server: LockgateServer) -> None:
    """The first slots are made now; no event outside tells when they wait."""
    deadline = time.monotonic() + 30
    while (
        len(server.program.family()) < len(server.program.servers()) + SLOTS and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    time.sleep(1.0)


def _managed(code: str) -> dict[str, object]:
    return {"code": code, "handler": "app.handler", "runtime": RUNTIME}


def _routes(groups: Sequence[Group], *, slots: int, driver: str) -> str:
    functions = {
        each: {**group.function, "memory": MEMORY_MB, "timeout": "60s"}
        for group in groups
        for each in group.functions()
    }
    limits: dict[str, int] = {"environments": 500, "memory": 500 * MEMORY_MB}
    if driver == "docker":
        limits["slots"] = slots
    return json.dumps(
        {
            "version": 1,
            "server": {"limits": limits},
            "functions": functions,
            "routes": {
                f"GET /{each}": {"function": each, "public": True, "timeout": "120s"} for each in functions
            }
            | {"GET /open": {"public": True, "respond": {"status": 200, "body": "open"}}},
        }
    )


def _of(calls: Sequence[Call], kind: str) -> list[Call]:
    return [call for call in calls if call.start == kind]


def _median(calls: Sequence[Call]) -> float:
    return percentile([call.whole for call in calls], 0.5) if calls else float("nan")


def _row(name: str, calls: Sequence[Call]) -> tuple[str, ...]:
    whole = [call.whole for call in calls]
    hits = len(_of(calls, "slot"))
    return (
        name,
        str(len(calls)),
        f"{hits / len(calls):.0%}" if calls else "-",
        *(_figures(whole)),
        _pair([call.start_ms for call in calls]),
        _pair([call.init_ms for call in calls]),
    )


def _plain_row(name: str, values: Sequence[float]) -> tuple[str, ...]:
    return (name, str(len(values)), "-", *_figures(values), "-", "-")


def _figures(values: Sequence[float]) -> tuple[str, str, str]:
    if not values:
        return ("-", "-", "-")
    return (f"{percentile(values, 0.5):.1f}", f"{percentile(values, 0.95):.1f}", f"{max(values):.1f}")


def _pair(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.95):.1f}" if values else "-"


def _ratios(
    hits: Sequence[Call],
    large_hits: Sequence[Call],
    misses: Sequence[Call],
    processes: Sequence[Sequence[Call]],
    peer: Sequence[float],
) -> str:
    small, large = processes
    text = (
        f"A start from a slot takes {_median(hits) / _median(small):.2f} times as long as one of the process driver, "
        f"with boto3 {_median(large_hits) / _median(large):.2f} times ({_median(large_hits) - _median(large):+.1f} ms)."
    )
    if peer:
        plain = percentile(peer, 0.5)
        text += (
            f" Plain `docker run` takes {plain / _median(hits):.1f} times as long as a start from a slot, and "
            f"{plain / _median(misses):.2f} times as long as a miss."
        )
    return text


def main() -> int:
    return run_alone(__doc__, {"container_cold": measure})


if __name__ == "__main__":
    raise SystemExit(main())
