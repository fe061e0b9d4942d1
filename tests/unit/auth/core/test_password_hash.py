"""Which hashes of elsewhere are taken, and which would cost too much, by vectors of the libraries that make them."""

import argon2
import bcrypt
import pytest
from argon2.low_level import Type, hash_secret

from auth.core.password_hash import (
    MAX_ARGON2_KIB,
    MAX_PBKDF2_ROUNDS,
    Argon2Hash,
    BcryptHash,
    HashRefused,
    Pbkdf2Hash,
    recognised,
)

SALT = "c2FsdHNhbHRzYWx0"
KEY = "A" * 43  # 32 bytes
BCRYPT_REST = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


def argon2_text(*, m: int = 65536, t: int = 3, p: int = 4, version: int = 19, kind: str = "argon2id") -> str:
    return f"${kind}$v={version}$m={m},t={t},p={p}${SALT}${KEY}"


def test_argon2_of_its_library() -> None:
    made = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=2).hash("x")
    assert recognised(made) == Argon2Hash(memory_kib=64, passes=1, lanes=2)
    older = hash_secret(b"x", b"saltsalt", 2, 16, 1, 32, Type.I).decode()
    assert recognised(older) == Argon2Hash(memory_kib=16, passes=2, lanes=1)


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
def test_bcrypt_of_its_library(prefix: bytes) -> None:
    made = bcrypt.hashpw(b"x", bcrypt.gensalt(4, prefix)).decode()
    assert recognised(made) == BcryptHash(cost=4)
    assert recognised("$2y" + made[3:]) == BcryptHash(cost=4)


@pytest.mark.parametrize(
    ("text", "digest", "rounds", "salt", "key_bytes"),
    [
        pytest.param(f"$pbkdf2-sha256$29000${SALT}${KEY}", "sha256", 29000, b"saltsaltsalt", 32, id="passlib"),
        pytest.param(f"$pbkdf2${131000}${SALT}${'A' * 27}", "sha1", 131000, b"saltsaltsalt", 20, id="passlib-sha1"),
        pytest.param(f"$pbkdf2-sha512$25000${SALT}${'.' * 86}", "sha512", 25000, b"saltsaltsalt", 64, id="dots"),
        pytest.param(f"$pbkdf2-sha256$i=600000,l=32${SALT}${KEY}", "sha256", 600000, b"saltsaltsalt", 32, id="phc"),
        pytest.param(f"pbkdf2_sha256$1000000$of-django${KEY}=", "sha256", 1000000, b"of-django", 32, id="django"),
        pytest.param(f"$pbkdf2-sha256$27500${SALT}${'A' * 86}==", "sha256", 27500, b"saltsaltsalt", 32, id="longer"),
    ],
)  # fmt: skip
def test_pbkdf2_in_the_ways_it_is_written(
    text: str, digest: str, rounds: int, salt: bytes, key_bytes: int
) -> None:
    """A key longer than a block is compared by its first block."""
    found = recognised(text)
    assert isinstance(found, Pbkdf2Hash)
    assert (found.digest, found.rounds, found.salt, len(found.key)) == (digest, rounds, salt, key_bytes)
    assert "salt" not in repr(found)


@pytest.mark.parametrize(
    ("hostile", "twin"),
    [
        pytest.param(argon2_text(m=4 << 20), argon2_text(m=MAX_ARGON2_KIB), id="argon2-4-GiB"),
        pytest.param(argon2_text(t=10**9), argon2_text(t=12), id="argon2-passes"),
        pytest.param(argon2_text(p=255), argon2_text(p=16), id="argon2-lanes"),
        pytest.param(argon2_text(m=8, p=4), argon2_text(m=32, p=4), id="argon2-less-than-there-is"),
        pytest.param(argon2_text(t=0), argon2_text(t=1), id="argon2-no-pass"),
        pytest.param(argon2_text(version=16), argon2_text(), id="argon2-version"),
        pytest.param(argon2_text(kind="argon2d"), argon2_text(kind="argon2i"), id="argon2d"),
        pytest.param("$2b$31$" + BCRYPT_REST, "$2b$14$" + BCRYPT_REST, id="bcrypt-31"),
        pytest.param("$2b$03$" + BCRYPT_REST, "$2b$04$" + BCRYPT_REST, id="bcrypt-3"),
        pytest.param("$2x$10$" + BCRYPT_REST, "$2y$10$" + BCRYPT_REST, id="bcrypt-broken"),
        pytest.param("$2b$10$" + BCRYPT_REST[1:], "$2b$10$" + BCRYPT_REST, id="bcrypt-cut"),
        pytest.param(f"$pbkdf2${10**9}${SALT}${KEY}", f"$pbkdf2${MAX_PBKDF2_ROUNDS}${SALT}${KEY}", id="rounds"),
        pytest.param(f"$pbkdf2-sha256$0${SALT}${KEY}", f"$pbkdf2-sha256$1${SALT}${KEY}", id="no-rounds"),
        pytest.param(f"$pbkdf2-sha256$1${SALT}$AAAA", f"$pbkdf2-sha256$1${SALT}${'A' * 16}", id="short-key"),
        pytest.param(f"$pbkdf2-sha256$1${SALT}${'A' * 88}", f"$pbkdf2-sha256$1${SALT}${'A' * 84}", id="long-key"),
        pytest.param(f"$pbkdf2-sha256$i=1,l=31${SALT}${KEY}", f"$pbkdf2-sha256$i=1,l=32${SALT}${KEY}", id="length"),
        pytest.param(f"pbkdf2_sha256$9999999999$a${KEY}", f"pbkdf2_sha256$999999$a${KEY}", id="django-rounds"),
        pytest.param(f"pbkdf2_md5$1000$a${KEY}", f"pbkdf2_sha1$1000$a${KEY}", id="md5"),
    ],
)  # fmt: skip
def test_what_costs_too_much_is_refused(hostile: str, twin: str) -> None:
    """B8: nothing is computed to find that out. Twin: at the bound it is taken."""
    with pytest.raises(HashRefused) as caught:
        recognised(hostile)
    assert hostile not in f"{caught.value} {caught.value.instead}"
    recognised(twin)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            "scrypt",
        ),
        ("{bcrypt}$2a$10$" + BCRYPT_REST, "braces"),
        ("bcrypt$$2b$12$" + BCRYPT_REST, "Django"),
        ("bcrypt_sha256$$2b$12$" + BCRYPT_REST, "digest"),
        ("$6$rounds=5000$salt$" + "a" * 86, "/etc/shadow"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "not known"),
        ("correct horse battery", "not known"),
        ("", "not known"),
        ("$argon2id$" + "a" * 600, "longer"),
        ("$2b$10$" + "é" * 53, "bcrypt"),
    ],
)
def test_others_are_refused_by_their_name(text: str, word: str) -> None:
    with pytest.raises(HashRefused, match=word):
        recognised(text)
