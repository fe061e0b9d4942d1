"""What happened to one request, noted by the steps of the pipeline for the access log and the metrics.

The one mutable value of a request: when a step fails, what is known until then is still here.
"""

from dataclasses import dataclass

from gateway.errors import DenialReason
from gateway.exchange import Authorization
from gateway.metrics import RouteMetrics
from gateway.path import CanonicalPath
from gateway.route_key import RouteKey
from gateway.stage import Stage
from kit.invoke import InvokeTimes


@dataclass(slots=True)
class Ledger:
    """:param metrics: of the matched route, or those of all unmatched requests.
    :param route_us: for path, stage and route.
    :param authorizer_us: for the authorizer, the waiting for its function or its keys included.
    :param integration_status: of the Lambda service, not of the function.
    """

    metrics: RouteMetrics
    path: CanonicalPath | None = None
    stage: Stage | None = None
    key: RouteKey | None = None
    route_us: int = 0
    authorization: Authorization | None = None
    authorizer_us: int | None = None
    denial: DenialReason | None = None
    integration_status: int | None = None
    integration_latency_us: int | None = None
    integration_error: str | None = None
    integration_request_id: str | None = None
    error: str | None = None
    error_code: str | None = None
    times: InvokeTimes | None = None
