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
    """H7: one form, decoded once; slashes are not merged, ``;`` is data and case counts."""
    path = canonical_path(raw)
    assert (path.text, path.segments) == (text, segments)


@pytest.mark.parametrize(
    ("raw", "twin"),
    [
        pytest.param(b"", b"/", id="H7-empty"),
        pytest.param(b"notes", b"/notes", id="H7-no-slash"),
        pytest.param(b"*", b"/*", id="H7-asterisk"),
        pytest.param(b"/a\x00", b"/a", id="H7-nul"),
        pytest.param(b"/a%00", b"/a%20", id="H7-encoded-nul"),
        pytest.param(b"/a%0d%0ab", b"/a%20b", id="H7-encoded-line-break"),
        pytest.param(b"/a%7F", b"/a%7E", id="H7-encoded-del"),
        pytest.param(b"/a%C2%9B", b"/a%C2%A9", id="H7-encoded-c1-control"),
        pytest.param(b"/a\tb", b"/a%20b", id="H7-tab"),
        pytest.param(b"/a b", b"/a%20b", id="H7-space"),
        pytest.param(b"/a\x7f", b"/a", id="H7-del"),
        pytest.param("/café".encode(), b"/caf%C3%A9", id="H7-raw-utf-8"),
        pytest.param(b"/caf\xe9", b"/caf%C3%A9", id="H7-raw-latin-1"),
        pytest.param(b"/caf%E9", b"/caf%C3%A9", id="H7-encoded-latin-1"),
        pytest.param(b"/%C0%AF", b"/%C3%AF", id="H7-overlong-slash"),
        pytest.param(b"/%ED%A0%80", b"/%ED%9F%BF", id="H7-encoded-surrogate"),
        pytest.param(b"/a%", b"/a%25", id="H7-percent-at-the-end"),
        pytest.param(b"/a%2", b"/a%20", id="H7-half-a-percent"),
        pytest.param(b"/a%zz", b"/a%2Aa", id="H7-percent-without-hex"),
        pytest.param(b"/a%u0041", b"/a%41", id="H7-percent-u"),
        pytest.param(b"/.", b"/.a", id="H7-dot"),
        pytest.param(b"/..", b"/..a", id="H7-dot-dot"),
        pytest.param(b"/a/./b", b"/a/.c/b", id="H7-dot-inside"),
        pytest.param(b"/a/../b", b"/a/..c/b", id="H7-dot-dot-inside"),
        pytest.param(b"/a/%2e%2E/b", b"/a/%2e%2Ec/b", id="H7-encoded-dot-dot"),
        pytest.param(b"/a/.%2e", b"/a/.%2ec", id="H7-half-encoded-dot-dot"),
        pytest.param(b"/%2e", b"/%2ea", id="H7-encoded-dot"),
        pytest.param(b"/a%2fb", b"/a/b", id="H7-encoded-slash"),
        pytest.param(b"/a%2Fb", b"/a/b", id="H7-encoded-slash-upper"),
        pytest.param(b"/a%5cb", b"/a%5bb", id="H7-encoded-backslash"),
        pytest.param(b"/a\\..\\b", b"/a/b", id="H7-backslash"),
        pytest.param(b"/a?b", b"/a%3Fb", id="H7-query"),
        pytest.param(b"/a#b", b"/a%23b", id="H7-fragment"),
    ],
)
def test_ambiguous_path_is_refused(raw: bytes, twin: bytes) -> None:
    """H7: beside each its twin, which means one thing."""
    with pytest.raises(BadRequest):
        canonical_path(raw)
    assert canonical_path(twin).text.startswith("/")


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
