import time

import pytest

from gateway.fields import RequestFields


def test_repeated_names_are_joined_in_order() -> None:
    fields = RequestFields([(b"x-a", b"first"), (b"x-b", b"1"), (b"x-a", b"second")])
    assert fields.joined == {"x-a": "first,second", "x-b": "1"}
    assert fields.repeated == {"x-a": ["first", "second"]}


@pytest.mark.parametrize(
    "name",
    [
        b"forwarded",
        b"x-real-ip",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-forwarded-client-cert",
        b"content-length",
    ],
)
def test_what_a_client_may_not_say_is_removed(name: bytes) -> None:
    """H9: whatever its value; other fields stay."""
    assert RequestFields([(name, b"forged")]).joined == {}
    assert RequestFields([(b"x-" + name, b"said")]).joined == {f"x-{name.decode()}": "said"}


def test_values_are_read_byte_for_byte() -> None:
    assert RequestFields([(b"x-name", b"Jos\xe9 \xff")]).get("x-name") == "José ÿ"


@pytest.mark.parametrize(
    ("headers", "cookies"),
    [
        ([], []),
        ([b"session=abc123; theme=dark"], ["session=abc123", "theme=dark"]),
        ([b"a=1;b=2 ;; ;c"], ["a=1", "b=2", "c"]),
        ([b"a=1", b"b=2; c=3"], ["a=1", "b=2", "c=3"]),
        ([b""], []),
    ],
)
def test_cookies(headers: list[bytes], cookies: list[str]) -> None:
    assert RequestFields([(b"cookie", value) for value in headers]).cookies() == cookies


def test_cookies_are_split_in_linear_time() -> None:
    """H15: a head is at most 32 KiB; here are thirty times as many cookies, in well under a second."""
    started = time.process_time()
    assert len(RequestFields([(b"cookie", b"a=1; " * 200_000)]).cookies()) == 200_000
    assert time.process_time() - started < 1
