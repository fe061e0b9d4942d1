"""Which call a request line is. Pure: a path and a method in, a `Call` or a finished refusal out."""

import re
from enum import Enum
from typing import NamedTuple

from executor.runtime_api import replies


class Call(Enum):
    """The calls that a runtime may make. The value is the method that goes with it."""

    NEXT = "next"
    RESPONSE = "response"
    ERROR = "error"
    INIT_ERROR = "init/error"
    PING = "ping"
    SPECIALISE = "specialise"


class Request(NamedTuple):
    """`request_id` is the path's, as given; empty where the call has none."""

    call: Call
    request_id: str = ""


_VERSION = b"/2018-06-01/"
_INVOCATION = b"/2018-06-01/runtime/invocation/"
_INVOCATION_LENGTH = len(_INVOCATION)
_NEXT_PATH = _INVOCATION + b"next"
_NEXT = Request(Call.NEXT)
_FIXED = {
    b"/2018-06-01/runtime/init/error": Request(Call.INIT_ERROR),
    b"/ping": Request(Call.PING),
    b"/lockgate/specialise": Request(Call.SPECIALISE),
}
_VERBS = {b"response": Call.RESPONSE, b"error": Call.ERROR}
_GETS = (Call.NEXT, Call.PING, Call.SPECIALISE)

_GET_ONLY = replies.method_refused("GET")
_POST_ONLY = replies.method_refused("POST")
_NO_PATH = replies.not_found("ResourceNotFound", "There is no such path in the Runtime API")
_NO_VERSION = replies.not_found("UnknownApiVersion", "The Runtime API's version is 2018-06-01")
_NOT_HERE = (
    (
        b"/2018-06-01/runtime/restore/",
        replies.not_found("SnapStart.NotSupported", "No SnapStart here"),
    ),
    (b"/2020-01-01/extension/", replies.not_found("Extension.NotSupported", "No Extensions API here")),
    (b"/2022-07-01/telemetry", replies.not_found("Telemetry.NotSupported", "No Telemetry API here")),
    (b"/2020-08-15/logs", replies.not_found("Logs.NotSupported", "No Logs API here")),
)
_OTHER_VERSION = re.compile(rb"/\d{4}-\d\d-\d\d/runtime/")

_KNOWN_ERROR_TYPE = re.compile(r"(?:Runtime|Function)\.[A-Z][a-zA-Z]{1,127}")


def parse(method: bytes, path: bytes) -> Request | bytes:
    """The call, or the whole answer that refuses it (404, 405)."""
    if path == _NEXT_PATH:
        return _NEXT if method == b"GET" else _GET_ONLY
    if path.startswith(_INVOCATION):
        request_id, slash, verb = path[_INVOCATION_LENGTH:].partition(b"/")
        call = _VERBS.get(verb)
        if not (slash and request_id) or call is None:
            return _NO_PATH
        return Request(call, request_id.decode("latin-1")) if method == b"POST" else _POST_ONLY
    return _parse_rare(method, path)


def _parse_rare(method: bytes, path: bytes) -> Request | bytes:
    request = _FIXED.get(path)
    if request is not None:
        allowed = b"GET" if request.call in _GETS else b"POST"
        if method == allowed:
            return request
        return _GET_ONLY if allowed == b"GET" else _POST_ONLY
    for prefix, refusal in _NOT_HERE:
        if path.startswith(prefix):
            return refusal
    if _OTHER_VERSION.match(path) and not path.startswith(_VERSION):
        return _NO_VERSION
    return _NO_PATH


def clean_error_type(value: str) -> str:
    """What logs and metrics may call an error: runtimes write anything into the header.

    Source: AWS's public emulator keeps ``(Runtime|Function).Name`` and replaces all else.
    """
    if _KNOWN_ERROR_TYPE.fullmatch(value):
        return value
    return "Runtime.Unknown" if value.startswith("Runtime.") else "Function.Unknown"
