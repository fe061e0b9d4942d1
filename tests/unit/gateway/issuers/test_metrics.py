from prometheus_client import CollectorRegistry

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.metrics import IssuerMetrics
from tests.support.issuer_world import ISSUER, IssuerWorld


def _registry(world: IssuerWorld) -> CollectorRegistry:
    registry = CollectorRegistry()
    IssuerMetrics(registry, world.issuers.snapshot)
    return registry


def _fetches(registry: CollectorRegistry, result: str) -> float | None:
    labels = {"issuer": ISSUER, "result": result}
    return registry.get_sample_value("lockgate_gateway_issuer_fetches_total", labels)


async def test_fetches_keys_and_age_of_each_issuer() -> None:
    world = IssuerWorld("a", "b")
    registry = _registry(world)
    keys = await world.open()
    world.issuer.fail()
    await world.pass_time(900.0)
    keys.get("a")
    await world.settle()
    assert _fetches(registry, "success") == 1
    assert _fetches(registry, "discovery_failed") == 1
    assert _fetches(registry, "keys_failed") == 0
    labels = {"issuer": ISSUER}
    assert registry.get_sample_value("lockgate_gateway_issuer_keys", labels) == 2
    assert registry.get_sample_value("lockgate_gateway_issuer_age_seconds", labels) == 900


async def test_an_issuer_that_never_gave_keys_has_no_age() -> None:
    world = IssuerWorld()
    registry = _registry(world)
    world.issuer.fail()
    await world.open()
    labels = {"issuer": ISSUER}
    assert registry.get_sample_value("lockgate_gateway_issuer_keys", labels) == 0
    assert registry.get_sample_value("lockgate_gateway_issuer_age_seconds", labels) is None


async def test_an_issuer_that_is_configured_twice_is_one_series() -> None:
    """Two series with the same labels would spoil the whole scrape."""
    world = IssuerWorld("a")
    registry = _registry(world)
    await world.open()
    await world.open(IssuerSpec(issuer=ISSUER, algorithms=("RS256",)))
    [family] = [one for one in registry.collect() if one.name == "lockgate_gateway_issuer_keys"]
    assert [sample.value for sample in family.samples] == [1]
    assert _fetches(registry, "success") == 2
