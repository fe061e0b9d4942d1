"""What a function may return, in both formats, and what becomes of it."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import MalformedResponse
from gateway.function_output import SLICE_CHARS, Output, decode_base64, iter_base64, read_v1, read_v2

JSON = (b"content-type", b"application/json")


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        pytest.param(b'{"hello": "world"}', '{"hello":"world"}', id="object-compacted"),
        pytest.param(b'"hello"', "hello", id="string-without-quotes"),
        pytest.param(b'"\\u00e9\\n"', "é\n", id="string-decoded"),
        pytest.param(b"3", "3", id="integer"),
        pytest.param(b"3.1", "3.1", id="float"),
        pytest.param(b"true", "true", id="boolean"),
        pytest.param(b'["hello", 3, true]', '["hello",3,true]', id="array"),
        pytest.param(b"null", "null", id="null"),
        pytest.param(b"", "null", id="nothing"),
        pytest.param(b'{"body": "x"}', '{"body":"x"}', id="no-status-code-is-data"),
        pytest.param(b'[{"statusCode": 404}]', '[{"statusCode":404}]', id="status-code-inside"),
        pytest.param(
            b"[123456789012345678901234567890, 1]", "[123456789012345678901234567890,1]", id="big-integer"
        ),
        pytest.param(b"[-9223372036854775809]", "[-9223372036854775809]", id="below-64-bits"),
        pytest.param(b"[" * 300 + b"]" * 300, "[" * 300 + "]" * 300, id="nested-deeper-than-orjson-writes"),
        pytest.param(b'{"\\u00e9": "\\u20ac"}', '{"é":"€"}', id="escapes-become-utf-8"),
    ],
)
def test_any_json_is_inferred_as_a_body(payload: bytes, body: str) -> None:
    assert read_v2(payload) == Output(status=200, headers=[JSON], text=body)


@pytest.mark.parametrize(
    ("returned", "status", "headers", "text", "is_base64"),
    [
        pytest.param(
            {"statusCode": 200, "body": "body123"}, 200, [JSON], "body123", False, id="content-type-default"
        ),
        pytest.param({"statusCode": 201}, 201, [JSON], "", False, id="no-body"),
        pytest.param({"statusCode": 200, "body": None}, 200, [JSON], "", False, id="null-body"),
        pytest.param({"statusCode": "418"}, 418, [JSON], "", False, id="numeric-string"),
        pytest.param({"statusCode": 204.0}, 204, [], "", False, id="whole-float-and-204-without-type"),
        pytest.param(
            {"statusCode": 304, "headers": {"ETag": '"a"'}}, 304, [(b"etag", b'"a"')], "", False, id="304"
        ),
        pytest.param({"statusCode": 599}, 599, [JSON], "", False, id="last-status"),
        pytest.param(
            {"statusCode": 200, "headers": {"Content-Type": "text/html", "X-N": 7, "X-T": True, "X-F": 1.5}},
            200,
            [(b"content-type", b"text/html"), (b"x-n", b"7"), (b"x-t", b"true"), (b"x-f", b"1.5")],
            "",
            False,
            id="values-as-text",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x-a": None}}, 200, [JSON], "", False, id="null-header-left-out"
        ),
        pytest.param({"statusCode": 200, "headers": None}, 200, [JSON], "", False, id="null-headers"),
        pytest.param(
            {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True},
            200,
            [JSON],
            "aGk=",
            True,
            id="base64",
        ),
        pytest.param(
            {"statusCode": 200, "body": '{ "a": 1 }', "isBase64Encoded": False},
            200,
            [JSON],
            '{ "a": 1 }',
            False,
            id="body-text-is-never-touched",
        ),
        pytest.param(
            {
                "statusCode": 200,
                "multiValueHeaders": {"X-A": ["1", 2]},
                "headers": {"x-a": "lost", "x-b": "kept"},
            },
            200,
            [(b"x-b", b"kept"), (b"x-a", b"1"), (b"x-a", b"2"), JSON],
            "",
            False,
            id="list-wins-over-single-value",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"Set-Cookie": "a=1", "set-cookie": "b=2"}},
            200,
            [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), JSON],
            "",
            False,
            id="case-variants-of-set-cookie",
        ),
    ],
)
@pytest.mark.parametrize("read", [read_v1, read_v2])
def test_explicit_response(read, returned, status, headers, text, is_base64) -> None:  # type: ignore[no-untyped-def]
    assert read(_json(returned)) == Output(status=status, headers=headers, text=text, is_base64=is_base64)


def test_cookies_come_before_the_set_cookie_header() -> None:
    returned = {"statusCode": 200, "headers": {"set-cookie": "c=3"}, "cookies": ["a=1; Path=/", "b=2"]}
    assert read_v2(_json(returned)).headers == [
        (b"set-cookie", b"a=1; Path=/"),
        (b"set-cookie", b"b=2"),
        (b"set-cookie", b"c=3"),
        JSON,
    ]
    assert read_v1(_json(returned)).headers == [(b"set-cookie", b"c=3"), JSON], "format 1.0 has no cookies"


def test_headers_of_the_connection_are_dropped() -> None:
    """H13 (H11): framing and what is of one connection is not a function's to say."""
    headers = {
        "Connection": "close, X-Private",
        "x-private": "1",
        "Transfer-Encoding": "chunked",
        "Content-Length": "5",
        "Keep-Alive": "timeout=5",
        "Upgrade": "h2c",
        "Apigw-RequestId": "forged",
        "x-kept": "1",
    }
    assert read_v2(_json({"statusCode": 200, "headers": headers})).headers == [(b"x-kept", b"1"), JSON]


