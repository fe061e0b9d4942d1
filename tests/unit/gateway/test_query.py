import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.query import MAX_PAIRS, check_query, group_pairs, join_pairs, parse_query


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        pytest.param("", [], id="none"),
        pytest.param("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")], id="order-kept"),
        pytest.param("k=", [("k", "")], id="empty-value"),
        pytest.param("k", [("k", "")], id="no-value"),
        pytest.param("=v", [("", "v")], id="no-name"),
        pytest.param("&&a=1&", [("a", "1")], id="empty-pairs"),
        pytest.param("a=b=c", [("a", "b=c")], id="second-equals-sign-is-data"),
        pytest.param("a=1;b=2", [("a", "1;b=2")], id="semicolon-is-data"),
        pytest.param("x=a+b&y=a%2Bb", [("x", "a b"), ("y", "a+b")], id="plus"),
        pytest.param("caf%C3%A9=%E2%82%AC", [("café", "€")], id="utf-8"),
        pytest.param("a=%E9", [("a", "\ufffd")], id="not-utf-8"),
        pytest.param("a=100%&b=%zz", [("a", "100%"), ("b", "%zz")], id="stray-percent"),
        pytest.param("a=%00", [("a", "\0")], id="encoded-nul-is-data"),
    ],
)
def test_query_is_decoded_in_order(query: str, pairs: list[tuple[str, str]]) -> None:
    """H15: values of one name keep their order."""
    assert parse_query(query) == pairs


def test_values_of_one_name_are_joined_or_listed() -> None:
    pairs = parse_query("repeat=one&empty=&repeat=two,three")
    assert join_pairs(pairs) == {"repeat": "one,two,three", "empty": ""}
    assert group_pairs(pairs) == {"repeat": ["one", "two,three"], "empty": [""]}


def test_pairs_are_bounded() -> None:
    """H15: 1000 pairs are read, 1001 are refused."""
    assert len(parse_query("&".join(["a=1"] * MAX_PAIRS))) == MAX_PAIRS
    with pytest.raises(BadRequest):
        parse_query("&".join(["a=1"] * (MAX_PAIRS + 1)))


@pytest.mark.parametrize(
    ("raw", "twin"),
    [
        pytest.param(b"a=\xc3\xa9", b"a=%C3%A9", id="H7-raw-utf-8"),
        pytest.param(b"a=\x00", b"a=%00", id="H7-nul"),
        pytest.param(b"a=\n", b"a=%0A", id="H7-line-break"),
        pytest.param(b"a=\x7f", b"a=%7F", id="H7-del"),
    ],
)
def test_raw_bytes_that_must_be_encoded_are_refused(raw: bytes, twin: bytes) -> None:
    """H7: and its twin, encoded, goes on as it came."""
    with pytest.raises(BadRequest):
        check_query(raw)
    assert check_query(twin) == twin.decode()


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60))
def test_any_printable_query_is_kept_verbatim_and_parsed(query: str) -> None:
    text = check_query(query.encode("ascii"))
    assert text == query
    assert len(parse_query(text)) <= query.count("&") + 1


def test_time_grows_with_length_only() -> None:
    """H15: linear time, whatever the query holds."""

    def spent(query: str) -> float:
        started = time.process_time()
        parse_query(query)
        return time.process_time() - started

    assert spent("a=" + "%41" * 200_000) < 1
    assert spent("&".join("k" + "%" * 800 for _ in range(MAX_PAIRS))) < 1
