"""What a sign-up answers."""

from dataclasses import dataclass

from auth.flows.delivery import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """:param sub: of the new user, or a random one where a taken name is not told.

    :param delivery: None: there is no mail address, so no code was sent.
    """

    sub: str
    is_confirmed: bool
    delivery: Delivery | None
