"""Addresses as strangers may see them: enough to know one's own, too little to learn another's. As Cognito does it."""

import string
from typing import Final

_SHOWN_DIGITS: Final = 4


def masked_email(address: str) -> str:
    """``test@example.com`` → ``t***@e***``."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***"


def masked_phone(number: str) -> str:
    """``+15551231234`` → ``+*******1234``."""
    return f"+*******{number[-_SHOWN_DIGITS:]}"


def decoy_email(mac: bytes) -> str:
    """What somebody who does not exist is told, always the same. :param mac: of their name, under a secret key: who
    could compute it could tell decoys from people."""
    letters = string.ascii_lowercase
    return f"{letters[mac[0] % 26]}***@{letters[mac[1] % 26]}***"
