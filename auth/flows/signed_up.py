"""What a sign-up answers."""

from dataclasses import dataclass, field

from auth.flows.delivery import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """:param sub: of the new user, or a random one where a taken name is not told.

    :param delivery: None: there is no mail address, so no code was sent.
    :param password_hash: of the password that was given, for the confirmation from the same place: an address that
        somebody else began to sign up with before gets the password of whoever has its code.
    """

    sub: str
    is_confirmed: bool
    delivery: Delivery | None
    password_hash: str = field(repr=False)
