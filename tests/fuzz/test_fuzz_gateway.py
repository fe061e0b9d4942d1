"""Fuzzes what strangers and functions feed to the gateway: paths, whole requests, function output.

Each target is a property with a fixed budget of examples. The same properties are then run against variants
of the code with a seeded fault each; a fault that is not found means that the fuzzing is worth nothing.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway import errors, fields, function_output, path, pipeline, response
from gateway.errors import BadRequest
from gateway.events import v2
from gateway.integrations.function import FunctionTarget
from tests.support.gateway_harness import answer_of, build

pytestmark = pytest.mark.timeout(120)  # so many examples, on whatever machine

EXAMPLES = 1000
FAULT_EXAMPLES = 4000  # what is drawn depends on the modules that are loaded: enough for each

_path_pieces = st.sampled_from(
    [
        *b"/ // . .. /../ %2e %2E%2e %2f %5C \\ a admin % %zz %c3%a9 %C0%AE %00 %0a ; ? # %25 %252e".split(),
        *(b"\xc3\xa9", b"\x00", b" "),
    ]
)
_paths = st.one_of(
    st.binary(max_size=30).map(b"/".__add__),
    st.lists(_path_pieces, min_size=1, max_size=8).map(b"".join).map(b"/".__add__),
)
_field_values = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=12)
_fields = st.lists(
    st.tuples(
        st.sampled_from(["cookie", "content-type", "x-a", "x-forwarded-for", "x-amzn-trace-id", "forwarded"]),
        _field_values | st.sampled_from(["a=1; b=2", "text/plain", "application/json", "Root=1-x"]),
    ),
    max_size=5,
)
_queries = st.lists(
    st.sampled_from([b"a", b"=", b"&", b"+", b"%41", b"%", b"%ff", b"\xe9", b"\x00", b";", b"b=2&"]),
    max_size=8,
).map(b"".join)
_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_texts = st.text(st.sampled_from("aé:; \t\r\n\0"), max_size=5)
_outputs = st.fixed_dictionaries(
    {"statusCode": st.sampled_from([200, 204, "404", 100, 199, 600, None, True, 2e2])},
    optional={
        "headers": st.dictionaries(
            st.sampled_from(
                ["x-a", "Connection", "Transfer-Encoding", "content-length", "bad name", "b d", "set-cookie"]
            ),
            st.just("sound") | _texts | _json_values,
            max_size=3,
        ),
        "multiValueHeaders": st.dictionaries(st.sampled_from(["x-a", "X-B"]), st.lists(_texts, max_size=2)),
        "cookies": st.lists(_texts, max_size=2) | _json_values,
        "body": st.sampled_from(["", "text", "aGk=", "aGk", "a\nGk="]) | _json_values,
        "isBase64Encoded": st.booleans(),
    },
)
_payloads = st.one_of(
    st.binary(max_size=30),
    _outputs.map(lambda value: json.dumps(value).encode()),
    _json_values.map(lambda value: json.dumps(value).encode()),
)
_versions = st.sampled_from(["1.0", "2.0"])

Property = Callable[..., None]


def _canonical_path_is_unambiguous(raw: bytes) -> None:
    try:
        found = path.canonical_path(raw)
    except BadRequest:
        return
    assert found.text == "/" + "/".join(found.segments)
    assert not {".", ".."} & set(found.segments)
    assert "\\" not in found.text
    assert found.text.count("/") == raw.count(b"/")
    assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in found.text)


async def _event_is_json_without_forged_fields(
    raw: bytes, query: bytes, headers: list[tuple[str, str]], body: bytes, version: str
) -> None:
    harness = build({"$default": FunctionTarget(function="echo", payload_version=version)})
    target = raw.replace(b"?", b"") + b"?" + query
    received = await harness.request("POST", target, headers=[("host", "h"), *headers], body=body)
    assert received.status in (200, 400)
    if received.status == 400:
        return
    event = orjson.loads(harness.invoker.calls[0].payload)
    seen = event["headers"]
    assert seen["x-forwarded-for"] == "192.0.2.7"
    assert seen["content-length"] == str(len(body))
    assert "forwarded" not in seen
    carried = event.get("body") or ""
    assert (base64.b64decode(carried) if event["isBase64Encoded"] else carried.encode()) == body
    if version == "2.0":
        assert "cookie" not in seen
        assert None not in event.values()
        assert event["rawQueryString"].encode("latin-1") == query
        assert query.isascii()


async def _output_gives_one_sound_response(payload: bytes, version: str) -> None:
    harness = build(
        {"$default": FunctionTarget(function="echo", payload_version=version)}, answer=answer_of(payload)
    )
    received = await harness.request("GET", "/")
    assert 200 <= received.status <= 599
    names = [name for name, _ in received.headers]
    assert names.count("apigw-requestid") == 1
    assert not {"transfer-encoding", "connection"} & set(names)
    assert names.count("content-length") == (received.status not in (204, 304))
    for name, value in received.headers:
        assert not set(name + value) & set("\r\n\0")
        assert " " not in name
    if received.status not in (204, 304):
        assert received.get("content-length") == str(len(received.body))
    assert harness.records[0]["error.message"] is None or received.status == 500
    assert not str(harness.records[0]["error.message"]).endswith("in the gateway")


_TARGETS: dict[str, tuple[Property, dict[str, st.SearchStrategy[Any]]]] = {
    "path": (_canonical_path_is_unambiguous, {"raw": _paths}),
    "event": (
        _event_is_json_without_forged_fields,  # type: ignore[dict-item]
        {
            "raw": _paths,
            "query": _queries,
            "headers": _fields,
            "body": st.binary(max_size=12),
            "version": _versions,
        },
    ),
    "output": (_output_gives_one_sound_response, {"payload": _payloads, "version": _versions}),  # type: ignore[dict-item]
}


def _fuzz(name: str, examples: int) -> int:
    """Run one target; return how many examples it took. A falsified property raises."""
    check, strategies = _TARGETS[name]
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(**strategies)
    def run(**values: Any) -> None:
        nonlocal count
        count += 1
        outcome: Any = check(**values)
        if outcome is not None:
            runner.run(outcome)

    with asyncio.Runner() as runner:
        run()
    return count


@pytest.mark.parametrize("target", list(_TARGETS))
def test_nothing_breaks_the_gateway(target: str) -> None:
    count = _fuzz(target, EXAMPLES)
    print(f"{target}: {count} examples, no failure")
    assert count >= EXAMPLES // 2


def _lenient_path(raw: bytes) -> path.CanonicalPath:
    text = path.unquote_to_bytes(raw).decode("utf-8", "replace")
    return path.CanonicalPath(text, text.split("/")[1:])


_STATUS = function_output._status


def _any_status(value: object) -> int:
    return 199 if value == 199 else _STATUS(value)


class _Never:
    def search(self, text: object) -> None:
        return None

    def fullmatch(self, text: object) -> bool:
        return True


# name → (target that must find it, module, attribute, faulty value)
_FAULTS: dict[str, tuple[str, Any, str, Any]] = {
    "dot-segments-pass": ("path", path, "_DOT_SEGMENTS", frozenset()),
    "encoded-slash-passes": ("path", path, "_ENCODED_SLASH", _Never()),
    "control-characters-pass": ("path", path, "_CONTROL", _Never()),
    "invalid-utf-8-is-a-crash": ("path", path, "BadRequest", errors.NotFound),
    "path-is-not-checked": ("path", path, "canonical_path", _lenient_path),
    "forwarded-fields-stay": ("event", fields, "_COMMON", {}),
    "query-is-not-checked": ("event", pipeline, "check_query", lambda raw: raw.decode("latin-1").strip()),
    "body-is-lossy": ("event", v2, "encode_body", lambda body, kind: (body.decode("latin-1"), False)),
    "line-breaks-in-values": ("output", response, "_CONTROL", _Never()),
    "any-header-name": ("output", response, "_TOKEN", _Never()),
    "framing-passes": ("output", response, "DROPPED", frozenset()),
    "interim-status-passes": ("output", function_output, "_status", _any_status),
    "output-error-is-a-crash": ("output", function_output, "MalformedResponse", KeyError),
}


@pytest.mark.parametrize("fault", list(_FAULTS))
def test_seeded_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, module, attribute, value = _FAULTS[fault]
    monkeypatch.setattr(module, attribute, value)
    with pytest.raises((AssertionError, errors.GatewayError)) as caught:
        _fuzz(target, FAULT_EXAMPLES)
    print(f"{fault}: found as {type(caught.value).__name__}")
