"""Which passwords a pool takes, in Cognito's words, and passwords that an administrator hands out.

Length counts characters up to the pool's minimum and bytes at the upper end: what is taken is hashed whole (B8).
"""

from collections.abc import Callable
from typing import Final

from auth.errors import InvalidParameter, InvalidPassword
from auth.pool import CharacterKind, PasswordPolicy

MAX_BYTES: Final = 256  # Cognito's PasswordType; argon2 takes it whole
LEAST_MIN_LENGTH: Final = 6  # whatever a pool says

# A blank inside counts as a symbol; at the ends no password has one.
SYMBOLS: Final = frozenset("^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ")
_KINDS: Final[dict[CharacterKind, frozenset[str]]] = {
    "upper": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "lower": frozenset("abcdefghijklmnopqrstuvwxyz"),
    "digit": frozenset("0123456789"),
    "symbol": SYMBOLS,
}
_NAMES: Final[dict[CharacterKind, str]] = {
    "upper": "uppercase",
    "lower": "lowercase",
    "digit": "numeric",
    "symbol": "symbol",
}
# Without what people mistake for each other when they read it aloud.
_READABLE: Final[dict[CharacterKind, str]] = {
    "upper": "ABCDEFGHJKLMNPQRSTUVWXYZ",
    "lower": "abcdefghijkmnpqrstuvwxyz",
    "digit": "23456789",
    "symbol": "!#%+-=?@",
}


def check(policy: PasswordPolicy, password: str) -> None:
    """:raises InvalidPassword: it does not conform. :raises InvalidParameter: longer than any password may be."""
    if not fits(password):
        raise InvalidParameter(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: "
            "Member must have length less than or equal to 256"
        )
    reason = fault(policy, password)
    if reason is not None:
        raise InvalidPassword(f"Password did not conform with policy: {reason}")


def fits(password: str) -> bool:
    """Whether it can be anybody's at all; what is longer is never hashed."""
    return len(password.encode("utf-8", "surrogatepass")) <= MAX_BYTES


def fault(policy: PasswordPolicy, password: str) -> str | None:
    """What is wrong with it, as Cognito says it. None: it conforms."""
    if len(password) < max(policy.min_length, LEAST_MIN_LENGTH):
        return "Password not long enough"
    for kind, letters in _KINDS.items():
        if kind in policy.require and letters.isdisjoint(password):
            return f"Password must have {_NAMES[kind]} characters"
    if password != password.strip() or not _is_text(password):
        return "Password must satisfy regular expression pattern: ^[\\S]+.*[\\S]+$"
    return None


def temporary_password(policy: PasswordPolicy, choice: Callable[[str], str]) -> str:
    """One that every policy of that length takes. :param choice: a secure random one of the letters given."""
    length = max(policy.min_length, 12)
    kinds = list(_READABLE.values())
    first = [choice(letters) for letters in kinds]
    rest = [choice("".join(kinds)) for _ in range(length - len(first))]
    return "".join(first + rest)


def _is_text(password: str) -> bool:
    """A lone surrogate is no character, and cannot be hashed."""
    return not any("\ud800" <= letter <= "\udfff" for letter in password)