@pytest.mark.parametrize(
    ("member", "twin"),
    [
        pytest.param({"statusCode": None}, {"statusCode": 200}, id="H13-null-status"),
        pytest.param({"statusCode": "ok"}, {"statusCode": "200"}, id="H13-text-status"),
        pytest.param({"statusCode": " 200"}, {"statusCode": "200"}, id="H13-status-with-space"),
        pytest.param({"statusCode": "٢٠٠"}, {"statusCode": "200"}, id="H13-status-in-other-digits"),
        pytest.param({"statusCode": True}, {"statusCode": 200}, id="H13-boolean-status"),
        pytest.param({"statusCode": 200.5}, {"statusCode": 200.0}, id="H13-broken-status"),
        pytest.param({"statusCode": 199}, {"statusCode": 200}, id="H13-interim-status"),
        pytest.param({"statusCode": 101}, {"statusCode": 201}, id="H13-upgrade-status"),
        pytest.param({"statusCode": 600}, {"statusCode": 599}, id="H13-status-too-large"),
        pytest.param({"statusCode": -200}, {"statusCode": 200}, id="H13-negative-status"),
        pytest.param({"statusCode": 10**30}, {"statusCode": 300}, id="H13-huge-status"),
        pytest.param({"statusCode": [200]}, {"statusCode": 200}, id="H13-status-in-a-list"),
        pytest.param(
            {"statusCode": 200, "body": {"a": 1}},
            {"statusCode": 200, "body": '{"a": 1}'},
            id="H13-object-body",
        ),
        pytest.param({"statusCode": 200, "body": 7}, {"statusCode": 200, "body": "7"}, id="H13-number-body"),
        pytest.param(
            {"statusCode": 200, "body": False}, {"statusCode": 200, "body": "false"}, id="H13-boolean-body"
        ),
        pytest.param(
            {"statusCode": 200, "isBase64Encoded": "true"},
            {"statusCode": 200, "isBase64Encoded": True},
            id="H13-text-flag",
        ),
        pytest.param(
            {"statusCode": 200, "headers": ["a"]},
            {"statusCode": 200, "headers": {"a": ""}},
            id="H13-headers-list",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": ["1"]}},
            {"statusCode": 200, "headers": {"x": "1"}},
            id="H13-header-list-value",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": {"y": 1}}},
            {"statusCode": 200, "headers": {"x": 1}},
            id="H13-header-object-value",
        ),
        pytest.param(
            {"statusCode": 200, "multiValueHeaders": {"x": "1"}},
            {"statusCode": 200, "multiValueHeaders": {"x": ["1"]}},
            id="H13-multi-value-not-a-list",
        ),
        pytest.param(
            {"statusCode": 200, "multiValueHeaders": {"x": [None]}},
            {"statusCode": 200, "multiValueHeaders": {"x": []}},
            id="H13-null-in-multi-value",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x y": "1"}},
            {"statusCode": 200, "headers": {"x-y": "1"}},
            id="H13-name-with-space",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"": "1"}},
            {"statusCode": 200, "headers": {"x": "1"}},
            id="H13-empty-name",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x:": "1"}},
            {"statusCode": 200, "headers": {"x": "1"}},
            id="H13-name-with-colon",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x\r\ny": "1"}},
            {"statusCode": 200, "headers": {"xy": "1"}},
            id="H13-name-with-line-break",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"xé": "1"}},
            {"statusCode": 200, "headers": {"xe": "1"}},
            id="H13-name-beyond-ascii",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
            {"statusCode": 200, "headers": {"x": "a set-cookie: b"}},
            id="H13-value-with-line-break",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": "a\nb"}},
            {"statusCode": 200, "headers": {"x": "a b"}},
            id="H13-value-with-lf",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": "a\rb"}},
            {"statusCode": 200, "headers": {"x": "a b"}},
            id="H13-value-with-cr",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": "a\0b"}},
            {"statusCode": 200, "headers": {"x": "a b"}},
            id="H13-value-with-nul",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"connection": "a\nb"}},
            {"statusCode": 200, "headers": {"connection": "a b"}},
            id="H13-bad-value-of-a-dropped-header",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"x": "a" * 70_000}},
            {"statusCode": 200, "headers": {"x": "a" * 60_000}},
            id="H13-headers-too-large",
        ),
    ],
)
@pytest.mark.parametrize("read", [read_v1, read_v2])
def test_malformed_explicit_response(read, member, twin) -> None:  # type: ignore[no-untyped-def]
    """H13: beside each its twin, which is sent."""
    with pytest.raises(MalformedResponse):
        read(_json(member))
    assert 200 <= read(_json(twin)).status <= 599


