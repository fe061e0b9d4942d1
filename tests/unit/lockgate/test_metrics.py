"""The registry as the server builds it: documented whole, and bounded whatever is counted."""

import platform
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from auth.app import Answered
from auth.identity import Lanes
from auth.lanes import Lane, PoolLanes
from auth.mail.console import ConsoleSender
from auth.mail.outbox import Outbox
from auth.store.ports import AuditRecord
from auth.triggers.functions import TriggerRun
from executor.catalog import Catalog, Generation
from executor.core.counts import FleetCounts, PoolCounts
from executor.core.events import PoolLimits, RevisionAdded
from executor.core.fleet import Fleet, NodeLimits
from executor.metrics import ExecutorMetrics
from executor.revision import FunctionConfig, Revision
from gateway.issuers.events import IssuerSnapshot
from gateway.issuers.metrics import IssuerMetrics
from gateway.metrics import GatewayMetrics
from kit.edge_limits import REFUSAL_REASONS
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes
from lockgate.driver_metrics import DriverMetrics
from lockgate.identity_metrics import IdentityMetrics
from lockgate.metrics import (
    EdgeMetrics,
    FleetCollector,
    FleetSnapshot,
    LogCollector,
    PartMetrics,
    ReloadMetrics,
    new_registry,
    snapshot_of,
)

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"\| `(\w+)` \| (\w+) \| ([\w, ]*)\| \S.* \|")
FLEET = FleetCounts(
    1, 2, 3, 4, 5, 6, queued=7, occupied=12, accepted=19, memory_mb=256, pools=2, draining=False
)
POOL = PoolCounts(
    1, 2, 3, 4, 5, 6, queued=7, occupied=12, accepted=19, state="circuit", failures=3, last_error=None
)

ISSUER = IssuerSnapshot(
    issuer="https://id.example.com",
    kids=("a",),
    state="fresh",
    age_s=1.0,
    last_error=None,
    fetches={"success": 1, "discovery_failed": 0, "keys_failed": 0},
)


NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANSWERED = Answered(
    request_id="r", address="127.0.0.1", method="BREW", path="/a", route=None,
    user_agent="", status=404, length=1, latency_us=900,
)  # fmt: skip


def build() -> tuple[CollectorRegistry, ExecutorMetrics]:
    """Everything that the server registers, each family with a sample."""
    registry = new_registry()
    executor = ExecutorMetrics(registry)
    executor.for_function("notes")
    edge = EdgeMetrics(registry)
    edge.on_refused("gateway")
    edge.watch("gateway", lambda: 3)
    registry.register(FleetCollector(lambda: FleetSnapshot(fleet=FLEET, functions={"notes": POOL})))
    registry.register(LogCollector({"server": lambda: 5}))
    ReloadMetrics(registry).applied(3)
    DriverMetrics(registry)
    PartMetrics(registry, lambda: {"executor": 1})
    route = GatewayMetrics(registry).route("GET /notes")
    route.observe("GET", 200, 100_000, InvokeTimes(queue_us=1, start_us=1, init_us=1, handler_us=1))
    route.deny("token_expired")
    IssuerMetrics(registry, lambda: [ISSUER])
    fill_identity(registry)
    return registry, executor


def fill_identity(registry: CollectorRegistry) -> None:
    metrics = IdentityMetrics(registry)
    outbox = Outbox(ConsoleSender(lambda _: None))
    lane = Lane("store", threads=1, waiting=1, deadline_s=1.0)
    lanes = PoolLanes("triggers", threads=1, waiting=1, deadline_s=1.0)
    metrics.watch(outbox, Lanes(store=lane, passwords=lane, triggers=lanes), lambda: True)
    outbox.close()
    lane.close()
    metrics.answered("auth", ANSWERED)
    metrics.answered("auth", replace(ANSWERED, route="/oauth2/token", grant_type="made-up"))
    metrics.answered("control", replace(ANSWERED, route="/", method="POST", action="ListUsers"))
    metrics.count_audit(NoAudit()).append(AuditRecord(at=NOW, action="sign_in", result="ok"))
    metrics.trigger_ran(TriggerRun(trigger="pre_sign_up", outcome="ok", seconds=0.01))


