"""User names, mail addresses and phone numbers in the one form by which they are compared (B13).

Sign-up, sign-in, recovery and the unique index all use `canonical`, `canonical_email` and `canonical_phone`; nobody
compares what was typed. Source: RFC 8265 (PRECIS usernames), Unicode TR 36 for what cannot be seen.
"""

import re
import unicodedata
import uuid
from typing import Final, Literal

from auth.errors import InvalidParameter
from auth.pool import Pool

MAX_USERNAME: Final = 128  # characters, as Cognito's UsernameType
MAX_EMAIL: Final = 254  # bytes, RFC 5321 §4.5.3.1.3
MAX_LOCAL_PART: Final = 64  # bytes, RFC 5321 §4.5.3.1.1

AddressKind = Literal["email", "phone"]

# Letters, marks, symbols, numbers and punctuation: Cognito's pattern. Control characters, blanks, and what steers the
# direction of writing (bidi) or has no width fall into other categories, and with them unassigned code points.
_VISIBLE_CATEGORIES: Final = frozenset("LMSNP")
# Default_Ignorable_Code_Point of Unicode, as far as it hides among letters and marks, and the blank Braille pattern.
_INVISIBLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F, 0x2800, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x180E), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}  # variation selectors
)
# The dot-atom form only: quoted local parts are nobody's, and parsers disagree about them.
_EMAIL: Final = re.compile(
    r"(?:[^\W_]|[!#$%&'*+/=?^_`{|}~-])+(?:\.(?:[^\W_]|[!#$%&'*+/=?^_`{|}~-])+)*"
    r"@[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?(?:\.[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?)*"
)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164 §6: at most 15 digits, no leading zero


def canonical(text: str, *, is_case_sensitive: bool) -> str:
    """The form under which a user name is unique.

    :raises InvalidParameter: empty, too long, or with something in it that cannot be seen.
    """
    return _fold(text, is_case_sensitive=is_case_sensitive)


def canonical_email(text: str, *, is_case_sensitive: bool = False) -> str:
    """A pool's case rule holds for what is before the ``@``; a domain has no case.

    :raises InvalidParameter: it is not exactly one plain address.
    """
    folded = _fold(text, is_case_sensitive=is_case_sensitive, longest=MAX_EMAIL)
    local, _, domain = folded.rpartition("@")
    folded = f"{local}@{_fold(domain, is_case_sensitive=False)}" if local and domain else folded
    if not is_email(folded):
        raise InvalidParameter("Invalid email address format.")
    return folded


def canonical_phone(text: str) -> str:
    """:raises InvalidParameter: not E.164."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not is_phone(plain):
        raise InvalidParameter("Invalid phone number format.")
    return plain


def canonical_address(kind: AddressKind, text: str, *, is_case_sensitive: bool = False) -> str:
    if kind == "phone":
        return canonical_phone(text)
    return canonical_email(text, is_case_sensitive=is_case_sensitive)


def is_email(text: str) -> bool:
    local = text.partition("@")[0]
    fits = len(text.encode("utf-8", "replace")) <= MAX_EMAIL
    fits = fits and len(local.encode("utf-8", "replace")) <= MAX_LOCAL_PART
    return fits and _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None


def is_user_id(text: str) -> bool:
    """Whether it has the form of a ``sub``; no name may have it, for people are found by both."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def sign_in_key(pool: Pool, text: str) -> str:
    """By what the person who typed *text* is looked up: an address where the pool takes addresses, else a name.

    :raises InvalidParameter: nobody can have it.
    """
    folded = _fold(text, is_case_sensitive=pool.is_case_sensitive, longest=MAX_EMAIL)
    if "email" in pool.sign_in_with and is_email(folded):
        return canonical_email(text, is_case_sensitive=pool.is_case_sensitive)
    return folded


def has_names(pool: Pool) -> bool:
    """Whether people choose a user name; else they sign in with an address, and are named by their ``sub``."""
    return "username" in pool.sign_in_with


def _fold(text: str, *, is_case_sensitive: bool, longest: int = MAX_USERNAME) -> str:
    if len(text) > 4 * longest:  # before any work on it
        raise InvalidParameter(_TOO_LONG)
    folded = _settle(text.strip(), is_case_sensitive=is_case_sensitive)
    if not folded or len(folded) > longest:
        raise InvalidParameter(_TOO_LONG if folded else _EMPTY)
    if not all(_can_be_seen(letter) for letter in folded):
        raise InvalidParameter(_UNSEEN)
    return folded


def _settle(text: str, *, is_case_sensitive: bool) -> str:
    """Fold until nothing changes: folding can undo the normal form, and normalising can bring capitals and blanks."""
    while True:
        folded = unicodedata.normalize("NFKC", text)
        folded = (folded if is_case_sensitive else unicodedata.normalize("NFKC", folded.casefold())).strip()
        if folded == text:
            return folded
        text = folded


def _can_be_seen(letter: str) -> bool:
    return unicodedata.category(letter)[0] in _VISIBLE_CATEGORIES and ord(letter) not in _INVISIBLE


_EMPTY: Final = (
    "1 validation error detected: Value at 'username' failed to satisfy constraint: "
    "Member must have length greater than or equal to 1"
)
_TOO_LONG: Final = (
    "1 validation error detected: Value at 'username' failed to satisfy constraint: "
    "Member must have length less than or equal to 128"
)
_UNSEEN: Final = (
    "1 validation error detected: Value at 'username' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+"
)
