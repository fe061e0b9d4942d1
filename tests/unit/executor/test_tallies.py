"""Tallies beside the client library's own metrics: a scrape shows no difference."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from executor.tallies import CounterTallies, HistogramTallies

BOUNDS = (0.5, 1, 2.5)
VALUES = (0.0, 0.5, 0.50001, 1, 2.4, 2.5, 2.6, 900.0)


@pytest.fixture(autouse=True)
def as_the_server_does() -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]


def test_histogram_is_exposed_as_the_librarys() -> None:
    own, theirs = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    tallies = HistogramTallies("waits", "What waits.", ("function", "phase"), bounds=BOUNDS, registry=own)
    histogram = Histogram("waits", "What waits.", ("function", "phase"), buckets=BOUNDS, registry=theirs)
    assert generate_latest(own) == generate_latest(theirs)
    for phase in ("queue", "init"):
        tallies.child("notes", phase)
        histogram.labels("notes", phase)
    for value in VALUES:
        tallies.child("notes", "queue").observe(value)
        histogram.labels("notes", "queue").observe(value)
    assert generate_latest(own) == generate_latest(theirs)


def test_counter_is_exposed_as_the_librarys() -> None:
    own, theirs = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    tallies = CounterTallies("calls", "What ended.", ("function", "outcome"), registry=own)
    counter = Counter("calls", "What ended.", ("function", "outcome"), registry=theirs)
    children = tallies.children("notes", ("good", "bad"))
    for outcome in children:
        counter.labels("notes", outcome)
    children["good"] += 3
    counter.labels("notes", "good").inc(3)
    assert generate_latest(own) == generate_latest(theirs)
    assert tallies.children("notes", ("good", "bad")) is children
