"""Codes of six digits that are mailed: how they are made, and how long they live (B10)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

DIGITS: Final = 6

Purpose = Literal["sign_up", "reset", "email", "phone_number", "mfa"]

_LIFETIMES: Final[dict[Purpose, timedelta]] = {
    "sign_up": timedelta(hours=24),
    "email": timedelta(hours=24),
    "phone_number": timedelta(hours=24),
    "reset": timedelta(hours=1),
    "mfa": timedelta(minutes=3),
}


def new_code(randbelow: Callable[[int], int]) -> str:
    """:param randbelow: secure; every code is as likely as any other, leading zeros included."""
    return f"{randbelow(10**DIGITS):0{DIGITS}d}"


def expires_at(purpose: Purpose, now: datetime) -> datetime:
    return now + _LIFETIMES[purpose]


def plain(code: str) -> str:
    """As it is compared: people type and paste blanks around and between the digits."""
    return "".join(code.split())
