"""What an operator gets who makes a user."""

from dataclasses import dataclass, field

from auth.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUser:
    """:param password: with which they sign in the first time."""

    user: User
    password: str = field(repr=False)
