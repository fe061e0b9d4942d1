"""Good callers beside 10,000 tokens of keys that nobody has: their p99, and how often the issuer is asked."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks import load, steady
from benchmarks.issuer import bearer
from benchmarks.load import Rotation, Target
from benchmarks.lockgate_server import BODY
from benchmarks.rows.context import Context
from benchmarks.rows.guarded import Guarded, guarded_server
from benchmarks.spread import Spread, percentile
from benchmarks.table import Table

TOKENS = 10_000
CONNECTIONS = 50
RATE = 200  # good calls a second: a small part of what the server can do
QUIET_S = 5.0
PAUSE_MS = 48  # of each connection: some 1,000 requests a second together
_MOST_S = 60.0
_REFUSED = b'{"message":"Unauthorized"}'
_TIMES_BUDGET = 2


@dataclass(slots=True, kw_only=True)
class Beside:
    """What happens beside the good calls, and how they fare.

    :param run: does it once; returns how many requests a second that was.
    """

    name: str
    run: Callable[[], float]
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    calls: int = 0
    rates: list[float] = field(default_factory=list)

    def take_turn(self, guarded: Guarded) -> None:
        rates: list[float] = []
        failed: list[load.LoadFailed] = []
        thread = threading.Thread(target=_note, args=(self.run, rates, failed))
        thread.start()
        url, caller = guarded.server.url("/guarded"), guarded.tokens.values[0]
        taken = steady.latencies_ms(url, caller, BODY, rate=RATE, until=lambda: not thread.is_alive())
        thread.join()
        if failed:
            raise failed[0]
        self.calls += len(taken)
        self.rates += rates
        self.p50_ms.append(percentile(taken, 0.5))
        self.p99_ms.append(percentile(taken, 0.99))

    def cells(self) -> tuple[str, ...]:
        rate = Spread.of(self.rates)
        return (
            self.name,
            rate.text() if rate.median else "",
            Spread.of(self.p50_ms).text(2),
            Spread.of(self.p99_ms).text(2),
            f"{self.calls:,}",
        )


def measure(context: Context) -> Table:
    with ExitStack() as stack:
        guarded = guarded_server(context, stack)
        unknown = Rotation(
            header="Authorization", values=bearer(guarded.issuer.tokens_of_unknown_keys(TOKENS))
        )
        flood = Target(url=guarded.server.url("/guarded"), status=401, body=_REFUSED, rotation=unknown)
        known = guarded.target("/guarded/respond")
        quiet = Beside(name="nothing", run=_rest)
        flooded = Beside(name="unknown kids", run=lambda: _send(flood, PAUSE_MS))
        drowned = Beside(name="unknown kids, as fast as they are answered", run=lambda: _send(flood, 0))
        accepted = Beside(
            name="accepted calls of `respond:`, as fast as they are answered", run=lambda: _send(known, 0)
        )
        turns = [quiet, flooded, drowned, accepted]
        load.run(guarded.target("/guarded"), connections=CONNECTIONS, seconds=3)
        began = time.monotonic()
        rounds = min(3, context.rounds)  # each takes 20 s
        for _ in range(rounds):
            for beside in turns:
                beside.take_turn(guarded)
        took_s = time.monotonic() - began
    worse = Spread.of(bad / good for bad, good in zip(flooded.p99_ms, quiet.p99_ms, strict=True))
    return Table(
        title=f"{RATE} good calls a second beside floods of {TOKENS:,} requests on {CONNECTIONS} connections",
        columns=("beside", "its req/s", "p50 ms", "p99 ms", "good calls"),
        rows=[beside.cells() for beside in turns],
        notes=[
            f"p99 beside the first flood, round by round: {worse.text(2)} times that beside nothing (budget: "
            f"≤ {_TIMES_BUDGET}). Good calls are those of one caller to a function behind a JWT, each timed from when "
            "it was due. The last two use up a core each time, whatever they send: it is their difference that tokens "
            "with unknown kids cost more than any request.",
            f"In {took_s:.0f} s with {2 * TOKENS * rounds:,} such tokens the issuer was asked for its keys "
            f"{_fetches(guarded.issuer.asked, began)} (budget: once in 30 s).",
        ],
    )


def _fetches(asked: list[float], since: float) -> str:
    times = [at for at in asked if at >= since]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return f"{len(times)} times" + (f", at least {min(gaps):.0f} s apart" if gaps else "")


def _rest() -> float:
    time.sleep(QUIET_S)  # how long it is measured, nothing is waited for
    return 0.0


def _send(target: Target, pause_ms: int) -> float:
    run = load.run(target, connections=CONNECTIONS, seconds=_MOST_S, limit=TOKENS, pause_ms=pause_ms)
    return run.rate


def _note(run: Callable[[], float], rates: list[float], failed: list[load.LoadFailed]) -> None:
    try:
        rates.append(run())
    except load.LoadFailed as error:
        failed.append(error)
