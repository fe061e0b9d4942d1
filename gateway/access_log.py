"""The access record: one flat dictionary per request, named after API Gateway's ``$context`` variables.

It never holds Authorization, cookies, query strings or bodies. Values that come from clients are cut at 8
KiB and freed of control characters here; writing is the sink's business.
"""

from collections.abc import Callable, Sequence

from gateway.exchange import Authorization
from gateway.ledger import Ledger
from gateway.request import HttpRequest

AccessRecord = dict[str, str | int | None]
AccessSink = Callable[[AccessRecord], None]

# 8 KiB: longer values only serve to fill disks.
MAX_VALUE_CHARS = 8 * 1024


def build_record(
    request: HttpRequest, ledger: Ledger, *, status: int, length: int, latency_us: int
) -> AccessRecord:
    """:param length: bytes of the response body; :param latency_us: from arrival to the answer.

    Undefined values are None. ``*Latency`` are milliseconds as on AWS, ``*_us`` microseconds. ``queue_us``,
    ``start_us``, ``init_us`` and ``handler_us`` say where a function call's time went.
    """
    times = ledger.times
    latency = ledger.integration_latency_us
    stage = ledger.stage
    key = ledger.key
    path = ledger.path
    at = request.at
    return {
        "requestId": request.request_id,
        "requestTime": at.clf,
        "requestTimeEpoch": at.epoch_ms,
        "ip": request.source_ip,
        "httpMethod": clean(request.method),
        "path": clean(request.raw_path.decode("latin-1") if path is None else path.text),
        "routeKey": None if key is None else key.text,
        "stage": None if stage is None else stage.name,
        "protocol": "HTTP/1.1",
        "domainName": clean(request.host),
        "userAgent": None if (agent := request.fields.joined.get("user-agent")) is None else clean(agent),
        "status": status,
        "responseLength": length,
        "responseLatency": latency_us // 1000,
        "integrationStatus": ledger.integration_status,
        "integrationLatency": None if latency is None else latency // 1000,
        "integrationRequestId": ledger.integration_request_id,
        "integrationErrorMessage": ledger.integration_error,
        "error.message": ledger.error,
        "error.responseType": ledger.error_code,
        "authorizer.error": None if ledger.denial in (None, "throttled") else ledger.error,
        "denial": ledger.denial,
        "latency_us": latency_us,
        "route_us": ledger.route_us,
        "authorizer_us": ledger.authorizer_us,
        "queue_us": None if times is None else times.queue_us,
        "start_us": None if times is None else times.start_us,
        "init_us": None if times is None else times.init_us,
        "handler_us": None if times is None else times.handler_us,
    }


def add_claims(record: AccessRecord, found: Authorization | None, names: Sequence[str]) -> None:
    """Add ``authorizer.claims.NAME`` of each of *names*; None where there is no such claim."""
    for name in names:
        value = None if found is None else found.values.get(f"claims.{name}")
        record[f"authorizer.claims.{name}"] = clean(value) if isinstance(value, str) else None


def clean(text: str) -> str:
    """Cut and escape what a client wrote, so that no reader of the log can be fooled by it."""
    if len(text) > MAX_VALUE_CHARS:
        text = text[:MAX_VALUE_CHARS]
    if text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")[:MAX_VALUE_CHARS]
