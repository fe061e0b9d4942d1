"""What a throttle costs a request: one bucket for all, one for each caller, and a flood of made-up callers.

Prints CPU time a take, the longest single take, and how much memory a million callers leave behind. No sockets:
only what `gateway.throttling` itself costs. Run: ``python benchmarks/throttle_core.py``.
"""

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, cycle, islice
from pathlib import Path
from types import SimpleNamespace
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import build, cpu_model
from gateway.errors import TooManyRequests
from gateway.exchange import Exchange
from gateway.fields import RequestFields
from gateway.throttling.spec import ThrottleKey, ThrottleSpec
from gateway.throttling.throttle import Throttle

BUDGET_US = 5.0
CALLERS = 1_000_000
HEADER = ThrottleKey(kind="header", name="x-api-key")
ADDRESS = ThrottleKey(kind="source_ip")


def exchanges(count: int) -> Iterator[Exchange]:
    """Requests, each of another address and with another key."""
    for number in range(count):
        fields = RequestFields([(b"host", b"api.example.com"), (b"x-api-key", b"key-%032d" % number)])
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        request = SimpleNamespace(source_ip=address, fields=fields)
        yield cast(Exchange, SimpleNamespace(request=request, authorization=None))


def takes(throttle: Throttle, sent: Iterator[Exchange]) -> tuple[float, int]:
    """Take for each of *sent*.

    :returns: microseconds of CPU for all, and how many were refused.
    """
    refused = spent_ns = 0
    while batch := list(islice(sent, 10_000)):
        began = time.process_time_ns()
        for exchange in batch:
            try:
                throttle.take(exchange)
            except TooManyRequests:
                refused += 1
        spent_ns += time.process_time_ns() - began
    return spent_ns / 1000, refused


def longest_take(throttle: Throttle, sent: Iterator[Exchange]) -> float:
    """Microseconds of CPU, so that nobody else's turn on the machine counts."""
    longest_ns = 0
    clock_ns = time.thread_time_ns
    for exchange in sent:
        before = clock_ns()
        with suppress(TooManyRequests):
            throttle.take(exchange)
        longest_ns = max(longest_ns, clock_ns() - before)
    return longest_ns / 1000


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(
    name: str, spec: ThrottleSpec, sent: Callable[[], Iterator[Exchange]], count: int, rounds: int
) -> float:
    costs, refused = [], 0
    for _ in range(rounds):
        spent_us, refused = takes(Throttle(spec), sent())
        costs.append(spent_us / count)
    median = statistics.median(costs)
    print(
        f"{name:<32} median {median:5.2f} µs   {min(costs):.2f} to {max(costs):.2f}   refused {refused:>9,}"
    )
    return median


def flood(by: ThrottleKey) -> None:
    """A million callers, none of whom is at rest before all have come."""
    spec = ThrottleSpec(rate=0.001, burst=5, by=by)
    throttle = Throttle(spec)
    gc.collect()
    before = rss_mb()
    spent_us, refused = takes(throttle, exchanges(CALLERS))
    gc.collect()
    grown = rss_mb() - before
    longest_us = longest_take(Throttle(spec), exchanges(CALLERS))
    print(
        f"{CALLERS:,} callers by {by.kind:<12}        {spent_us / CALLERS:5.2f} µs   longest {longest_us:.0f} µs"
        f"   refused {refused:>9,}   memory +{grown:.1f} MB"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--takes", type=int, default=100_000)
    options = parser.parse_args()
    count, rounds = options.takes, options.rounds
    print(f"{cpu_model()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {build()}")
    print(f"CPU time a take; {rounds} rounds of {count:,}; budget {BUDGET_US} µs")
    hundred = list(exchanges(100))
    many = list(exchanges(count // 2))

    def again() -> Iterator[Exchange]:
        return islice(cycle(hundred), count)

    medians = [
        measure("one bucket", ThrottleSpec(rate=1e6, burst=10**6), again, count, rounds),
        measure("one bucket, empty", ThrottleSpec(rate=0.001, burst=1), again, count, rounds),
        measure(
            "by source_ip, 100 callers", ThrottleSpec(rate=1e6, burst=10**6, by=ADDRESS), again, count, rounds
        ),
        measure(
            "by header, 100 callers", ThrottleSpec(rate=1e6, burst=10**6, by=HEADER), again, count, rounds
        ),
        measure(
            f"by header, {count // 2:,} callers",
            ThrottleSpec(rate=1, burst=5, by=HEADER),
            lambda: chain(many, many),
            count,
            rounds,
        ),
    ]
    flood(ADDRESS)
    flood(HEADER)
    return 0 if max(medians) <= BUDGET_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
