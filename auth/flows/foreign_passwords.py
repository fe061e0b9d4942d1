"""Passwords of people who came from elsewhere, against the hash that they brought along.

Only what `auth.core.password_hash` recognises is computed, also when it comes from our own database.
"""

import hashlib
import hmac

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from auth.core.password_hash import (
    BCRYPT_BYTES,
    Argon2Hash,
    BcryptHash,
    HashRefused,
    PasswordHash,
    Pbkdf2Hash,
    recognised,
)

_ARGON2 = argon2.PasswordHasher()  # verifies under the parameters of the hash, not under its own


def foreign(hash: str) -> PasswordHash | None:
    """None: nobody's, for it is not recognised."""
    try:
        return recognised(hash)
    except HashRefused:
        return None


def is_password(hash: str, kind: PasswordHash, text: bytes) -> bool:
    """:param kind: what *hash* was recognised as. All three compute outside the interpreter's lock."""
    match kind:
        case Argon2Hash():
            return _is_argon2(hash, text)
        case BcryptHash():
            return _is_bcrypt(hash, text)
        case Pbkdf2Hash():
            key = hashlib.pbkdf2_hmac(kind.digest, text, kind.salt, kind.rounds, len(kind.key))
            return hmac.compare_digest(key, kind.key)


def _is_argon2(hash: str, text: bytes) -> bool:
    try:
        return _ARGON2.verify(hash, text)
    except (VerificationError, InvalidHashError):
        return False


def _is_bcrypt(hash: str, text: bytes) -> bool:
    """Whoever made it cut the password off after 72 bytes, so these are all that it knows of a longer one."""
    import bcrypt

    try:
        return bcrypt.checkpw(text[:BCRYPT_BYTES], hash.encode())
    except ValueError:  # letters that are no salt
        return False
