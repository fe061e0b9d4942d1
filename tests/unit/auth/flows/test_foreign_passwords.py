"""People who came with a hash from elsewhere sign in with their password, and have one of ours from then on."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import argon2
import bcrypt
import pytest

from auth.errors import NotAuthorized
from auth.flows.password_hasher import PasswordHasher
from tests.support.user_pool import UserPool

LONG = "a password of more than seventy-two bytes, as some people like to have them: "
PASSWORD = "Passw0rd! 例 of theirs"


def passlib(digest: str, text: str, *, key_bytes: int | None = None) -> str:
    key = hashlib.pbkdf2_hmac(digest, text.encode(), b"salt of theirs", 1000, key_bytes)
    name = "pbkdf2" if digest == "sha1" else f"pbkdf2-{digest}"
    salt, made = (base64.b64encode(part, b"./").decode().rstrip("=") for part in (b"salt of theirs", key))
    return f"${name}$1000${salt}${made}"


def django(digest: str, text: str) -> str:
    key = hashlib.pbkdf2_hmac(digest, text.encode(), b"seasalt", 1000)
    return f"pbkdf2_{digest}$1000$seasalt${base64.b64encode(key).decode()}"


def phc(text: str) -> str:
    key = hashlib.pbkdf2_hmac("sha256", text.encode(), b"salt of theirs", 1000)
    salt, made = (base64.b64encode(part).decode().rstrip("=") for part in (b"salt of theirs", key))
    return f"$pbkdf2-sha256$i=1000,l=32${salt}${made}"


def bcrypt_of(prefix: str) -> Callable[[str], str]:
    def make(text: str) -> str:
        made = bcrypt.hashpw(text.encode()[:72], bcrypt.gensalt(4)).decode()
        return f"${prefix}{made[3:]}"

    return make


def strong(text: str) -> str:
    return argon2.PasswordHasher(time_cost=2, memory_cost=1024, parallelism=2).hash(text)


MAKERS = [
    pytest.param(strong, id="argon2id"),
    pytest.param(bcrypt_of("2a"), id="2a"),
    pytest.param(bcrypt_of("2b"), id="2b"),
    pytest.param(bcrypt_of("2y"), id="2y"),
    pytest.param(lambda text: passlib("sha1", text), id="pbkdf2"),
    pytest.param(lambda text: passlib("sha256", text), id="pbkdf2-sha256"),
    pytest.param(lambda text: passlib("sha256", text, key_bytes=64), id="pbkdf2-of-two-blocks"),
    pytest.param(lambda text: passlib("sha512", text), id="pbkdf2-sha512"),
    pytest.param(lambda text: django("sha256", text), id="django"),
    pytest.param(lambda text: django("sha1", text), id="django-sha1"),
    pytest.param(phc, id="phc"),
]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path) as people:
        people.add()
        yield people


def kept(people: UserPool) -> str:
    found = people.store.users.find(people.pool.pool_id, "ada")
    assert found is not None
    assert found[1] is not None
    return found[1].hash


def bring(people: UserPool, hash: str) -> None:
    people.store.users.set_password(people.pool.pool_id, people.user().sub, hash, people.now)


@pytest.mark.parametrize("make", MAKERS)
def test_the_password_opens_and_its_hash_is_replaced(people: UserPool, make: Callable[[str], str]) -> None:
    """B8: by argon2id. Twin: another password opens nothing and replaces nothing."""
    brought = make(PASSWORD)
    bring(people, brought)
    with pytest.raises(NotAuthorized):
        people.log_in(password=PASSWORD + "?")
    assert kept(people) == brought
    assert people.is_let_in(password=PASSWORD)
    assert kept(people).startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert people.is_let_in(password=PASSWORD)


def test_bcrypt_knows_72_bytes_and_we_know_all_from_then_on(people: UserPool) -> None:
    """B8: until their first sign-in whoever knows the first 72 bytes is let in, as where they came from."""
    bring(people, bcrypt_of("2b")(LONG + "one"))
    assert people.is_let_in(password=LONG + "one")
    with pytest.raises(NotAuthorized):
        people.log_in(password=LONG + "two")


def test_nobody_is_let_in_by_what_is_too_long_or_by_nothing(people: UserPool) -> None:
    bring(people, bcrypt_of("2b")(""))
    for password in ("x" * 257, "\ud800" * 300):
        with pytest.raises(NotAuthorized):
            people.log_in(password=password)


@pytest.mark.parametrize(
    "hash",
    [
        "$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHRzYWx0$" + "A" * 43,
        "$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "$pbkdf2-sha256$1000000000$c2FsdHNhbHRzYWx0$" + "A" * 43,
        "nothing that is known",
    ],
)
def test_what_costs_too_much_is_computed_for_nobody(hash: str) -> None:
    """B8: not even from our own database: a restored one may hold anything."""
    assert not PasswordHasher(memory_kib=8, passes=1).verify(hash, PASSWORD).ok


def test_whoever_is_refused_has_cost_one_of_our_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """B6: people who do not exist, and people whose foreign hash is cheap. Twin: the right password needs none."""
    hasher = PasswordHasher(memory_kib=8, passes=1)
    own = hasher._argon2
    computed: list[str] = []

    class Counting:
        def verify(self, hash: str, text: bytes) -> bool:
            computed.append(hash)
            return own.verify(hash, text)

    monkeypatch.setattr(hasher, "_argon2", Counting())
    brought = phc(PASSWORD)
    assert not hasher.verify(None, PASSWORD).ok
    assert not hasher.verify(brought, "wrong").ok
    assert computed == [hasher._nobodys] * 2
    assert hasher.verify(brought, PASSWORD).ok
    assert len(computed) == 2
