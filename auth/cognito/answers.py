"""Answers of the JSON protocol: bodies, and errors whose name stands in a header as well (contract: section 4)."""

import json
import logging
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from auth.cognito.action import Answer
from auth.cognito.refusals import NotSigned
from auth.errors import AuthError, Overloaded, Unavailable

JSON_1_1: Final = "application/x-amz-json-1.1"
PREFLIGHT_S: Final = 7200  # as long as browsers keep an answer at most
MAX_HEADER_MESSAGE: Final = 512  # of characters: what a trigger said may be long
REQUEST_HEADERS: Final = (
    "authorization, cache-control, content-type, x-amz-target, x-amz-user-agent, x-amz-date, x-amz-security-token,"
    " x-amz-content-sha256, amz-sdk-invocation-id, amz-sdk-request, x-amzn-client-context"
)
# Any page may call (A27): without cookies, by passwords and tokens that it has to have.
CORS: Final[Mapping[str, str]] = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date",
}
PREFLIGHT: Final[Mapping[str, str]] = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-max-age": str(PREFLIGHT_S),
    "allow": "POST, OPTIONS",
}

log = logging.getLogger("lockgate.auth.cognito")


def answered(answer: Answer | None) -> Response:
    """:param answer: None: the action has no output shape, and clients expect nothing."""
    body = b"" if answer is None else json.dumps(answer, separators=(",", ":")).encode()
    return Response(body, media_type=JSON_1_1)


def refused(error: AuthError) -> Response:
    kind, message = _type_of(error), _message_of(error)
    status = 500 if kind == "InternalErrorException" else 400
    if error.detail:
        log.log(logging.WARNING if status == 500 else logging.INFO, "%s: %s", kind, error.detail)
    return _error(status, kind, message)


def fault() -> Response:
    return _error(500, "InternalErrorException", "Something went wrong on our side.")


def _error(status: int, kind: str, message: str) -> Response:
    body = json.dumps({"__type": kind, "message": message}).encode()
    headers = {"x-amzn-errortype": f"{kind}:", "x-amzn-errormessage": _in_header(message)}
    return Response(body, status_code=status, headers=headers, media_type=JSON_1_1)


def _type_of(error: AuthError) -> str:
    if isinstance(error, NotSigned):
        return error.type
    if isinstance(error, Overloaded):
        return "TooManyRequestsException"  # clients wait a little and come again
    if isinstance(error, Unavailable):
        return "InternalErrorException"
    return f"{error.code}Exception"


def _message_of(error: AuthError) -> str:
    return "Too many requests" if isinstance(error, Overloaded) else str(error)


def _in_header(message: str) -> str:
    """Printable ASCII: what a trigger or a client wrote may hold a line break."""
    shown = message[:MAX_HEADER_MESSAGE]
    return "".join(one if " " <= one <= "~" else "?" for one in shown)
