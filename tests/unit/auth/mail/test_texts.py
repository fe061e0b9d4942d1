"""What the mails say, and what they never say."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.mail import texts
from auth.mail.message import Message
from auth.pool import Brand, Pool

POOL = Pool(pool_id="us-east-1_Main00001", name="main")
BRANDED = Pool(pool_id="us-east-1_Main00001", name="main", brand=Brand(name="Notes"))
TO = "ada@example.com"
CODE = "804213"

ALL: dict[str, Callable[[Pool], Message]] = {
    "sign_up": lambda pool: texts.sign_up_code(pool, TO, CODE),
    "resend": lambda pool: texts.resent_code(pool, TO, CODE),
    "reset": lambda pool: texts.reset_code(pool, TO, CODE),
    "attribute": lambda pool: texts.attribute_code(pool, TO, CODE),
    "mfa": lambda pool: texts.mfa_code(pool, TO, CODE),
    "taken_address": lambda pool: texts.taken_address(pool, TO),
    "invitation": lambda pool: texts.invitation(pool, TO, "ada", "Temporary-1"),
    "password_changed": lambda pool: texts.password_changed(pool, TO),
    "address_changed": lambda pool: texts.address_changed(pool, TO),
}
WITH_CODE = ["sign_up", "resend", "reset", "attribute", "mfa"]


@pytest.mark.parametrize("purpose", ALL)
def test_each_mail_says_what_it_is_for_and_where_it_belongs(purpose: str) -> None:
    plain, branded = ALL[purpose](POOL), ALL[purpose](BRANDED)
    assert (plain.to, plain.purpose, plain.pool_id) == (TO, purpose, POOL.pool_id)
    assert plain.subject[0].isupper()
    assert branded.subject.startswith("Notes: ")
    assert plain.text.endswith("\n")
    assert max(map(len, plain.text.split("\n"))) < 200


@pytest.mark.parametrize("purpose", ALL)
def test_no_mail_has_a_link(purpose: str) -> None:
    """B14: nothing that a mail program would make one of."""
    words = ALL[purpose](BRANDED).text.split()
    assert not [word for word in words if re.search(r"://|www\.|\w\.\w|@", word)]


@pytest.mark.parametrize("purpose", WITH_CODE)
def test_a_code_stands_on_a_line_of_its_own_and_not_in_the_subject(purpose: str) -> None:
    mail = ALL[purpose](POOL)
    assert f"\n    {CODE}\n" in mail.text
    assert CODE not in mail.subject


@pytest.mark.parametrize(
    ("username", "shown"),
    [
        pytest.param("ada", "Your user name: ada", id="harmless"),
        pytest.param("ada_l-1", "Your user name: ada_l-1", id="harmless-marks"),
        pytest.param("Ada@Example.com", "Sign in with this mail address.", id="the-address"),
        pytest.param("evil.example", "that the administrator tells you", id="a-host"),
        pytest.param("https://evil.example/x", "that the administrator tells you", id="a-link"),
        pytest.param("ada\r\nBcc: eve", "that the administrator tells you", id="a-header"),
        pytest.param("You have won, call 123", "that the administrator tells you", id="a-sentence"),
    ],
)
def test_a_user_name_is_shown_where_it_is_harmless(username: str, shown: str) -> None:
    """B14: an invitation to somebody with a name of an attacker's choice carries none of it."""
    mail = texts.invitation(POOL, TO, username, "Temporary-1")
    assert shown in mail.text
    assert "\n    Temporary-1\n" in mail.text
    assert "evil" not in mail.text + mail.subject


@given(st.text())
def test_any_user_name_makes_a_mail_of_known_words(username: str) -> None:
    """B14: no new line, no link, whatever the name."""
    mail = texts.invitation(POOL, TO, username, "Temporary-1")
    usual = texts.invitation(POOL, TO, "ada", "Temporary-1")
    assert mail.text.count("\n") == usual.text.count("\n")
    assert mail.subject == usual.subject
    assert not re.search(r"://|\w\.\w", mail.text)


@given(st.text(max_size=400))
def test_any_name_of_a_pool_gives_a_mail(name: str) -> None:
    pool = Pool(pool_id="us-east-1_Main00001", name="main", brand=Brand(name=name))
    mail = texts.taken_address(pool, TO)
    assert len(mail.subject.splitlines()) == 1
    assert mail.text.count("\n") == texts.taken_address(POOL, TO).text.count("\n")


def test_a_new_address_is_not_told_to_the_old_one() -> None:
    """B11: the alert goes to the address that was replaced, and names no other."""
    mail = texts.address_changed(BRANDED, "old@example.com")
    assert mail.to == "old@example.com"
    assert "@" not in mail.text
