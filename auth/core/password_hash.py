"""Password hashes that people bring along: recognised by their form, and refused when one costs too much to check.

Whoever knows a name can make the server check its hash, as often as it likes to be locked out. So a hash may ask for
about a second of one core and a quarter of a gibibyte, and no more: a file of users is somebody else's word.
Sources: PHC string format; RFC 9106 (argon2); RFC 8018 §5.2 (PBKDF2); the crypt(3) form of bcrypt.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final, Literal

MAX_CHARS: Final = 512
MAX_ARGON2_KIB: Final = 256 * 1024  # twice what any recommendation asks for beside a login page
MAX_ARGON2_WORK: Final = 3 * MAX_ARGON2_KIB  # KiB · passes
MAX_ARGON2_LANES: Final = 16
BCRYPT_COSTS: Final = range(4, 15)  # 14: about a second
BCRYPT_BYTES: Final = 72  # of the password; bcrypt never saw the rest
MAX_PBKDF2_ROUNDS: Final = 2_000_000  # OWASP asks for 210,000 to 1,300,000
MIN_KEY_BYTES: Final = 12  # shorter ones let strangers in by luck
MAX_KEY_BYTES: Final = 64
MAX_SALT_BYTES: Final = 64
MIN_ARGON2_SALT_BYTES: Final = 8  # RFC 9106 §3.1

Digest = Literal["sha1", "sha256", "sha512"]
_BLOCK_BYTES: Final[dict[Digest, int]] = {"sha1": 20, "sha256": 32, "sha512": 64}

_BASE64: Final = r"[A-Za-z0-9+/]+"
_ARGON2: Final = re.compile(
    rf"\$argon2(?:id|i)\$v=19\$m=([0-9]{{1,10}}),t=([0-9]{{1,10}}),p=([0-9]{{1,10}})\$({_BASE64})\$({_BASE64})"
)
_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
# passlib writes `$pbkdf2$` for SHA-1, and `.` for `+`.
_PHC_PBKDF2: Final = re.compile(
    r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?([0-9]{1,10})(?:,l=([0-9]{1,4}))?"
    r"\$([A-Za-z0-9+/.]+={0,2})\$([A-Za-z0-9+/.]+={0,2})"
)
_DJANGO_PBKDF2: Final = re.compile(
    r"pbkdf2_(sha1|sha256|sha512)\$([0-9]{1,10})\$([^$\s]{1,64})\$([A-Za-z0-9+/]+={0,2})"
)
_KNOWN: Final = (
    "argon2id, bcrypt ($2a$, $2b$, $2y$) and PBKDF2 ($pbkdf2-sha256$… or Django's pbkdf2_sha256$…)"
)
# What people try, and what to tell them.
_OTHERS: Final = (
    (("$argon2d$",), "argon2d is not for passwords"),
    (("$argon2",), "it is argon2 of a form that is not known here"),
    (("argon2$", "bcrypt$"), "it begins with the name that Django puts before the hash"),
    (("bcrypt_sha256$", "$bcrypt-sha256$"), "it is bcrypt over a digest of the password"),
    (("{",), "it begins with a name in braces, as LDAP and Spring write it"),
    (("$2x$", "$2$"), "it was made by a broken version of bcrypt"),
    (("$2",), "it is no whole bcrypt hash"),
    (("$scrypt", "scrypt", "$7$", "$y$"), "it is scrypt"),
    (("$1$", "$5$", "$6$", "$apr1$"), "it is a hash of crypt(3), as in /etc/shadow"),
    (("$pbkdf2", "pbkdf2_"), "it is PBKDF2 of a form that is not known here"),
)


class HashRefused(ValueError):
    """Nobody could sign in with it, or it would cost too much to try. The text tells nothing of the hash itself.

    :param instead: what to do about it."""

    def __init__(self, why: str, instead: str = f"Write {_KNOWN}, or leave it out.") -> None:
        super().__init__(why)
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Hash:
    memory_kib: int
    passes: int
    lanes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BcryptHash:
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pbkdf2Hash:
    digest: Digest
    rounds: int
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)


PasswordHash = Argon2Hash | BcryptHash | Pbkdf2Hash


def recognised(text: str) -> PasswordHash:
    """:raises HashRefused: it is none that can be verified here at a bearable cost."""
    if len(text) > MAX_CHARS:
        raise HashRefused(f"it is longer than {MAX_CHARS} characters")
    if found := _ARGON2.fullmatch(text):
        return _argon2(found)
    if found := _BCRYPT.fullmatch(text):
        return _bcrypt(int(found[1]))
    if found := _PHC_PBKDF2.fullmatch(text):
        return _pbkdf2(found[1] or "sha1", int(found[2]), _decoded(found[4]), _decoded(found[5]), found[3])
    if found := _DJANGO_PBKDF2.fullmatch(text):
        return _pbkdf2(found[1], int(found[2]), found[3].encode(), _decoded(found[4]), None)
    raise HashRefused(_why_unknown(text))


def _argon2(found: re.Match[str]) -> Argon2Hash:
    memory, passes, lanes = int(found[1]), int(found[2]), int(found[3])
    if memory > MAX_ARGON2_KIB or memory * passes > MAX_ARGON2_WORK or lanes > MAX_ARGON2_LANES:
        raise HashRefused(
            f"argon2 with m={memory}, t={passes}, p={lanes} costs too much at each sign-in",
            f"At most m={MAX_ARGON2_KIB} KiB, m·t={MAX_ARGON2_WORK}, p={MAX_ARGON2_LANES}: leave it out.",
        )
    if not passes or not lanes or memory < 8 * lanes:  # RFC 9106 §3.1
        raise HashRefused(f"there is no argon2 with m={memory}, t={passes}, p={lanes}")
    salt = _decoded(found[4])
    if len(salt) < MIN_ARGON2_SALT_BYTES:
        raise HashRefused(f"its salt has {len(salt)} bytes, and argon2 needs {MIN_ARGON2_SALT_BYTES}")
    _check_lengths(salt, _decoded(found[5]))
    return Argon2Hash(memory_kib=memory, passes=passes, lanes=lanes)


def _bcrypt(cost: int) -> BcryptHash:
    if cost not in BCRYPT_COSTS:
        last = BCRYPT_COSTS[-1]
        raise HashRefused(
            f"bcrypt with cost {cost} is outside of {BCRYPT_COSTS[0]} to {last}",
            f"Each step doubles the time of a sign-in, and {last} is a second: leave it out.",
        )
    return BcryptHash(cost=cost)


def _pbkdf2(digest: str, rounds: int, salt: bytes, key: bytes, length: str | None) -> Pbkdf2Hash:
    name: Digest = "sha1" if digest == "sha1" else "sha256" if digest == "sha256" else "sha512"
    _check_lengths(salt, key)
    if length is not None and int(length) != len(key):
        raise HashRefused(f"its key has {len(key)} bytes, and l={length} says otherwise")
    if not 1 <= rounds <= MAX_PBKDF2_ROUNDS:
        raise HashRefused(
            f"PBKDF2 with {rounds:,} rounds costs {'nothing' if not rounds else 'too much at each sign-in'}",
            f"From 1 to {MAX_PBKDF2_ROUNDS:,}: leave it out.",
        )
    # A longer key is more blocks, each at the full price for us, and the first is as hard to guess as all of them.
    return Pbkdf2Hash(digest=name, rounds=rounds, salt=salt, key=key[: _BLOCK_BYTES[name]])


def _check_lengths(salt: bytes, key: bytes) -> None:
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise HashRefused(f"its key has {len(key)} bytes, not {MIN_KEY_BYTES} to {MAX_KEY_BYTES}")
    if not 1 <= len(salt) <= MAX_SALT_BYTES:
        raise HashRefused(f"its salt has {len(salt)} bytes, not 1 to {MAX_SALT_BYTES}")


def _decoded(text: str) -> bytes:
    plain = text.replace(".", "+").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise HashRefused("its salt or key is no base64") from None


def _why_unknown(text: str) -> str:
    for beginnings, why in _OTHERS:
        if text.startswith(beginnings):
            return why
    return "its form is not known here"
