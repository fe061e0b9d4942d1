"""What outlives a deployment: kept by equal configuration, forgotten only when nothing served asks for it."""

from typing import cast

import pytest

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.issuers.issuer import Issuers
from gateway.services import Services
from gateway.throttling.spec import ThrottleSpec


class NoKeys:
    """The keys of an issuer that has none, and fetches none."""

    generation = 0

    def get(self, kid: str) -> None:
        return None

    async def find(self, kid: str) -> None:
        return None


class RecordingIssuers:
    def __init__(self) -> None:
        self.closed: list[str] = []

    def open(self, spec: IssuerSpec) -> NoKeys:
        return NoKeys()

    def close(self, spec: IssuerSpec) -> None:
        self.closed.append(spec.issuer)


def jwt(issuer: str = "a", audience: str = "app") -> JwtSpec:
    return JwtSpec(issuer=IssuerSpec(issuer=f"https://{issuer}.example/pool"), audience=frozenset({audience}))


@pytest.fixture
def issuers() -> RecordingIssuers:
    return RecordingIssuers()


@pytest.fixture
def services(issuers: RecordingIssuers) -> Services:
    return Services(cast(Issuers, issuers))


def test_equal_configuration_is_the_same_object_over_reloads(services: Services) -> None:
    """Caches of tokens and of authorizers' answers, keys and buckets are in these objects."""

    def ask() -> list[object]:
        services.begin()
        asked: list[object] = [
            services.jwt(jwt()),
            services.function(FunctionAuthorizerSpec(name="who", function="who")),
            services.throttle("GET /a", ThrottleSpec(rate=1, burst=2)),
        ]
        services.sweep()
        return asked

    first, second = ask(), ask()
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_other_place_has_buckets_of_its_own(services: Services) -> None:
    spec = ThrottleSpec(rate=1, burst=2)
    services.begin()
    assert services.throttle("GET /a", spec) is not services.throttle("GET /b", spec)


def test_sweep_forgets_what_the_served_build_did_not_ask_for(
    services: Services, issuers: RecordingIssuers
) -> None:
    services.begin()
    kept, gone = services.jwt(jwt("kept")), services.jwt(jwt("gone"))
    services.begin()
    assert services.jwt(jwt("kept")) is kept
    services.sweep()
    assert issuers.closed == ["https://gone.example/pool"]
    assert services.jwt(jwt("gone")) is not gone


def test_build_that_is_not_served_makes_nothing_be_forgotten(
    services: Services, issuers: RecordingIssuers
) -> None:
    """P3: a reload failed after its build had begun, and then the one before it was swept."""
    services.begin()
    served = services.jwt(jwt("served"))
    mark = services.mark()
    services.begin()
    services.jwt(jwt("never"))
    services.abandon(mark)
    services.sweep()
    assert issuers.closed == ["https://never.example/pool"]
    assert services.jwt(jwt("served")) is served


def test_build_that_failed_before_it_asked_changes_nothing(services: Services) -> None:
    services.begin()
    served = services.jwt(jwt())
    services.abandon(services.mark())
    services.sweep()
    assert services.jwt(jwt()) is served


def test_authorizer_of_changed_code_begins_anew(services: Services) -> None:
    specs = [FunctionAuthorizerSpec(name=name, function=name) for name in ("old", "same")]
    before = [services.function(spec) for spec in specs]
    services.renew({"old"})
    after = [services.function(spec) for spec in specs]
    assert [one is other for one, other in zip(before, after, strict=True)] == [False, True]


def test_authorizers_of_changed_code_are_back_when_the_build_is_not_served(services: Services) -> None:
    spec = FunctionAuthorizerSpec(name="who", function="who")
    services.begin()
    before = services.function(spec)
    mark = services.mark()
    services.renew({"who"})
    services.begin()
    assert services.function(spec) is not before
    services.abandon(mark)
    services.sweep()
    assert services.function(spec) is before
