"""What may be in a mail at all."""

from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.core.username import is_email
from auth.errors import InvalidParameter
from auth.mail.message import MAX_TEXT, Message, is_address


def message(
    *, to: str = "ada@example.com", subject: str = "A code", text: str = "Hello\n\n    123456\n"
) -> Message:
    return Message(to=to, subject=subject, text=text, pool_id="us-east-1_Main00001", purpose="sign_up")


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "ada.lovelace+notes@mail.example.com",
        "o'brien@example.com",
        "root@localhost",
        "jörg@bücher.example",
        "x" * 64 + "@example.com",
    ],
)
def test_an_address_is_taken(address: str) -> None:
    assert message(to=address).to == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        '"ada"@example.com',
        "ada (comment)@example.com",
        "ada@[127.0.0.1]",
        "ada@example..com",
        "ada@-example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\x00",
        "ada@exam\u202eple.com",
        "ada@example.com\u2028",
        "x" * 65 + "@example.com",
        "ada@" + ".".join(["example"] * 40),
    ],
)
def test_no_address_that_is_more_or_less_than_one(address: str) -> None:
    """B14: what a mail server could read as two recipients, a header or a route is refused."""
    with pytest.raises(InvalidParameter):
        message(to=address)


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"]
)
def test_no_line_end_gets_into_a_subject(end: str) -> None:
    """B14: the same subject without it is accepted."""
    with pytest.raises(InvalidParameter):
        message(subject=f"A code{end}Bcc: eve@example.com")
    assert message(subject="A code Bcc: eve@example.com").subject


@given(st.text(), st.text(), st.text())
def test_a_message_that_exists_has_one_recipient_and_one_line_of_subject(
    to: str, subject: str, text: str
) -> None:
    """B14: whatever arrives, it is refused or it is harmless."""
    try:
        made = message(to=to, subject=subject, text=text)
    except InvalidParameter:
        return
    assert made.to.count("@") == 1
    assert len(made.subject.splitlines()) == 1
    assert not set(made.to + made.subject) & set("\r\n\0")
    assert "\r" not in made.text


@given(st.from_regex(r"[a-z0-9._+-]{1,20}@[a-z0-9.-]{1,20}", fullmatch=True))
def test_what_is_an_address_is_one_to_the_standard_library_too(text: str) -> None:
    if is_address(text):
        assert Address(addr_spec=text).addr_spec == text


LETTERS = "ab.@-_+'é\u202e \"<>(),:;[]\\/%!A1ß\u0130²"


@given(
    st.one_of(
        st.emails(),
        st.builds("{}@{}".format, st.text(LETTERS, max_size=6), st.text(LETTERS, max_size=8)),
        st.builds(
            "{}@{}.example".format,
            st.text("ab", min_size=60, max_size=70),
            st.text("ab", min_size=60, max_size=66),
        ),
    )
)
def test_every_address_that_sign_up_takes_can_be_mailed(text: str) -> None:
    """Else an account would be there and its code could not be sent."""
    assert not is_email(text) or is_address(text)


def test_a_text_has_lines_and_an_end() -> None:
    assert message(text="x" * MAX_TEXT)
    for text in ("x" * (MAX_TEXT + 1), "a\rb", "a\x1b[2Jb", "a\u202eb"):
        with pytest.raises(InvalidParameter):
            message(text=text)


def test_no_repr_shows_who_gets_what() -> None:
    shown = repr(message())
    assert "ada" not in shown
    assert "123456" not in shown
