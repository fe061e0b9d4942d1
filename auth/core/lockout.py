"""How often somebody may try: the back-off after wrong passwords (B7), and windows by person, address and pool (B10).

The counters are the store's; here are the numbers, and under which names they are counted. A name with a blank in it
can be nobody's user name, so an address or a pool never counts as a person.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from auth.core.username import canonical_email

WHOLE_POOL: Final = "the whole pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most *limit* in *window_s* seconds."""

    limit: int
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server lets through. The defaults are meant for people; a load test wants others.

    :param address_sign_ins: passwords tried from one address, whoever's: a whole office may sit behind it.
    :param pool_sign_ins: passwords tried in one pool: above what the processor can hash, below what a botnet can send.
    :param person_codes: codes tried for one person; each code of its own dies at the fifth wrong try.
    :param person_sends: mails to one person, as Cognito has it; :param address_sends: asked for from one address.
    :param second_sends: codes to one person after a right password: whoever signs in often needs many.
    """

    address_sign_ins: Window = Window(limit=300, window_s=60)
    pool_sign_ins: Window = Window(limit=12_000, window_s=60)
    address_sign_ups: Window = Window(limit=100, window_s=3600)
    person_codes: Window = Window(limit=15, window_s=3600)
    address_codes: Window = Window(limit=300, window_s=3600)
    person_sends: Window = Window(limit=5, window_s=3600)
    second_sends: Window = Window(limit=30, window_s=3600)
    address_sends: Window = Window(limit=100, window_s=3600)


def lock_s(failures: int, *, free: int = 5, first_s: float = 1.0, longest_s: float = 900.0) -> float:
    """How long the account is locked after that many failures in a row. 0: not at all."""
    if failures < free:
        return 0.0
    doublings = min(failures - free, 64)  # beyond any longest lock; 2.0 ** 10000 would overflow
    return float(min(first_s * 2.0**doublings, longest_s))


def mailbox_subject(address: str) -> str:
    return f"to {canonical_email(address)}"


def address_subject(address: str) -> str:
    """Under which name *address* is counted: an IPv6 customer has a whole /64, so that is one (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"from {address[:64] or 'nowhere'}"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"from {parsed.ipv4_mapped}"
        return f"from {ipaddress.IPv6Network((parsed, 64), strict=False)}"
    return f"from {parsed}"
