"""Refresh tokens as text: ``grant_id.generation.HMAC``, base64url. Computed from the family's secret, stored nowhere.

Whoever has the database alone cannot make one; garbage is told apart before anything is written.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

SECRET_BYTES = 32
MAX_LENGTH = 512  # of a token: a grant's id, a number and 32 bytes are far below it
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadToken:
    """What a token says of itself; `is_of` tells whether it is true."""

    grant_id: str
    generation: int
    mac: bytes = field(repr=False)

    def is_of(self, secret: bytes) -> bool:
        """Whether a family with that secret made it; in constant time."""
        return hmac.compare_digest(self.mac, _mac(secret, self.grant_id, self.generation))


def make_token(secret: bytes, grant_id: str, generation: int) -> str:
    text = f"{grant_id}.{generation}.".encode()
    return base64.urlsafe_b64encode(text + _mac(secret, grant_id, generation)).rstrip(b"=").decode()


def read_token(token: str) -> ReadToken | None:
    """None: it has not the form of one."""
    if len(token) > MAX_LENGTH:
        return None
    try:
        # The alphabet is the decoder's to judge: its lenient mode skips what is foreign to it.
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        grant_id, _, generation = raw[:-_MAC_BYTES].decode("ascii").rpartition(".")[0].rpartition(".")
        read = ReadToken(grant_id=grant_id, generation=int(generation), mac=raw[-_MAC_BYTES:])
    except (binascii.Error, ValueError):
        return None
    # Spelled in another way (a sign, a leading zero, other last bits) it is not the text that was given out.
    text = f"{read.grant_id}.{read.generation}.".encode() + read.mac
    return read if base64.urlsafe_b64encode(text).rstrip(b"=").decode() == token else None


def _mac(secret: bytes, grant_id: str, generation: int) -> bytes:
    return hmac.digest(secret, f"{grant_id}.{generation}".encode(), hashlib.sha256)
