"""J8: signed JSON is read in one way only, and whatever else it is, it is a `StrictJsonError`."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.strict_json import MAX_DEPTH, StrictJsonError, parse_object

# Refused, and beside it what differs in one thing and is taken.
REFUSED = [
    ("a name twice", b'{"a":1,"a":1}', b'{"a":1,"b":1}'),
    ("a name twice, escaped", b'{"a":1,"\\u0061":1}', b'{"a":1,"\\u0062":1}'),
    ("a name twice, within", b'{"o":{"a":1,"a":2}}', b'{"o":{"a":1},"a":2}'),
    ("NaN", b'{"a":NaN}', b'{"a":0}'),
    ("Infinity", b'{"a":Infinity}', b'{"a":1e308}'),
    ("-Infinity", b'{"a":-Infinity}', b'{"a":-1e308}'),
    ("too large a number", b'{"a":1e309}', b'{"a":1e308}'),
    ("too long an integer", b'{"a":-1%s}' % (b"0" * 100), b'{"a":-1%s}' % (b"0" * 99)),
    ("a byte order mark", b'\xef\xbb\xbf{"a":1}', b' {"a":1}'),
    ("UTF-16", '{"a":1}'.encode("utf-16-le"), b'{"a":1}'),
    ("Latin-1", b'{"a":"\xe9"}', b'{"a":"\xc3\xa9"}'),
    ("half a pair", b'{"a":"\\ud83d"}', b'{"a":"\\ud83d\\ude00"}'),
    ("half a pair in upper case", b'{"a":"\\uDBFF"}', b'{"a":"\\\\uDBFF"}'),
    ("half a pair as a name", b'{"\\udc00":1}', b'{"\\\\udc00":1}'),
    ("a control character", b'{"a":"\x1f"}', b'{"a":"\\u001f"}'),
    ("a list", b'[{"a":1}]', b'{"a":[1]}'),
    ("a text", b'"a"', b'{"a":"a"}'),
    ("nothing", b"", b"{}"),
    ("something behind", b'{"a":1}0', b'{"a":1}\n'),
    ("a NUL behind", b'{"a":1}\0', b'{"a":1} '),
    ("a comma too many", b'{"a":1,}', b'{"a":1}'),
    ("a leading zero", b'{"a":01}', b'{"a":10}'),
    ("digits of another script", '{"a":\u0661}'.encode(), b'{"a":1}'),
    ("one level too deep", b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"),
    ("far too deep", b'{"a":' * 50_000, b'{"a":"' + b"[" * 50_000 + b'"}'),
]


@pytest.mark.parametrize(("bad", "good"), [pytest.param(bad, good, id=name) for name, bad, good in REFUSED])
def test_refused_json_and_its_twin(bad: bytes, good: bytes) -> None:
    """J8: refused, and one thing different is taken."""
    with pytest.raises(StrictJsonError):
        parse_object(bad)
    assert parse_object(good) == json.loads(good)


def test_brackets_within_strings_are_not_structure() -> None:
    """J8: also behind an escaped quote."""
    text = b'{"a\\"[[":"' + b"[{" * 40 + b'\\\\","b":[[]]}'
    assert parse_object(text) == json.loads(text)


def test_depth_can_be_chosen() -> None:
    """J8: nesting is bounded."""
    assert parse_object(b'{"a":[[1]]}', max_depth=3) == {"a": [[1]]}
    with pytest.raises(StrictJsonError, match="deeper than 2"):
        parse_object(b'{"a":[[1]]}', max_depth=2)


@pytest.mark.parametrize("unit", [b'\\"', b'"\\', b"[", b'{"a":', b'"a', b"\\", b"9"])
def test_time_is_linear_in_the_size(unit: bytes) -> None:
    """J7, J8: 256 KiB of anything take no longer than the test's time limit, quadratic work would."""
    started = time.process_time()
    with pytest.raises(StrictJsonError):
        parse_object(b'{"' + unit * (262_144 // len(unit)))
    assert time.process_time() - started < 2


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**99), 10**99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_what_an_encoder_writes_is_read_back(value: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    depth = json.dumps(value).count("[") + json.dumps(value).count("{")
    if depth <= MAX_DEPTH:
        assert parse_object(text.encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ud80019eE.-ntfN ', max_size=60).map(str.encode))
def test_any_bytes_give_an_object_or_that_error(data: bytes) -> None:
    """J8: never a RecursionError, OverflowError, UnicodeError or anything else."""
    try:
        parsed = parse_object(data)
    except StrictJsonError:
        return
    assert parsed == json.loads(data)
