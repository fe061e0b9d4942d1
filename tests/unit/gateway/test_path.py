"""The canonical path: what is decoded, what is kept, what is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.path import canonical_path


@pytest.mark.parametrize(
    ("raw", "text", "segments"),
    [
        pytest.param(b"/", "/", [""], id="root"),
        pytest.param(b"/notes/7", "/notes/7", ["notes", "7"], id="plain"),
        pytest.param(b"/notes/", "/notes/", ["notes", ""], id="trailing-slash"),
        pytest.param(b"//a//b", "//a//b", ["", "a", "", "b"], id="slashes-kept"),
        pytest.param(b"/caf%C3%A9", "/café", ["café"], id="encoded-utf-8"),
        pytest.param(b"/caf%c3%a9", "/café", ["café"], id="lower-case-hex"),
        pytest.param(b"/a%20b+c", "/a b+c", ["a b+c"], id="plus-is-a-plus"),
        pytest.param(b"/a;v=1/b;", "/a;v=1/b;", ["a;v=1", "b;"], id="semicolon-is-data"),
        pytest.param(b"/what%3Fnow%23x", "/what?now#x", ["what?now#x"], id="encoded-question-mark-is-data"),
        pytest.param(b"/100%25", "/100%", ["100%"], id="percent"),
        pytest.param(b"/%252e%252e/x", "/%2e%2e/x", ["%2e%2e", "x"], id="decoded-once"),
        pytest.param(b"/.well-known/x", "/.well-known/x", [".well-known", "x"], id="leading-dot"),
        pytest.param(b"/a../...", "/a../...", ["a..", "..."], id="dots-in-names"),
        pytest.param(b"/A", "/A", ["A"], id="case-kept"),
        pytest.param(b'/{x}|^`"<>', '/{x}|^`"<>', ['{x}|^`"<>'], id="sloppy-clients"),
    ],
)
def test_path_is_decoded_once(raw: bytes, text: str, segments: list[str]) -> None:
    path = canonical_path(raw)
    assert (path.text, path.segments) == (text, segments)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"notes", id="no-slash"),
        pytest.param(b"*", id="asterisk"),
        pytest.param(b"/a\x00", id="nul"),
        pytest.param(b"/a%00", id="encoded-nul"),
        pytest.param(b"/a%0d%0ab", id="encoded-line-break"),
        pytest.param(b"/a%7F", id="encoded-del"),
        pytest.param(b"/a%C2%9B", id="encoded-c1-control"),
        pytest.param(b"/a\tb", id="tab"),
        pytest.param(b"/a b", id="space"),
        pytest.param(b"/a\x7f", id="del"),
        pytest.param("/café".encode(), id="raw-utf-8"),
        pytest.param(b"/caf\xe9", id="raw-latin-1"),
        pytest.param(b"/caf%E9", id="encoded-latin-1"),
        pytest.param(b"/%C0%AF", id="overlong-slash"),
        pytest.param(b"/%ED%A0%80", id="encoded-surrogate"),
        pytest.param(b"/a%", id="percent-at-the-end"),
        pytest.param(b"/a%2", id="half-a-percent"),
        pytest.param(b"/a%zz", id="percent-without-hex"),
        pytest.param(b"/a%u0041", id="percent-u"),
        pytest.param(b"/.", id="dot"),
        pytest.param(b"/..", id="dot-dot"),
        pytest.param(b"/a/./b", id="dot-inside"),
        pytest.param(b"/a/../b", id="dot-dot-inside"),
        pytest.param(b"/a/%2e%2E/b", id="encoded-dot-dot"),
        pytest.param(b"/a/.%2e", id="half-encoded-dot-dot"),
        pytest.param(b"/%2e", id="encoded-dot"),
        pytest.param(b"/a%2fb", id="encoded-slash"),
        pytest.param(b"/a%2Fb", id="encoded-slash-upper"),
        pytest.param(b"/a%5cb", id="encoded-backslash"),
        pytest.param(b"/a\\..\\b", id="backslash"),
        pytest.param(b"/a?b", id="query"),
        pytest.param(b"/a#b", id="fragment"),
    ],
)
def test_ambiguous_path_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        canonical_path(raw)


_pieces = st.sampled_from(
    [
        b"/",
        b".",
        b"%2e",
        b"%2E",
        b"%2f",
        b"%5c",
        b"\\",
        b"a",
        b"%",
        b"%c3%a9",
        b"%00",
        b";",
        b"//",
        b"\xc3",
        b"%25",
    ]
)


@given(
    st.one_of(st.binary(max_size=40), st.lists(_pieces, max_size=12).map(b"".join)).map(
        lambda tail: b"/" + tail
    )
)
@example(b"/a/..%00")
@example(b"/a/%2e%2e")
def test_what_passes_is_unambiguous(raw: bytes) -> None:
    try:
        path = canonical_path(raw)
    except BadRequest:
        return
    assert path.text == "/" + "/".join(path.segments)
    assert not {".", ".."} & set(path.segments)
    assert "\\" not in path.text
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in path.text)
    assert path.text.count("/") == raw.count(b"/")
