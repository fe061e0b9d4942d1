"""Metrics of issuers, made at a scrape. The label is the issuer as configured, so its values are few and fixed."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.issuers.events import IssuerSnapshot


class IssuerMetrics(Collector):
    """:param registry: where the families are registered. :param issuers: `Issuers.snapshot`."""

    def __init__(self, registry: CollectorRegistry, issuers: Callable[[], Iterable[IssuerSnapshot]]) -> None:
        self._issuers = issuers
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return _families()

    def collect(self) -> Iterator[Metric]:
        fetches, keys, age = _families()
        for issuer, snapshots in _by_issuer(self._issuers()).items():
            for result in snapshots[0].fetches:
                fetches.add_metric((issuer, result), sum(one.fetches[result] for one in snapshots))
            keys.add_metric((issuer,), len({kid for one in snapshots for kid in one.kids}))
            ages = [one.age_s for one in snapshots if one.age_s is not None]
            if ages:
                age.add_metric((issuer,), max(ages))
        yield from (fetches, keys, age)


def _by_issuer(snapshots: Iterable[IssuerSnapshot]) -> dict[str, list[IssuerSnapshot]]:
    """One issuer may be configured twice, with different algorithms; its series must be there once."""
    found: dict[str, list[IssuerSnapshot]] = {}
    for one in snapshots:
        found.setdefault(one.issuer, []).append(one)
    return found


def _families() -> tuple[CounterMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        CounterMetricFamily(
            "lockgate_gateway_issuer_fetches",
            "Fetches of an issuer's keys, by how they ended.",
            labels=("issuer", "result"),
        ),
        GaugeMetricFamily(
            "lockgate_gateway_issuer_keys",
            "Keys of an issuer that tokens are verified with.",
            labels=("issuer",),
        ),
        GaugeMetricFamily(
            "lockgate_gateway_issuer_age_seconds",
            "Since an issuer's keys were fetched; absent while there are none.",
            labels=("issuer",),
        ),
    )
