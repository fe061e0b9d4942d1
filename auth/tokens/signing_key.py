"""One RSA key pair of a pool: made, named, published, and prepared for signing. Keeps nothing, knows no time."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kit.jwt.base64url import encode

ALGORITHM = "RS256"  # J17, and the only one that Cognito signs with
KEY_BITS = 2048  # J17; 260 µs a signature, 3072 bits cost three times that
_PUBLIC_EXPONENT = 65537
_PADDING = padding.PKCS1v15()
_HASH = SHA256()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key pair that is nowhere but here. :param private_pem: PKCS 8, not encrypted: whoever keeps it seals it."""

    kid: str
    public_jwk: Mapping[str, str]
    private_pem: bytes = field(repr=False)


def make_key() -> NewKey:
    """Make a key pair: 40 to 200 ms of a thread, and other threads run meanwhile."""
    private = rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=KEY_BITS)
    numbers = private.public_key().public_numbers()
    jwk = {"e": _base64_number(numbers.e), "kty": "RSA", "n": _base64_number(numbers.n)}
    kid = _kid(jwk)
    return NewKey(
        kid=kid,
        public_jwk={**jwk, "alg": ALGORITHM, "kid": kid, "use": "sig"},
        private_pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


class Signer:
    """A private key that is ready to sign, with the header of its tokens written once."""

    __slots__ = ("_head", "_private", "kid")

    def __init__(self, kid: str, private_pem: bytes) -> None:
        """:raises ValueError: it is no RSA key in PEM, or its numbers do not belong together."""
        private = load_pem_private_key(private_pem, None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError(f"the key {kid} is no RSA key")
        self.kid = kid
        self._private = private
        # No ``typ``: Cognito's tokens have none (A20).
        self._head = encode(orjson.dumps({"kid": kid, "alg": ALGORITHM})) + b"."

    def sign(self, claims: Mapping[str, object]) -> str:
        """A signed token of these claims, in compact form."""
        signing_input = self._head + encode(orjson.dumps(claims))
        signature = self._private.sign(signing_input, _PADDING, _HASH)
        return (signing_input + b"." + encode(signature)).decode("ascii")

    def __repr__(self) -> str:
        return f"<Signer {self.kid}>"


def at_hash(access_token: str) -> str:
    """What binds an ID token to the access token beside it. Source: OpenID Connect Core 1.0, section 3.1.3.6."""
    digest = _sha256(access_token.encode("ascii"))
    return encode(digest[: len(digest) // 2]).decode("ascii")


def _kid(jwk: Mapping[str, str]) -> str:
    """44 characters of base64, as Cognito's: the SHA-256 thumbprint of RFC 7638, whose members are sorted by name."""
    return b64encode(_sha256(orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS))).decode("ascii")


def _sha256(data: bytes) -> bytes:
    digest = Hash(_HASH)
    digest.update(data)
    return digest.finalize()


def _base64_number(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode("ascii")
