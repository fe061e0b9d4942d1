"""Everything that ends a request early, and the one place that turns it into a response.

`code` and `detail` are for logs, `message` is all that a client ever sees.
"""

# the classes are named in API Gateway's words

from math import ceil
from typing import ClassVar, Literal, get_args

import orjson

from gateway.response import HttpResponse

_JSON = (b"content-type", b"application/json")


class GatewayError(Exception):
    """:param detail: what happened, for the access log (``error.message``); never sent to the client.
    :ivar headers: sent with the answer, beside its content type.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "Internal Server Error"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.message)
        self.detail = detail or self.message


class Denial(GatewayError):
    """The request was refused before its integration: by an authorizer or a throttle.

    :param reason: one of `DENIAL_REASONS`, for logs and metrics.
    :param challenge: the value of ``www-authenticate``, if the answer has one.
    """

    def __init__(self, reason: "DenialReason", detail: str = "", *, challenge: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        if challenge is not None:
            self.headers = ((b"www-authenticate", challenge.encode("latin-1", "replace")),)


DenialReason = Literal[
    "identity_missing",  # nothing at the identity source
    "identity_repeated",  # two Authorization headers, or two values of a query parameter
    "token_malformed",  # not three canonical base64url segments of strict JSON, too large, a forbidden header
    "algorithm_refused",
    "key_unknown",
    "signature_invalid",
    "issuer_wrong",
    "audience_wrong",
    "token_expired",
    "token_not_yet_valid",
    "claims_invalid",  # a claim of a wrong type, or a required one missing
    "token_use_wrong",
    "scope_insufficient",
    "keys_unavailable",  # the issuer has never given its keys
    "authorizer_denied",
    "authorizer_failed",  # it threw, answered nonsense, or could not be invoked
    "authorizer_timeout",
    "authorizer_saturated",  # no concurrency is left for its function
    "throttled",
]
DENIAL_REASONS: tuple[DenialReason, ...] = get_args(DenialReason)


class BadRequest(GatewayError):
    status = 400
    code = "BAD_REQUEST"
    message = "Bad Request"


class Unauthorized(Denial):
    status = 401
    code = "UNAUTHORIZED"
    message = "Unauthorized"


class AccessDenied(Denial):
    """Who calls is known and may not."""

    status = 403
    code = "ACCESS_DENIED"
    message = "Forbidden"


class AuthorizerFailure(Denial):
    """The authorizer itself failed: nobody is let in (J19)."""

    code = "AUTHORIZER_FAILURE"


class AuthorizerUnavailable(Denial):
    """The issuer's keys have never been had, so no token can be judged.

    :param retry_after_s: when they are asked for again.
    """

    status = 503
    code = "AUTHORIZER_UNAVAILABLE"
    message = "Service Unavailable"

    def __init__(self, detail: str, *, challenge: str | None = None, retry_after_s: float = 1) -> None:
        super().__init__("keys_unavailable", detail, challenge=challenge)
        self.headers = (*self.headers, (b"retry-after", b"%d" % max(1, ceil(retry_after_s))))


class AuthorizerSaturated(Denial):
    """No concurrency is left for the authorizer's function; the client may try again (R5)."""

    status = 503
    code = "AUTHORIZER_SATURATED"
    message = "Service Unavailable"

    def __init__(self, detail: str) -> None:
        super().__init__("authorizer_saturated", detail)
        self.headers = ((b"retry-after", b"1"),)


class TooManyRequests(Denial):
    """:param retry_after_s: when there is room again."""

    status = 429
    code = "THROTTLED"
    message = "Too Many Requests"

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        super().__init__("throttled", detail)
        self.headers = ((b"retry-after", b"%d" % max(1, ceil(retry_after_s))),)


class Forbidden(GatewayError):
    status = 403
    code = "ACCESS_DENIED"
    message = "Forbidden"


class NotFound(GatewayError):
    status = 404
    code = "RESOURCE_NOT_FOUND"
    message = "Not Found"


class PayloadTooLarge(GatewayError):
    status = 413
    code = "REQUEST_TOO_LARGE"
    message = "Request Entity Too Large"


class ClientGone(GatewayError):
    """The client closed the connection before its answer was there; the status exists in logs only."""

    status = 499
    code = "CLIENT_GONE"
    message = "Client Closed Request"


class ShuttingDown(GatewayError):
    """The server ends and the request did not end in time."""

    status = 503
    code = "SHUTTING_DOWN"
    message = "Service Unavailable"


class IntegrationError(GatewayError):
    """The integration could not be called or failed; `detail` becomes ``integrationErrorMessage``."""

    code = "INTEGRATION_FAILURE"


class MalformedResponse(IntegrationError):
    """A function's output does not fit its payload format (HTTP APIs answer 500, not 502)."""

    code = "MALFORMED_RESPONSE"


class IntegrationTimeout(IntegrationError):
    status = 503
    code = "INTEGRATION_TIMEOUT"
    message = "Service Unavailable"


class Saturated(IntegrationError):
    """No concurrency is left for the function and its queue is full."""

    status = 503
    code = "SATURATED"
    message = "Service Unavailable"
    headers = ((b"retry-after", b"1"),)


class DeploymentError(ValueError):
    """A deployment cannot be built; the message says which route and why."""


def render(error: GatewayError) -> HttpResponse:
    """Give the response of any error: a fixed JSON body and nothing of its detail."""
    body = orjson.dumps({"message": error.message})
    return HttpResponse(status=error.status, headers=[_JSON, *error.headers], body=body)
