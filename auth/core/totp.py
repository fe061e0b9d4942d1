"""Codes of an authenticator app: RFC 6238 with SHA-1, six digits, steps of 30 seconds; what every app can do.

Which steps were used already is the store's to know: `matching_step` says which one a code belongs to.
"""

import base64
import hashlib
import hmac
import struct
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP_S: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1  # either way, RFC 6238 §5.2
SECRET_BYTES: Final = 32  # 52 characters of base32, as Cognito's
# A used step is remembered for longer than a clock that is set back by an hour would let it come again (R6).
REMEMBER_S: Final = 2 * 3600


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step, at most one off, that *code* belongs to. All are compared, each in constant time."""
    present = int(now.timestamp()) // STEP_S
    found = None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """RFC 4226 §5.3."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def base32(secret: bytes) -> str:
    """As people type it and apps read it: no padding."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def secret_of(text: str) -> bytes:
    """The inverse of `base32`. :raises ValueError: it is not one."""
    return base64.b32decode(text + "=" * (-len(text) % 8))


def app_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """What a QR code shows to an authenticator app."""
    label = quote(f"{issuer}:{account}", safe=":@")
    query = urlencode({"secret": base32(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"
