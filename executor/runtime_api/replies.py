"""The bytes that the Runtime API answers with. Pure: no sockets, no state.

Every fixed answer is built once, at import; an event's answer is one head and the payload as it came.
Source: Lambda Developer Guide, "Using the Lambda runtime API"; bodies as AWS's public emulator renders them.
"""

import json
from http import HTTPStatus

from executor.runtime_api.contract import Delivery

# 6 MiB and 100 bytes: Lambda's limit for a buffered response; AWS's own message names the sum.
RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024 + 100

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_TRANSITION = "State transition from {} to {} failed for runtime. Error: State transition is not allowed"


def reply(status: HTTPStatus, body: bytes, content_type: str = "application/json", extra: str = "") -> bytes:
    """A whole answer. `extra` is header lines, each with its line end."""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode("latin-1") + body


def error_body(error_type: str, message: str) -> bytes:
    """``{"errorMessage":…,"errorType":…}`` and a newline, the one form of all errors here."""
    document = {"errorMessage": message, "errorType": error_type}
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def error_reply(status: HTTPStatus, error_type: str, message: str, extra: str = "") -> bytes:
    return reply(status, error_body(error_type, message), extra=extra)


def transition_refused(current: str, wanted: str) -> bytes:
    """403 for a call that is not allowed now; the states' names are those of AWS's emulator."""
    return error_reply(HTTPStatus.FORBIDDEN, "InvalidStateTransition", _TRANSITION.format(current, wanted))


def method_refused(allowed: str) -> bytes:
    message = f"Only {allowed} is allowed here"
    return error_reply(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, f"Allow: {allowed}\r\n")


def not_found(error_type: str, message: str) -> bytes:
    return error_reply(HTTPStatus.NOT_FOUND, error_type, message)


ACCEPTED = reply(HTTPStatus.ACCEPTED, b'{"status":"OK"}\n')
PONG = reply(HTTPStatus.OK, b"pong", "text/plain; charset=utf-8")
INVALID_REQUEST_ID = error_reply(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
INVALID_RESPONSE_MODE = error_reply(
    HTTPStatus.BAD_REQUEST,
    "InvalidFunctionResponseMode",
    "Lambda-Runtime-Function-Response-Mode must be absent or streaming",
)
TRUNCATED = error_reply(
    HTTPStatus.BAD_REQUEST,
    "TruncatedHTTPRequest",
    "The request ended before its body was whole",
    "Connection: close\r\n",
)
TOO_LARGE_BODY = error_body(
    "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
)
TOO_LARGE = reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE_BODY)
UNKNOWN_ENVIRONMENT = error_reply(
    HTTPStatus.FORBIDDEN, "UnknownEnvironment", "This channel belongs to no environment"
)
FOREIGN_HOST = error_reply(
    HTTPStatus.FORBIDDEN,
    "UnknownEnvironment",
    "This host name belongs to no environment here",
    "Connection: close\r\n",
)
MALFORMED = error_reply(
    HTTPStatus.BAD_REQUEST, "MalformedHTTPRequest", "This is not an HTTP/1.1 request", "Connection: close\r\n"
)
HEAD_TOO_LARGE = error_reply(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "RequestHeadTooLarge",
    "The request's head is too large",
    "Connection: close\r\n",
)


def next_reply(delivery: Delivery) -> bytes:
    """The answer to ``next``, head and body. Content-Type has no charset: awslambdaric compares it whole."""
    payload = delivery.payload
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {delivery.request_id}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {delivery.deadline_ms}\r\n"
        f"Lambda-Runtime-Invoked-Function-Arn: {_one_line(delivery.function_arn)}\r\n"
    )
    if delivery.trace:
        head += f"Lambda-Runtime-Trace-Id: {_one_line(delivery.trace)}\r\n"
    if delivery.client_context:
        head += f"Lambda-Runtime-Client-Context: {_one_line(delivery.client_context)}\r\n"
    if delivery.cognito_identity:
        head += f"Lambda-Runtime-Cognito-Identity: {_one_line(delivery.cognito_identity)}\r\n"
    return f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload


def _one_line(value: str) -> str:
    """A header value; control characters become spaces (in JSON text they can only be white space)."""
    if value.isprintable():
        return value
    return "".join(" " if character < " " or character == "\x7f" else character for character in value)
