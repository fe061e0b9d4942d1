"""The admin listener: health, readiness, metrics, signed actions, and nothing else."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from lockgate.admin import admin_app
from lockgate.admin_actions import Actions

REASONS: list[str] = []
TROUBLES: list[str] = []


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    REASONS.clear()
    TROUBLES.clear()
    registry = CollectorRegistry()
    Counter("lockgate_things", "Things.", registry=registry).inc(3)
    actions = Actions({}, secrets={}.get, region="us-east-1", audit=lambda name, actor, status: None)
    app = admin_app(registry, lambda: REASONS, actions, hosts=["admin.example"], troubles=lambda: TROUBLES)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8083"
    ) as made:
        yield made


async def test_health_is_ok_even_when_not_ready(client: httpx.AsyncClient) -> None:
    REASONS.append("draining")
    response = await client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_health_says_what_cannot_be_done_and_stays_200(client: httpx.AsyncClient) -> None:
    """A restart would not bring the engine back, and would end what is warm."""
    TROUBLES.append("The engine is gone.")
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "troubles": ["The engine is gone."]}


async def test_ready_says_why_not(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready")).json() == {"status": "ready"}
    REASONS.extend(["starting", "no driver"])
    response = await client.get("/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "reasons": ["starting", "no driver"]}
    REASONS.clear()
    assert (await client.get("/ready")).status_code == 200


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    assert families["lockgate_things"].samples[0].value == 3


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "/health/x", "/Health", "//health", "/ready%2f", "/admin"]
)
async def test_everything_else_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_reading_is_allowed(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/health")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


async def test_head_is_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.head("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/nothing"])
@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://127.0.0.1:8083"}, {"host": "10.0.0.9"}]
)
async def test_web_pages_and_foreign_names_are_refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    response = await client.get(path, headers=headers)
    assert response.status_code == 403
    assert b"lockgate" not in response.content


@pytest.mark.parametrize("host", ["localhost:8083", "[::1]:8083", "admin.example"])
async def test_loopback_and_configured_names_are_served(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"host": host})).status_code == 200


async def test_answers_are_neither_cached_nor_sniffed(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/metrics", "/nothing"):
        headers = (await client.get(path)).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
