"""One timer for all callers' budgets, on a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from executor.budgets import LONGEST_LOOK_S, Budgets


class Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.is_cancelled = when, callback, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """A loop's clock and timers."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []
        self.passed: list[str] = []
        self.budgets = Budgets(cast(Any, self.passed.append))
        self.budgets.open(cast(asyncio.AbstractEventLoop, self))

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(when, callback))
        return self.timers[-1]

    def armed(self) -> list[float]:
        self.timers = [timer for timer in self.timers if not timer.is_cancelled]
        return [timer.when for timer in self.timers]

    def skip_to(self, when: float) -> None:
        while self.armed() and min(self.armed()) <= when:
            [timer] = self.timers
            self.timers.clear()
            self.now = timer.when
            timer.callback()
        self.now = when

    def begin(self, name: str, budget_s: float) -> None:
        self.budgets.begin(cast(Any, name), budget_s)

    def end(self, name: str) -> None:
        self.budgets.end(cast(Any, name))


def test_each_budget_passes_at_its_time() -> None:
    clock = Clock()
    for name, budget_s in (("late", 70.0), ("early", 2.0), ("middle", 40.0), ("over", 3.0)):
        clock.begin(name, budget_s)
    clock.end("over")
    clock.skip_to(101.9)
    assert clock.passed == []
    clock.skip_to(102.0)
    assert clock.passed == ["early"]
    clock.end("early")
    clock.skip_to(139.9)
    assert clock.passed == ["early"]
    clock.skip_to(140.0)
    clock.end("middle")
    clock.skip_to(170.0)
    assert clock.passed == ["early", "middle", "late"]


def test_nothing_is_armed_twice_or_for_nobody() -> None:
    clock = Clock()
    for number in range(1000):
        clock.begin(str(number), 600.0)
        clock.end(str(number))
    assert clock.armed() == [100.0 + LONGEST_LOOK_S]
    assert not clock.budgets._open  # nor is a payload held
    clock.skip_to(300.0)
    assert clock.armed() == []
    clock.begin("next", 1.0)
    assert clock.armed() == [301.0]


def test_timer_that_comes_a_little_early_is_in_time() -> None:
    clock = Clock()
    clock.begin("one", 5.0)
    [timer] = clock.timers
    clock.timers.clear()
    clock.now = 104.9995
    timer.callback()
    assert clock.passed == ["one"]


def test_closed_arms_no_timer() -> None:
    clock = Clock()
    clock.begin("one", 5.0)
    clock.budgets.close()
    clock.budgets.close()
    clock.begin("two", 5.0)
    assert clock.armed() == []
