"""Proof Key for Code Exchange, S256 only (RFC 7636; A3, A4). ``plain`` proves nothing to who can read the request."""

import hmac
import re

from authlib.oauth2.rfc7636 import create_s256_code_challenge

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # §4.2: the base64url of 32 bytes
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # §4.1


def is_challenge(challenge: str) -> bool:
    return _CHALLENGE.fullmatch(challenge) is not None


def is_verifier(verifier: str) -> bool:
    return _VERIFIER.fullmatch(verifier) is not None


def proves(verifier: str | None, challenge: str) -> bool:
    """Both or neither: a verifier for a code without a challenge is a downgrade (A4, RFC 9700 §4.8.2)."""
    if verifier is None or not challenge:
        return verifier is None and not challenge  # A4
    made = create_s256_code_challenge(verifier) if is_verifier(verifier) else ""  # A3
    return hmac.compare_digest(made, challenge)  # A3
