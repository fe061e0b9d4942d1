"""How an `InvokeCall` and its answer look between an edge process and the executor's: Lambda's ``Invoke`` over HTTP.

Pure: values in, bytes out, and back. What Lambda's API has no word for is in fields called ``lockgate-…``:
``budget-ms`` (what is left of it), ``generation`` (which deployment's names are meant), ``times`` (µs: queue, start,
init, handler) and ``outcome`` (why there is no answer). Only processes of one instance speak it.
Source: Lambda API reference, "Invoke".
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, cast
from urllib.parse import quote, unquote

from kit.http_client_exchange import Fields
from kit.invoke import NO_HEADERS, InvocationKind, InvokeAnswer, InvokeCall, InvokeTimes

# One byte over what any executor takes is enough for it to refuse a payload by its own words.
PAYLOAD_BYTES: Final = 6 * 1024 * 1024 + 1
# A function's answer has 6 MiB and 100 bytes at most; the rest is for errors with their stacks.
ANSWER_BYTES: Final = 6 * 1024 * 1024 + 64 * 1024

# What the executor says on a connection before it reads from it; to other HTTP clients an empty interim answer.
GREETING: Final = b"HTTP/1.1 100 Continue\r\nlockgate-wire: 1\r\n\r\n"

BUDGET_EXCEEDED: Final = "budget-exceeded"
NOT_RUN: Final = "not-run"

BUDGET_FIELD: Final = b"lockgate-budget-ms"
GENERATION_FIELD: Final = b"lockgate-generation"
TIMES_FIELD: Final = b"lockgate-times"
OUTCOME_FIELD: Final = b"lockgate-outcome"
_TRACE_FIELD = b"x-amzn-trace-id"
_KIND_FIELD = b"x-amz-invocation-type"
_LENGTH_FIELD = b"content-length"
# The call's own headers that cross.
_CALL_FIELDS = {b"x-amz-client-context": "x-amz-client-context", b"x-amz-log-type": "x-amz-log-type"}
_NAMES_CACHED = 4096  # function names are few; an API client may invent any number

_TARGET = re.compile(rb"/2015-03-31/functions/([^/?#]{1,1024})/invocations(?:\?Qualifier=([^&#]{1,512}))?")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_NUMBER = re.compile(rb"[0-9]{1,15}")
_REASONS = {200: "OK", 202: "Accepted", 204: "No Content"}


class WireError(ValueError):
    """What came is not a call, or not an answer to one; the message is for our log."""


# --- calls -----------------------------------------------------------------------------------------


def generation_line(generation: int | None) -> str:
    return "" if generation is None else f"lockgate-generation: {generation}\r\n"


def call_head(call: InvokeCall, *, budget_ms: int, generation: str, length: int) -> bytes:
    """The request's head.

    :param generation: what `generation_line` gave.
    :raises ValueError: something in it does not fit on its line.
    """
    extra = "" if call.kind == "RequestResponse" else f"x-amz-invocation-type: {_one_line(call.kind)}\r\n"
    for name in _CALL_FIELDS.values() if call.headers else ():
        value = call.headers.get(name)
        if value is not None:
            extra += f"{name}: {_one_line(value)}\r\n"
    return (
        f"{_request_line(call.function, call.qualifier)}{generation}{extra}x-amzn-trace-id: {_one_line(call.trace)}\r\n"
        f"lockgate-budget-ms: {budget_ms}\r\ncontent-length: {length}\r\n\r\n"
    ).encode("latin-1")


@lru_cache(maxsize=_NAMES_CACHED)
def _request_line(function: str, qualifier: str | None) -> str:
    query = "" if qualifier is None else f"?Qualifier={quote(qualifier, safe='')}"
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    return f"POST {path}{query} HTTP/1.1\r\nhost: lockgate\r\n"


@lru_cache(maxsize=_NAMES_CACHED)
def read_target(target: bytes) -> tuple[str, str | None]:
    """Function and qualifier. :raises WireError:"""
    match = _TARGET.fullmatch(target)
    if match is None:
        raise WireError("the target is no function's")
    function, qualifier = match.groups()
    try:
        return _unquoted(function), None if qualifier is None else _unquoted(qualifier)
    except UnicodeDecodeError as error:
        raise WireError("the target is not UTF-8") from error


def _unquoted(word: bytes) -> str:
    return unquote(word.decode("ascii"), errors="strict")


def read_call(target: bytes, fields: Mapping[bytes, bytes], payload: bytes) -> InvokeCall:
    """:param fields: names in lower case. :raises WireError:"""
    function, qualifier = read_target(target)
    headers: Mapping[str, str] = NO_HEADERS
    if not _CALL_FIELDS.keys().isdisjoint(fields):
        headers = {
            name: fields[field].decode("latin-1") for field, name in _CALL_FIELDS.items() if field in fields
        }
    kind = fields.get(_KIND_FIELD)
    return InvokeCall(
        function=function,
        payload=payload,
        budget_ms=_number(fields.get(BUDGET_FIELD, b""), "budget"),
        trace=fields.get(_TRACE_FIELD, b"").decode("latin-1"),
        qualifier=qualifier,
        # The executor refuses what it does not know, in Lambda's words.
        kind="RequestResponse" if kind is None else cast(InvocationKind, kind.decode("latin-1")),
        headers=headers,
    )


def read_generation(fields: Mapping[bytes, bytes]) -> int | None:
    """:raises WireError:"""
    value = fields.get(GENERATION_FIELD)
    return None if value is None else _number(value, "generation")


# --- answers ---------------------------------------------------------------------------------------


def answer_head(answer: InvokeAnswer, *, closing: bool = False) -> bytes:
    """The head of an answer; its payload follows. :raises ValueError: something does not fit on its line."""
    status = answer.status
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"]
    lines += [f"{name}: {_one_line(value)}\r\n" for name, value in answer.headers.items()]
    times = answer.times
    if times is not None:
        lines.append(
            f"lockgate-times: {times.queue_us},{times.start_us},{times.init_us},{times.handler_us}\r\n"
        )
    if closing:
        lines.append("connection: close\r\n")
    if status != 204:
        lines.append(f"content-length: {len(answer.payload)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")


def no_answer(status: int, outcome: str, *, closing: bool = False) -> bytes:
    """A whole answer that says that there is none."""
    close = "connection: close\r\n" if closing else ""
    return (
        f"HTTP/1.1 {status} Error\r\nlockgate-outcome: {outcome}\r\n{close}content-length: 0\r\n\r\n".encode()
    )


def read_answer(status: int, fields: Fields, payload: bytes) -> InvokeAnswer | str:
    """The answer, or the outcome that says why there is none. :raises WireError:"""
    headers: dict[str, str] = {}
    times = None
    for name, value in fields:
        if name == _LENGTH_FIELD or name == b"connection":
            continue
        if name == TIMES_FIELD:
            times = _read_times(value)
        elif name == OUTCOME_FIELD:
            return value.decode("latin-1")
        else:
            headers[name.decode("latin-1")] = value.decode("latin-1")
    return InvokeAnswer(status=status, headers=headers, payload=payload, times=times)


def _read_times(value: bytes) -> InvokeTimes:
    try:
        queue, start, init, handler = map(int, value.split(b","))
    except ValueError as error:
        raise WireError("the times are not four numbers") from error
    return InvokeTimes(queue_us=queue, start_us=start, init_us=init, handler_us=handler)


def _number(value: bytes, what: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise WireError(f"the {what} is no number")
    return int(value)


def _one_line(value: str, fits: Callable[[str], object] = _VALUE.fullmatch) -> str:
    if not fits(value):
        raise ValueError("a value has characters that no field of HTTP can carry")
    return value
