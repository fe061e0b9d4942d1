"""B13: one canonical form of names and addresses, and what nobody can be called."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auth.core.username import canonical, canonical_email, canonical_phone, is_user_id, sign_in_key
from auth.errors import InvalidParameter
from auth.pool import Pool

NAMES = Pool(pool_id="us-east-1_Main00001", name="main")
EMAILS = Pool(pool_id="us-east-1_Main00001", name="main", sign_in_with=frozenset({"email"}))
ALIASES = Pool(pool_id="us-east-1_Main00001", name="main", sign_in_with=frozenset({"username", "email"}))


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        pytest.param("Ada", "ada", id="capitals"),
        pytest.param("  ada\t", "ada", id="blanks-around"),
        pytest.param("\uff21da", "ada", id="fullwidth"),
        pytest.param("Stra\u00dfe", "strasse", id="sharp-s"),
        pytest.param("e\u0301", "\u00e9", id="combining"),
        pytest.param("\u2126", "\u03c9", id="ohm-is-omega"),
        pytest.param("\ufb01n", "fin", id="ligature"),
    ],
)
def test_what_reads_alike_is_one_name(typed: str, form: str) -> None:
    """B13: NFKC, case folding, trimming."""
    assert canonical(typed, is_case_sensitive=False) == form


def test_a_pool_may_tell_capitals_apart() -> None:
    """B13: the pool's case rule; the rest of the form holds all the same."""
    assert canonical(" \uff21da ", is_case_sensitive=True) == "Ada"
    assert canonical_email("Ada@Example.COM", is_case_sensitive=True) == "Ada@example.com"
    assert canonical_email("Ada@Example.COM") == "ada@example.com"


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param("\x00", id="nul"),
        pytest.param("\n", id="newline"),
        pytest.param("\x7f", id="delete"),
        pytest.param("\u202e", id="bidi-override"),
        pytest.param("\u2066", id="bidi-isolate"),
        pytest.param("\u200f", id="rtl-mark"),
        pytest.param("\u061c", id="arabic-letter-mark"),
        pytest.param("\u200b", id="zero-width-space"),
        pytest.param("\u200d", id="zero-width-joiner"),
        pytest.param("\ufeff", id="bom"),
        pytest.param("\u00ad", id="soft-hyphen"),
        pytest.param("\u034f", id="grapheme-joiner"),
        pytest.param("\u3164", id="hangul-filler"),
        pytest.param("\ufe0f", id="variation-selector"),
        pytest.param("\U000e0101", id="variation-selector-supplement"),
        pytest.param("\U000e0041", id="tag"),
        pytest.param("\u2800", id="blank-braille"),
        pytest.param(" ", id="blank"),
        pytest.param("\u3000", id="wide-blank"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param("\ue000", id="private-use"),
        pytest.param("\u0378", id="unassigned"),
    ],
)
def test_what_cannot_be_seen_is_in_no_name(hidden: str) -> None:
    """B13: control, bidi and zero-width characters are refused, not dropped. Twin: the same name without it."""
    with pytest.raises(InvalidParameter, match="regular expression"):
        canonical(f"ad{hidden}a", is_case_sensitive=False)
    assert canonical("adxa", is_case_sensitive=False) == "adxa"


def test_length_is_bounded_before_and_after_folding() -> None:
    assert len(canonical("a" * 128, is_case_sensitive=False)) == 128
    for text in (
        "",
        "   ",
        "a" * 129,
        "\ufdfa" * 20,
        "a" * 10_000_000,
    ):  # U+FDFA folds to 18 characters, blanks among them
        with pytest.raises(InvalidParameter):
            canonical(text, is_case_sensitive=False)


@given(st.text(min_size=1, max_size=40), st.booleans())
def test_the_form_of_a_form_is_itself(text: str, is_case_sensitive: bool) -> None:
    """B13: whatever is accepted settles at once, so no two rows can stand for one name."""
    try:
        once = canonical(text, is_case_sensitive=is_case_sensitive)
    except InvalidParameter:
        assume(False)
        return
    assert canonical(once, is_case_sensitive=is_case_sensitive) == once
    assert unicodedata.is_normalized("NFKC", once)
    assert once == once.strip()


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_ways_of_writing_one_name_meet(text: str) -> None:
    """B13: composed, decomposed, capital and small."""
    forms = set()
    for way in (text, unicodedata.normalize("NFD", text), text.casefold(), f" {text} "):
        try:
            forms.add(canonical(way, is_case_sensitive=False))
        except InvalidParameter:
            forms.add("refused")
    assert len(forms) == 1


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "@example.com",
        "ada@",
        "a@b@c",
        "ada@-example.com",
        "ada@example..com",
        ".ada@example.com",
        '"ada"@example.com',
        "ada <ada@example.com>",
        "ada@example.com\nBcc: eve@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "x." * 130 + "com",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidParameter):
        canonical_email(text)


@pytest.mark.parametrize(
    "text", ["ada+notes@example.com", "o'hara@mail.example.com", "ада@пример.рф", "root@localhost"]
)
def test_what_is_an_address(text: str) -> None:
    assert canonical_email(text) == text


@pytest.mark.parametrize(
    "text", ["15551234567", "+05551234567", "+1555", "+1 555 123 4567", "+1555123456789012", "+1555123456x"]
)
def test_what_is_no_phone_number(text: str) -> None:
    with pytest.raises(InvalidParameter, match="phone number"):
        canonical_phone(text)


def test_a_phone_number_has_one_form() -> None:
    assert canonical_phone(" +15551234567") == "+15551234567"
    assert canonical_phone("\uff0b15551234567") == "+15551234567"


def test_sign_in_looks_for_what_sign_up_has_written() -> None:
    """B13: one form at both."""
    assert sign_in_key(EMAILS, " Ada@Example.com ") == canonical_email("ada@example.com")
    assert sign_in_key(ALIASES, "ADA") == canonical("ada", is_case_sensitive=False)
    assert sign_in_key(NAMES, "Ada@Example.com") == "ada@example.com"  # a name like any other


def test_ids_are_told_from_names() -> None:
    assert is_user_id("4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10")
    assert is_user_id("4f3a1c7e0d2b4a559c1e5d2f8f6b7a10")
    assert not is_user_id("ada")