@pytest.mark.parametrize("cookies", ["a=1", {"a": "1"}, [None], [["a=1"]], ["a=1\r\nx: y"]])
def test_malformed_cookies(cookies: object) -> None:
    """H13: a list of texts without line breaks, or nothing at all is sent."""
    with pytest.raises(MalformedResponse):
        read_v2(_json({"statusCode": 200, "cookies": cookies}))
    assert read_v2(_json({"statusCode": 200, "cookies": ["a=1"]})).headers[0] == (b"set-cookie", b"a=1")


@pytest.mark.parametrize(
    "payload",
    [
        b"hello",
        b"{",
        b"[" * 1020 + b"]" * 1020,
        b"[" * 1000 + b"1" * 20 + b"]" * 1000,
        b"\xff",
        b'{"a": NaN}',
        b"[" * 5000,
        b'"\\ud800"',
        b"1e999",
    ],
)
@pytest.mark.parametrize("read", [read_v1, read_v2])
def test_what_cannot_be_read(read, payload: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MalformedResponse):
        read(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"null", b'"hello"', b"3", b"[]", b'{"hello": "world"}', b'{"body": "x"}']
)
def test_format_1_infers_nothing(payload: bytes) -> None:
    with pytest.raises(MalformedResponse):
        read_v1(payload)


@pytest.mark.parametrize(
    "size",
    [0, 1, 2, 3, SLICE_CHARS // 4 * 3 - 1, SLICE_CHARS // 4 * 3, SLICE_CHARS // 4 * 3 + 1, SLICE_CHARS * 2],
)
def test_base64_is_decoded_in_slices(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    text = base64.b64encode(data[:size]).decode()
    assert decode_base64(text) == data[:size]
    assert len(list(iter_base64(text))) == -(-len(text) // SLICE_CHARS)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "aGk",
        "aGk=\n",
        "aG k=",
        "aGk==",
        "=aGk",
        "aGké",
        "a_-k",
        "aGk=" + "A" * SLICE_CHARS,
        "A" * (SLICE_CHARS - 4) + "aGk=" + "AAAA",
        "A" * (SLICE_CHARS + 1),
    ],
)
def test_undecodable_base64(text: str) -> None:
    """H13: a body that is called base64 is canonical base64; the twin is the same text made so."""
    with pytest.raises(MalformedResponse):
        decode_base64(text)
    letters = "".join(char for char in text if char.isascii() and char.isalnum())
    assert decode_base64(letters[: len(letters) // 4 * 4]) is not None


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_outputs = st.fixed_dictionaries(
    {"statusCode": st.integers(195, 605) | _json_values},
    optional={
        "headers": st.dictionaries(st.text(max_size=8), st.text(max_size=12) | _json_values, max_size=4)
        | _json_values,
        "multiValueHeaders": st.dictionaries(
            st.sampled_from(["a", "connection", "x\n"]), _json_values, max_size=3
        ),
        "cookies": st.lists(st.text(max_size=12) | _json_values, max_size=3) | _json_values,
        "body": st.text(max_size=12) | _json_values,
        "isBase64Encoded": st.booleans() | _json_values,
    },
)


@given(
    st.one_of(st.binary(max_size=60), _json_values.map(_json), _outputs.map(_json)),
    st.sampled_from([read_v1, read_v2]),
)
@example(b'{"statusCode": 200, "headers": {"x": "\\ud800"}}', read_v2)
def test_reading_never_fails_otherwise_and_never_splits_a_message(payload, read) -> None:  # type: ignore[no-untyped-def]
    try:
        output = read(payload)
        body = decode_base64(output.text) if output.is_base64 else output.text.encode()
    except MalformedResponse:
        return
    assert isinstance(body, bytes)
    assert 200 <= output.status <= 599
    for name, value in output.headers:
        assert name
        assert name == name.lower()
        assert not set(name) & set(b"\r\n\0: ")
        assert not set(value) & set(b"\r\n\0")
        assert name not in (b"content-length", b"transfer-encoding", b"connection")
