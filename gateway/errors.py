"""Everything that ends a request early, and the one place that turns it into a response.

`code` and `detail` are for logs, `message` is all that a client ever sees.
"""

# the classes are named in API Gateway's words

from typing import ClassVar

import orjson

from gateway.response import HttpResponse

_JSON = (b"content-type", b"application/json")


class GatewayError(Exception):
    """:param detail: what happened, for the access log (``error.message``); never sent to the client."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "Internal Server Error"
    headers: ClassVar[tuple[tuple[bytes, bytes], ...]] = ()

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.message)
        self.detail = detail or self.message


class BadRequest(GatewayError):
    status = 400
    code = "BAD_REQUEST"
    message = "Bad Request"


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
