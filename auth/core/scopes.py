"""Which of a person's attributes a scope opens, in ID tokens and at userInfo alike."""

from collections.abc import Iterable, Mapping
from typing import Final

OPENID: Final = "openid"
SELF_SERVICE: Final = "aws.cognito.signin.user.admin"
_OF_EMAIL: Final = frozenset({"email", "email_verified"})
_OF_PHONE: Final = frozenset({"phone_number", "phone_number_verified"})


def shown(attributes: Mapping[str, str], scopes: Iterable[str]) -> dict[str, str]:
    """``email`` and ``phone`` open their own two, ``profile`` all others."""
    have = frozenset(scopes)
    return {name: value for name, value in attributes.items() if _scope_of(name) in have}


def _scope_of(attribute: str) -> str:
    if attribute in _OF_EMAIL:
        return "email"
    return "phone" if attribute in _OF_PHONE else "profile"
