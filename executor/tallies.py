"""Counters and histograms for what is counted at every call, on the loop's thread, and read at a scrape.

The client library's own take a lock and several calls for each sample, which a warm call pays five times over.
They are exposed as its families, so a scrape shows no difference.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import inf

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class HistogramTally:
    """One child of a histogram. :param bounds: upper ones, ascending, the last of them infinite."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * len(bounds)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class HistogramTallies(Collector):
    """A histogram family. :param bounds: upper ones, ascending, without the infinite one."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        *,
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._bounds = (*map(float, bounds), inf)
        self._children: dict[tuple[str, ...], HistogramTally] = {}
        registry.register(self)

    def child(self, *labels: str) -> HistogramTally:
        return self._children.setdefault(labels, HistogramTally(self._bounds))

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, tally in self._children.items():
            buckets, total = [], 0
            for bound, count in zip(self._bounds, tally.counts, strict=True):
                total += count
                le = floatToGoString(bound)  # type: ignore[no-untyped-call]  # the library has no types for it
                buckets.append((le, float(total)))
            family.add_metric(labels, buckets, tally.sum)
        yield family


class CounterTallies(Collector):
    """A counter family; each function's children are one dictionary, from the last label's word to a number."""

    def __init__(
        self, name: str, documentation: str, labels: tuple[str, str], *, registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._children: dict[str, dict[str, int]] = {}
        registry.register(self)

    def children(self, first: str, words: Iterable[str]) -> dict[str, int]:
        """To be counted up in place."""
        return self._children.setdefault(first, dict.fromkeys(words, 0))

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for first, counts in self._children.items():
            for word, count in counts.items():
                family.add_metric((first, word), count)
        yield family
