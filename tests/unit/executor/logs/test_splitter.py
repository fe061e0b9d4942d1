from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.logs.splitter import LineSplitter


def split(chunks: list[bytes], limit: int = 1000) -> list[str]:
    splitter = LineSplitter(limit)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.flush()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"a\nb\n", ["a", "b"], id="lines"),
        pytest.param(b"a\nb", ["a", "b"], id="last-without-end"),
        pytest.param(b"\n\na\n", ["", "", "a"], id="empty-lines"),
        pytest.param(b"a\r\nb\rc\n", ["a", "b\rc"], id="carriage-returns"),
        pytest.param(b"\xff\xc3\xa9\n", ["\ufffdé"], id="invalid-utf-8"),
        pytest.param(b"x" * 8 + b"yz\n", ["x" * 8, "yz"], id="long-line-is-cut"),
        pytest.param(b"x" * 8 + b"\n", ["x" * 8], id="full-line-is-not"),
        pytest.param("xxxxxxé\n".encode(), ["xxxxxxé"], id="character-at-the-end"),
        pytest.param("xxxxxxxé\n".encode(), ["xxxxxxx", "é"], id="character-over-the-cut"),
        pytest.param(b"\x80" * 10 + b"\n", ["\ufffd" * 5, "\ufffd" * 5], id="no-character-at-all"),
    ],
)
def test_lines(text: bytes, lines: list[str]) -> None:
    assert split([text], limit=8) == lines


def test_partial_line_waits() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"hel") == []
    assert splitter.feed(b"lo\nwor") == ["hello"]
    assert splitter.flush() == ["wor"]
    assert splitter.flush() == []


@given(
    text=st.lists(
        st.sampled_from(
            [b"a", b"bc", b"\n", b"\r", b"\r\n", "é".encode(), "€".encode(), "😀".encode(), b"\xf0", b"\x80"]
        )
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 60)),
    limit=st.integers(4, 12),
)
def test_lines_do_not_depend_on_the_chunks(text: bytes, cuts: list[int], limit: int) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:stop] for start, stop in pairwise(places)]

    assert split(chunks, limit) == split([text], limit)


@given(st.binary(), st.integers(4, 12))
def test_no_line_is_longer_than_the_limit(text: bytes, limit: int) -> None:
    splitter = LineSplitter(limit)

    for line in [*splitter.feed(text), *splitter.flush()]:
        assert len(line) <= limit
        assert "\n" not in line


def test_long_line_in_small_chunks_is_kept_in_place() -> None:
    """A copy of the beginning for each chunk took five times as long, on the executor's loop."""
    splitter = LineSplitter(1 << 16)
    splitter.feed(b"x")
    held = splitter._held
    assert [splitter.feed(b"x" * 7) for _ in range(1000)] == [[]] * 1000
    assert splitter._held is held
    assert splitter.feed(b"\n") == ["x" * 7001]
