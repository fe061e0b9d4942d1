"""What the fleet's core costs a warm call in CPU time, with few pools and with many.

A warm call is four events (InvokeArrived, ResponseStarted, ResponseEnded, NextAsked) and the instructions
that they return, `wake_at` after each included. `queued` is the same with all environments
busy, so that each call waits and is handed over when another ends. Run: ``python benchmarks/fleet_core.py``.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from os import cpu_count, getloadavg
from pathlib import Path

from executor.core.events import (
    EnvironmentStarted,
    InvokeArrived,
    NextAsked,
    PoolLimits,
    ResponseEnded,
    ResponseStarted,
    RevisionAdded,
)
from executor.core.fleet import Fleet, NodeLimits
from executor.core.instructions import Deliver, StartEnvironment

BUDGET_US = 10.0


def warm_fleet(pools: int, environments: int) -> tuple[Fleet, list[int]]:
    """A fleet of `pools` pools with one idle environment each; the first pool has `environments`."""
    fleet = Fleet(NodeLimits(memory_mb=10**9, max_starts=10**6, max_environments=10**6, concurrency=10**6))
    first: list[int] = []
    for number in range(pools):
        kept = environments if number == 0 else 1
        limits = PoolLimits(
            function=f"f{number}", memory_mb=128, timeout_s=10.0, provisioned=kept, max_environments=kept
        )
        for instruction in fleet.handle(RevisionAdded(f"r{number}", limits), 0.0):
            assert isinstance(instruction, StartEnvironment)
            fleet.handle(EnvironmentStarted(instruction.env), 0.0)
            fleet.handle(NextAsked(instruction.env), 0.0)
            if number == 0:
                first.append(instruction.env)
    return fleet, first


def warm_calls(fleet: Fleet, calls: int) -> float:
    """Microseconds a call, environments idle."""
    handle, wake_at = fleet.handle, fleet.wake_at
    now = 1.0
    ids = [f"8c4f1a52-0000-4000-8000-{number:012d}" for number in range(calls)]
    began = time.process_time()
    for inv_id in ids:
        now += 0.0001
        deliver = handle(InvokeArrived(inv_id, "r0", now + 30.0), now)[0]
        wake_at()
        env = deliver.env  # type: ignore[union-attr]  # a warm call is delivered at once
        handle(ResponseStarted(env, inv_id), now)
        wake_at()
        handle(ResponseEnded(env, inv_id, True), now)
        wake_at()
        handle(NextAsked(env), now)
        wake_at()
    return (time.process_time() - began) / calls * 1e6


def queued_calls(fleet: Fleet, calls: int, waiting: int = 46) -> float:
    """Microseconds a call with 4 environments and 50 callers: every call waits for an environment."""
    handle, wake_at = fleet.handle, fleet.wake_at
    now = 1.0
    running: list[tuple[int, str]] = []
    for number in range(4 + waiting):
        for instruction in handle(InvokeArrived(f"first-{number}", "r0", now + 30.0), now):
            assert isinstance(instruction, Deliver)
            running.append((instruction.env, instruction.inv_id))
    ids = [f"8c4f1a52-0000-4000-8000-{number:012d}" for number in range(calls)]
    began = time.process_time()
    for place, inv_id in enumerate(ids):
        now += 0.0001
        env, held = running[place & 3]
        handle(ResponseStarted(env, held), now)
        wake_at()
        handle(ResponseEnded(env, held, True), now)
        wake_at()
        deliver = handle(NextAsked(env), now)[1]
        wake_at()
        running[place & 3] = (env, deliver.inv_id)  # type: ignore[union-attr]  # Meter, then Deliver
        handle(InvokeArrived(inv_id, "r0", now + 30.0), now)
        wake_at()
    return (time.process_time() - began) / calls * 1e6


def machine() -> str:
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")),
        platform.processor(),
    )
    return f"{model}, {cpu_count()} cores, load {getloadavg()[0]:.1f}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def report(name: str, run: Callable[[Fleet, int], float], pools: int, rounds: int, calls: int) -> float:
    # A fresh fleet each round: leftovers of one run must not be the next one's cost.
    times = []
    for _ in range(rounds):
        fleet, _ = warm_fleet(pools, 4)
        run(fleet, calls // 10)
        fleet, _ = warm_fleet(pools, 4)
        times.append(run(fleet, calls))
        fleet.check(10**6)
    median = statistics.median(times)
    print(f"{name:<8} {pools:>7} pools   median {median:6.2f} µs   {min(times):6.2f} to {max(times):6.2f}")
    return median


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20_000)
    options = parser.parse_args()
    print(machine())
    print(f"CPU time of four events; {options.rounds} rounds of {options.calls} calls; budget {BUDGET_US} µs")
    medians = [
        report(name, run, pools, options.rounds, options.calls)
        for name, run in (("warm", warm_calls), ("queued", queued_calls))
        for pools in (10, 10_000)
    ]
    return 0 if max(medians[:2]) <= BUDGET_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