class NoAudit:
    def append(self, record: AuditRecord) -> None:
        """Kept nowhere."""

    def read(self, *, limit: int, pool_id: str | None = None) -> tuple[AuditRecord, ...]:
        return ()


def exposed(registry: CollectorRegistry) -> dict[str, tuple[str, frozenset[str]]]:
    """Name as Prometheus stores it → type and labels."""
    families = {}
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        families[name] = (family.type, frozenset(labels))
    return families


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    rows = ROW.findall(DOCS.read_text())
    assert len({name for name, _, _ in rows}) == len(rows)
    return {name: (kind, frozenset(re.findall(r"\w+", labels))) for name, kind, labels in rows}


@pytest.mark.skipif(platform.system() != "Linux", reason="process metrics are read from /proc")
def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    assert exposed(build()[0]) == documented()


def test_every_family_says_what_it_is() -> None:
    assert all(family.documentation for family in build()[0].collect())


def test_what_a_client_wrote_is_no_label_of_the_user_pools() -> None:
    """L3: neither path nor method nor an action of somebody's own."""
    registry = new_registry()
    metrics = IdentityMetrics(registry)
    metrics.answered("auth", ANSWERED)
    metrics.count_audit(NoAudit()).append(AuditRecord(at=NOW, action="own", result="ok"))
    assert value(registry, "lockgate_auth_requests_total", route="none", method="other", status="4xx") == 1
    assert value(registry, "lockgate_auth_actions_total", action="own", result="ok") is None


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_fleet_gauges_show_the_snapshot_of_the_moment() -> None:
    registry, _ = build()
    assert value(registry, "lockgate_environments", function="notes", state="idle") == 2
    assert value(registry, "lockgate_environments", function="notes", state="stopping") == 6
    assert value(registry, "lockgate_circuit_open", function="notes") == 1
    assert value(registry, "lockgate_init_failures_in_a_row", function="notes") == 3
    assert value(registry, "lockgate_environments_memory_bytes") == 256 * 2**20
    assert value(registry, "lockgate_draining") == 0
    assert value(registry, "lockgate_log_dropped_records_total", log="server") == 5
    assert value(registry, "lockgate_edge_connections", listener="gateway") == 3
    assert value(registry, "lockgate_reloads_total", outcome="applied") == 1
    assert value(registry, "lockgate_reloads_total", outcome="refused") == 0
    assert value(registry, "lockgate_generation") == 3


async def _never_run(call: InvokeCall, revision: Revision | None) -> InvokeAnswer:
    raise AssertionError(call.function)


def test_snapshot_names_only_functions_of_the_catalog() -> None:
    fleet = Fleet(NodeLimits(memory_mb=1024, max_starts=2, max_environments=10, concurrency=10))
    catalog = Catalog()
    revisions = [
        Revision.of(FunctionConfig(name=name, runtime="python3.13", handler="h.h"), "package")
        for name in "ab"
    ]
    catalog.adopt(Generation(_never_run, revisions))
    fleet.handle(
        RevisionAdded(revisions[0].digest, PoolLimits(function="a", memory_mb=256, timeout_s=10.0)), 0.0
    )
    snapshot = snapshot_of(fleet, catalog)
    assert list(snapshot.functions) == ["a"]
    assert snapshot.fleet.pools == 1


def test_refusals_are_counted_by_listener_and_reason() -> None:
    registry = new_registry()
    refused = EdgeMetrics(registry).on_refused("control")
    refused("host", 403, ("127.0.0.1", 1))
    refused("host", 403, None)
    assert value(registry, "lockgate_edge_refused_total", listener="control", reason="host") == 2
    assert generate_latest(registry).count(b"lockgate_edge_refused_total{") == len(REFUSAL_REASONS)


def test_build_info_names_the_version() -> None:
    text = generate_latest(new_registry()).decode()
    assert f'lockgate_build_info{{python="{platform.python_version()}",version="0.' in text
    assert "_created" not in text
