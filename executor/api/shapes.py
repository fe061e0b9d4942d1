"""The wire shape of ``Invoke``: path, query and headers in, an `InvokeInput` or an error out.

Source: Lambda API reference, "Invoke".
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import unquote_to_bytes

import orjson

from executor.api.errors import InvalidParameterValue, InvalidRequestContent, ValidationError
from executor.api.function_name import (
    FunctionReference,
    name_violations,
    parse_reference,
    qualifier_violations,
)
from kit.invoke import InvocationKind

MAX_CLIENT_CONTEXT_BYTES: Final = 3583  # in base64, as it is sent
_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_KINDS: Final = ("Event", "RequestResponse", "DryRun")
_LOG_TYPES: Final = ("None", "Tail")
_NOT_HERE: Final = {
    "x-amz-tenant-id": "Tenant isolation (X-Amz-Tenant-Id) is not in this version.",
    "x-amz-durable-execution-name": (
        "Durable execution (X-Amz-Durable-Execution-Name) is not in this version."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeInput:
    """:param headers: those that go on to the invoker."""

    reference: FunctionReference
    kind: InvocationKind
    headers: Mapping[str, str]


def invoke_segment(method: str, raw_path: str) -> str | None:
    """The undecoded ``{FunctionName}`` if the request is an ``Invoke``, else None."""
    match = _PATH.fullmatch(raw_path)
    return match[1] if match and method == "POST" else None


def parse_invoke(segment: str, query: str, headers: Mapping[str, str]) -> InvokeInput:
    """:param headers: names in lower case. :raises LambdaError: the first thing that Lambda would refuse."""
    name = _decode(segment)
    qualifier = _qualifier(query)
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    log_type = headers.get("x-amz-log-type", "None")
    _raise_violations(
        name_violations(name)
        + qualifier_violations(qualifier)
        + _enum_violations(kind, "invocationType", _KINDS)
        + _enum_violations(log_type, "logType", _LOG_TYPES)
    )
    reference = parse_reference(name, qualifier)
    for header, message in _NOT_HERE.items():
        if header in headers:
            raise InvalidParameterValue(message)
    if kind == "Event":
        raise InvalidParameterValue(
            "Asynchronous invocation (InvocationType 'Event') is not in this version: use 'RequestResponse'."
        )
    forwarded = {}
    if log_type == "Tail":
        forwarded["x-amz-log-type"] = "Tail"
    if context := headers.get("x-amz-client-context"):
        read_client_context(context)
        forwarded["x-amz-client-context"] = context
    return InvokeInput(reference=reference, kind=cast(InvocationKind, kind), headers=forwarded)


def parse_payload(body: bytes) -> bytes:
    """Return the event: *body* as it came, ``{}`` if there was none.

    :raises InvalidRequestContent: it is not JSON.
    """
    if not body:
        return b"{}"
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        prefix = "Could not parse request body into json: Could not parse payload into json: "
        raise InvalidRequestContent(prefix + _json_fault(body, exc)) from exc
    return body


def _json_fault(body: bytes, error: json.JSONDecodeError) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        return f"Invalid UTF-8 start byte 0x{body[exc.start]:02x} at [line: 1, column: {exc.start + 1}]"
    return f"{error.msg} at [line: {error.lineno}, column: {error.colno}]"


def read_client_context(text: str) -> str:
    """The JSON object that *text* holds in base64, as JSON text.

    :raises InvalidRequestContent: it holds none, or is longer than Lambda takes.
    """
    if len(text) > MAX_CLIENT_CONTEXT_BYTES:
        raise InvalidRequestContent(
            f"Client context must be at most {MAX_CLIENT_CONTEXT_BYTES} bytes of Base64-encoded data."
        )
    try:
        decoded = base64.b64decode(text, validate=True).decode()
        context = orjson.loads(decoded)
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.") from exc
    if not isinstance(context, dict):
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.")
    return decoded


def _qualifier(query: str) -> str | None:
    values = [
        _decode(value)
        for name, _, value in (pair.partition("=") for pair in query.split("&"))
        if _decode(name) == "Qualifier"
    ]
    if len(values) > 1:
        raise InvalidParameterValue("The parameter 'Qualifier' was given more than once.")
    return values[0] if values else None


def _decode(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _enum_violations(value: str, member: str, allowed: tuple[str, ...]) -> list[str]:
    if value in allowed:
        return []
    rule = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
    return [f"Value '{value[:256]}' at '{member}' failed to satisfy constraint: {rule}"]


def _raise_violations(violations: list[str]) -> None:
    if violations:
        count = "1 validation error" if len(violations) == 1 else f"{len(violations)} validation errors"
        raise ValidationError(f"{count} detected: {'; '.join(violations)}")
