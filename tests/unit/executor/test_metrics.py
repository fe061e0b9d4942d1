"""Counters and histograms of the executor."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from executor.core.instructions import Outcome, RejectReason
from executor.metrics import ExecutorMetrics
from kit.invoke import InvokeTimes

TIMES = InvokeTimes(queue_us=2_000, start_us=30_000, init_us=400_000, handler_us=5_000)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_warm_completion_counts_its_outcome_and_its_wait(registry: CollectorRegistry) -> None:
    ExecutorMetrics(registry).for_function("notes").completed(
        "success", InvokeTimes(queue_us=2_000), cold=None
    )
    value = registry.get_sample_value
    assert value("lockgate_invocations_total", {"function": "notes", "outcome": "success"}) == 1
    assert value("lockgate_invocation_wait_seconds_sum", {"function": "notes", "phase": "queue"}) == 0.002
    assert value("lockgate_invocation_wait_seconds_count", {"function": "notes", "phase": "init"}) == 0
    assert value("lockgate_cold_starts_total", {"function": "notes", "start": "direct"}) == 0


def test_cold_completion_also_counts_start_and_init(registry: CollectorRegistry) -> None:
    ExecutorMetrics(registry).for_function("notes").completed("function_error", TIMES, cold="direct")
    value = registry.get_sample_value
    assert value("lockgate_cold_starts_total", {"function": "notes", "start": "direct"}) == 1
    assert value("lockgate_cold_starts_total", {"function": "notes", "start": "slot"}) == 0
    assert value("lockgate_invocation_wait_seconds_sum", {"function": "notes", "phase": "start"}) == 0.03
    assert value("lockgate_invocation_wait_seconds_sum", {"function": "notes", "phase": "init"}) == 0.4


def test_rejections_are_counted_by_reason(registry: CollectorRegistry) -> None:
    function = ExecutorMetrics(registry).for_function("notes")
    for reason in RejectReason:
        function.rejected(reason.value)
    for reason in RejectReason:
        labels = {"function": "notes", "reason": reason.value}
        assert registry.get_sample_value("lockgate_throttles_total", labels) == 1


def test_metered_counts_duration_and_first_uses(registry: CollectorRegistry) -> None:
    metrics = ExecutorMetrics(registry)
    metrics.metered("notes", 0.25, cold=True)
    metrics.metered("notes", 0.5, cold=False)
    assert registry.get_sample_value("lockgate_function_duration_seconds_sum", {"function": "notes"}) == 0.75
    assert registry.get_sample_value("lockgate_environment_first_uses_total", {"function": "notes"}) == 1


def test_no_word_of_a_caller_can_make_a_series(registry: CollectorRegistry) -> None:
    function = ExecutorMetrics(registry).for_function("notes")
    before = generate_latest(registry).count(b"\n")
    with pytest.raises(KeyError):
        function.completed("anything", TIMES, cold=None)
    with pytest.raises(KeyError):
        function.rejected("anything")
    for outcome in Outcome:
        function.completed(outcome.value, TIMES, cold="direct")
    assert generate_latest(registry).count(b"\n") == before


def test_functions_metrics_are_made_once(registry: CollectorRegistry) -> None:
    metrics = ExecutorMetrics(registry)
    assert metrics.for_function("notes") is metrics.for_function("notes")
