"""Ids of pools and clients that the file does not give: derived from names, so that every machine finds the same."""

import hashlib
import string

_ALPHANUMERICS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LOWER = string.digits + string.ascii_lowercase
_POOL_CHARS = 9  # as Cognito's: us-east-1_Main00001
_CLIENT_CHARS = 26  # as Cognito's


def pool_id(region: str, name: str) -> str:
    """As ``us-east-1_4fQz81LkP``."""
    return f"{region}_{_letters(_ALPHANUMERICS, _POOL_CHARS, 'pool', region, name)}"


def client_id(pool_id: str, name: str) -> str:
    """26 lower-case alphanumerics."""
    return _letters(_LOWER, _CLIENT_CHARS, "client", pool_id, name)


def _letters(alphabet: str, count: int, *of: str) -> str:
    number = int.from_bytes(hashlib.sha256("\0".join(of).encode()).digest())
    letters = []
    for _ in range(count):
        number, index = divmod(number, len(alphabet))
        letters.append(alphabet[index])
    return "".join(letters)
