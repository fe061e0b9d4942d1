"""Numbers of the user pools. Labels come from our own tables of routes and actions, never from a client (L3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from auth.app import Answered
from auth.audit import ACTIONS, RESULTS
from auth.identity import Lanes
from auth.lanes import Lane, PoolLanes
from auth.mail.outbox import Outbox
from auth.store.ports import AuditRecord, AuditStore
from auth.triggers.functions import TriggerRun

NO_ROUTE = "none"
API_ROUTE = "/"
TOKEN_ROUTE = "/oauth2/token"  # noqa: S105  # an address
GRANT_TYPES = frozenset({"authorization_code", "refresh_token", "client_credentials"})
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# Seconds: a page from memory; a query; a password's hash; a queue of them; what clients give up at.
BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
# Seconds: a warm function; one that asks a database; a cold start; one, two and three attempts that were too slow.
TRIGGER_BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 5.0, 10.0, 16.0)
MAIL_OUTCOMES = ("sent", "retried", "refused", "dropped", "given_up")


class IdentityMetrics(Collector):
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "lockgate_auth_requests",
            "Answers of login pages and OAuth endpoints, by route and class of status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "lockgate_auth_request_seconds",
            "Time to answer, by route.",
            ("route",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._actions = Counter(
            "lockgate_auth_actions",
            "What people, clients and operators did, as the audit has it.",
            ("action", "result"),
            registry=registry,
        )
        self._tokens = Counter(
            "lockgate_auth_token_requests",
            "Requests for tokens, by grant and outcome.",
            ("grant_type", "outcome"),
            registry=registry,
        )
        self._api = Counter(
            "lockgate_auth_api_calls",
            "Calls of the Cognito API, by listener, action and outcome.",
            ("listener", "action", "outcome"),
            registry=registry,
        )
        self._triggers = Histogram(
            "lockgate_auth_trigger_seconds",
            "Time that triggers of user pools took, all attempts together, by what came of them.",
            ("trigger", "outcome"),
            buckets=TRIGGER_BUCKETS,
            registry=registry,
        )
        self._outbox: Outbox | None = None
        self._lanes: Mapping[str, Lane | PoolLanes] = {}
        self._is_reachable: Callable[[], bool] = bool
        registry.register(self)

    def watch(self, outbox: Outbox, lanes: Lanes, is_reachable: Callable[[], bool]) -> None:
        """:param is_reachable: whether the database answered lately."""
        self._outbox = outbox
        self._lanes = {"store": lanes.store, "passwords": lanes.passwords, "triggers": lanes.triggers}
        self._is_reachable = is_reachable

    def answered(self, listener: str, answered: Answered) -> None:
        """:param listener: ``auth`` or ``control``."""
        if answered.route == API_ROUTE and answered.method == "POST":
            self._api.labels(listener, answered.action or NO_ROUTE, _outcome(answered.status)).inc()  # L3
        if listener != "auth":
            return
        route = answered.route or NO_ROUTE
        method = answered.method if answered.method in METHODS else "other"
        self._requests.labels(route, method, f"{answered.status // 100}xx").inc()
        self._seconds.labels(route).observe(answered.latency_us / 1e6)
        if answered.route == TOKEN_ROUTE:
            grant = answered.grant_type if answered.grant_type in GRANT_TYPES else "other"
            self._tokens.labels(grant, _outcome(answered.status)).inc()

    def trigger_ran(self, run: TriggerRun) -> None:
        self._triggers.labels(run.trigger, run.outcome).observe(run.seconds)

    def count_audit(self, store: AuditStore) -> AuditStore:
        """*store*, with its records counted."""
        return _CountedAudit(store, self._acted)

    def _acted(self, action: str, result: str) -> None:
        if action in ACTIONS and result in RESULTS:
            self._actions.labels(action, result).inc()

    def describe(self) -> Iterable[Metric]:
        return (_mail(), _busy(), _refused(), _database())

    def collect(self) -> Iterator[Metric]:
        if self._outbox is None:
            return
        mail, busy, refused, database = _mail(), _busy(), _refused(), _database()
        for outcome in MAIL_OUTCOMES:
            mail.add_metric((outcome,), getattr(self._outbox.counts, outcome))
        for name, lane in self._lanes.items():
            busy.add_metric((name,), lane.busy)
            refused.add_metric((name,), lane.refused)
        database.add_metric((), self._is_reachable())
        yield from (mail, busy, refused, database)


class _CountedAudit:
    def __init__(self, store: AuditStore, acted: Callable[[str, str], None]) -> None:
        self._store = store
        self._acted = acted

    def append(self, record: AuditRecord) -> None:
        self._store.append(record)
        self._acted(record.action, record.result)

    def read(self, *, limit: int, pool_id: str | None = None) -> tuple[AuditRecord, ...]:
        return self._store.read(limit=limit, pool_id=pool_id)


def _outcome(status: int) -> str:
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "granted"


def _mail() -> CounterMetricFamily:
    return CounterMetricFamily("lockgate_auth_mails", "Mails, by what became of them.", labels=("outcome",))


def _busy() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "lockgate_auth_lane_calls",
        "Calls that a lane of threads works on or that wait for it.",
        labels=("lane",),
    )


def _refused() -> CounterMetricFamily:
    return CounterMetricFamily(
        "lockgate_auth_lane_refused",
        "Calls that found a lane full, or waited longer than its deadline.",
        labels=("lane",),
    )


def _database() -> GaugeMetricFamily:
    return GaugeMetricFamily("lockgate_auth_database_up", "1 while the database of the user pools answers.")
