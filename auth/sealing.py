"""Seals what the server must read again, and digests what it must only recognise.

``Sealed`` is ``key id (4) | nonce (12) | AES-256-GCM``. Its place, ``table.column:primary-key``, is authenticated with
it: a ciphertext that somebody moves to another row or column opens nowhere.
"""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth.key_file import ID_BYTES, KEY_BYTES, KeyFile

NONCE_BYTES = 12
_SEPARATOR = "\x1f"  # in no key that this server makes: two lists of parts are never one text


class SealBroken(Exception):
    """Not sealed by these keys, damaged, or moved from another row."""


class Sealer:
    def __init__(self, key_file: KeyFile) -> None:
        self._current = key_file.current
        self._aeads = {key_id: AESGCM(_derive(key, "seal")) for key_id, key in key_file.keys.items()}
        self._mac_key = _derive(key_file.keys[key_file.current], "mac")

    @property
    def key_ids(self) -> frozenset[bytes]:
        return frozenset(self._aeads)

    @property
    def current(self) -> bytes:
        return self._current

    def seal(self, column: str, *primary_key: str, plain: bytes) -> bytes:
        """:param column: ``table.column``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._aeads[self._current].encrypt(nonce, plain, _place(column, primary_key))
        return self._current + nonce + sealed

    def open(self, column: str, *primary_key: str, sealed: bytes) -> bytes:
        """:raises SealBroken: nothing of it is to be trusted."""
        key_id, nonce = sealed[:ID_BYTES], sealed[ID_BYTES : ID_BYTES + NONCE_BYTES]
        aead = self._aeads.get(key_id)
        if aead is None:
            raise SealBroken(f"{column}: sealed with key {key_id.hex()}, which the key file does not have")
        try:
            return aead.decrypt(nonce, sealed[ID_BYTES + NONCE_BYTES :], _place(column, primary_key))
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{column}: damaged, or moved from another row") from error

    def mac(self, purpose: str, *text: str) -> bytes:
        """HMAC-SHA256, 32 bytes: for codes, which are too short for a digest that everybody can compute."""
        message = _SEPARATOR.join((purpose, *text)).encode()
        return hmac.digest(self._mac_key, message, hashlib.sha256)


def digest(handle: str) -> bytes:
    """SHA-256 of a random handle of at least 128 bit: whoever reads the table cannot present it."""
    return hashlib.sha256(handle.encode()).digest()


def _place(column: str, primary_key: tuple[str, ...]) -> bytes:
    return f"{column}:{_SEPARATOR.join(primary_key)}".encode()


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"lockgate {purpose}".encode()).derive(key)
