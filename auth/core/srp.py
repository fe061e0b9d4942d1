"""SRP-6a as Cognito does it: the mathematics of both sides' agreement, without a clock, a database or randomness.

Numbers are hashed as the bytes of `pad_hex`, never padded to the length of ``N``. Salts and secrets come as arguments.
Source: RFC 5054 and RFC 3526 (group 15); where Cognito's clients differ from them, the clients.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final

from auth.core.modular_power import power
from auth.errors import InvalidParameter

N: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G: Final = 2
NUMBER_BYTES: Final = 384  # of a number below N
SALT_BYTES: Final = 16
SECRET_BYTES: Final = 32  # of the server's exponent `b`
KEY_BYTES: Final = 16

_MAX_HEX: Final = 2 * NUMBER_BYTES + 2  # padded, a number begins with two zeros more
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_DERIVED: Final = b"Caldera Derived Key\x01"
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMESTAMP: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) UTC (\d{4})", re.ASCII
)


def pad_hex(number: int) -> bytes:
    """The shortest bytes that a reader of two's complement takes for a positive number."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hashed_number(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


K: Final = _hashed_number(pad_hex(N), pad_hex(G))


def read_public(text: str) -> int:
    """``A``, as a client sends it. :raises InvalidParameter: no number that anybody may agree on a key with."""
    if len(text) > _MAX_HEX or _HEX.fullmatch(text) is None:
        raise InvalidParameter("SRP_A is not a hexadecimal number of at most 3072 bits.")
    public = int(text, 16)
    if public % N == 0:  # B9: the key would be that of a zero, whatever the password
        raise InvalidParameter("SRP_A is a multiple of N.")
    return public


def private_key(pool_name: str, user_id: str, password: str, salt: int) -> int:
    """``x``. :param pool_name: what stands behind the region in the pool's id."""
    inner = hashlib.sha256(f"{pool_name}{user_id}:{password}".encode("utf-8", "surrogatepass")).digest()
    return _hashed_number(pad_hex(salt), inner)


def verifier(pool_name: str, user_id: str, password: str, salt: int) -> int:
    """``v``: all that a server needs to know of a password."""
    return power(G, private_key(pool_name, user_id, password, salt), N)


def server_public(verifier: int, secret: int) -> int:
    """``B``. :param secret: ``b``, of `SECRET_BYTES` random bytes."""
    return (K * verifier + power(G, secret, N)) % N


def scrambler(client_public: int, server_public: int) -> int:
    """``u``."""
    return _hashed_number(pad_hex(client_public), pad_hex(server_public))


def server_key(client_public: int, server_public: int, verifier: int, secret: int) -> bytes:
    """With which a client that knows the password signs. :raises InvalidParameter: ``u`` is 0."""
    u = scrambler(client_public, server_public)
    if u == 0:  # B9: the verifier would not matter
        raise InvalidParameter("SRP_A leads to no key.")
    shared = power(client_public * power(verifier, u, N) % N, secret, N)
    return derived_key(u, shared)


def derived_key(u: int, shared: int) -> bytes:
    """:param shared: ``S``, on which both sides agree."""
    seed = hmac.digest(pad_hex(u), pad_hex(shared), "sha256")
    return hmac.digest(seed, _DERIVED, "sha256")[:KEY_BYTES]


def signature(key: bytes, pool_name: str, user_id: str, block: bytes, timestamp: str) -> str:
    """``PASSWORD_CLAIM_SIGNATURE``. :param block: of the challenge, decoded."""
    message = f"{pool_name}{user_id}".encode() + block + timestamp.encode()
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def read_timestamp(text: str) -> datetime:
    """``Tue Feb 3 04:05:06 UTC 2026``: English, the day without a zero before it.

    :raises InvalidParameter: anything else.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is not None and found[1] in _MONTHS:
        day, hour, minute, second, year = (int(found[group]) for group in (2, 3, 4, 5, 6))
        try:
            moment = datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            moment = None
        if moment is not None and write_timestamp(moment) == text:
            return moment
    raise InvalidParameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")


def write_timestamp(moment: datetime) -> str:
    """:param moment: UTC."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment.day} {moment:%H:%M:%S} UTC {moment.year:04d}"
