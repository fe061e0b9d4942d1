"""One record as one line: what is redacted, cut and escaped."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.log_record import MAX_LINE_BYTES, MAX_VALUE_BYTES, REDACTED, LogRecordEncoder, is_secret_key

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def encode(record: dict[str, object]) -> bytes:
    return LogRecordEncoder()(record)


@given(st.dictionaries(st.text(max_size=12), values, max_size=6))
def test_any_record_is_one_line_of_json_without_steering_characters(record: dict[str, object]) -> None:
    line = encode(record)
    text = line.decode()
    assert text.endswith("\n")
    assert not any(
        ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u2028\u2029\u202e\u2066" for c in text[:-1]
    )
    assert isinstance(orjson.loads(line), dict)


@given(st.dictionaries(st.sampled_from(["a", "b", "path"]), st.text() | st.integers(0, 9) | st.booleans()))
def test_plain_records_come_back_unchanged(record: dict[str, object]) -> None:
    encoder = LogRecordEncoder()
    assert orjson.loads(encoder(record)) == orjson.loads(encoder(record)) == record


SECRET_KEYS = [
    "authorization",
    "Authorization",
    "Proxy-Authorization",
    "cookie",
    "Set-Cookie",
    "cookies",
    "password",
    "new_password",
    "ProposedPassword",
    "token",
    "access_token",
    "IdToken",
    "refreshToken",
    "x-amz-security-token",
    "client_secret",
    "SecretHash",
    "SECRET_HASH",
    "secret_access_key",
    "private_key",
    "x-api-key",
    "code",
    "ConfirmationCode",
    "SMS_MFA_CODE",
    "code_verifier",
    "otp",
    "SRP_A",
    "SRP_B",
    "PASSWORD_CLAIM_SIGNATURE",
    "Session",
    "client_assertion",
]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_value_of_a_secret_key_is_redacted_at_every_depth(key: str) -> None:
    for record in ({key: "canary"}, {"headers": {key: ["canary"]}}, {"list": [{"deep": {key: "canary"}}]}):
        line = encode(record)
        assert b"canary" not in line
        assert REDACTED.encode() in line


@pytest.mark.parametrize(
    "key",
    [
        "status_code",
        "exit_code",
        "error_code",
        "code_sha256",
        "codec",
        "function",
        "route",
        "error_type",
        "session_count",
    ],
)
def test_keys_that_only_look_alike_are_kept(key: str) -> None:
    assert not is_secret_key(key)
    assert orjson.loads(encode({key: "shown"})) == {key: "shown"}


def test_secret_key_is_redacted_after_records_of_the_same_shape_were_not() -> None:
    encoder = LogRecordEncoder()
    encoder({"a": 1})
    assert orjson.loads(encoder({"a": 1, "password": "canary"})) == {"a": 1, "password": REDACTED}
    assert orjson.loads(encoder({"a": {"password": "canary"}})) == {"a": {"password": REDACTED}}


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000, "é" * 100_000, "\x00" * 100_000, "\u202e" * 9000, ["y" * 9000], {"k": ["z"] * 5000}],
    ids=["ascii", "two-byte", "escaped", "steering", "list", "dict"],
)
def test_value_is_cut_at_eight_kibibytes_with_a_mark(value: object) -> None:
    line = encode({"first": 1, "value": value, "last": 2})
    shown = orjson.loads(line)
    assert (shown["first"], shown["last"]) == (1, 2)
    assert len(orjson.dumps(shown["value"])) <= MAX_VALUE_BYTES
    assert "[truncated, " in str(shown["value"]) or len(shown["value"]["k"]) == 256


def test_line_is_bounded_whatever_the_number_of_values() -> None:
    line = encode({f"key{n}": "v" * 8000 for n in range(100)})
    assert len(line) <= MAX_LINE_BYTES
    assert orjson.loads(line)["truncated"] is True


def test_control_characters_cannot_forge_a_line_or_steer_a_terminal() -> None:
    line = encode({"path": '/a\r\n{"forged":1}\x1b[2J\x7f\x9b\u2028'})
    assert line.count(b"\n") == 1
    assert b"\\r\\n" in line
    assert b"\\u001b[2J\\u007f\\u009b\\u2028" in line


def test_delete_in_a_plain_record_is_escaped() -> None:
    assert encode({"path": "/a\x7f"}) == b'{"path":"/a\\u007f"}\n'


def test_what_json_has_no_word_for_is_shown_as_its_type() -> None:
    shown = orjson.loads(
        encode({"blob": b"x", "big": 2**70, "odd": "\ud800", "nan": float("nan"), "o": object()})
    )
    assert shown == {"blob": "[bytes]", "big": str(2**70), "odd": "\\ud800", "nan": None, "o": "[object]"}


def test_deep_nesting_ends() -> None:
    value: object = "bottom"
    for _ in range(1000):
        value = [value]
    assert b"too deep" in encode({"v": value})


def test_known_keys_are_bounded() -> None:
    encoder = LogRecordEncoder()
    for n in range(6000):
        encoder({f"k{n}": 1})
    assert len(encoder._harmless) <= 4096


@pytest.mark.parametrize("braces", [0, 1, 5, 6, 7, 50])
def test_braces_in_texts_hide_no_container(braces: int) -> None:
    record = {"key": {"password": "hunter2"}, "routeKey": "{id}" * braces}
    assert b"hunter2" not in LogRecordEncoder()(record)
