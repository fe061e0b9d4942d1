"""The key beside the database: made once, private, never replaced in silence."""

import os
from pathlib import Path

import pytest

from auth.key_file import KeyFile, KeyFileError
from auth.sealing import SealBroken, Sealer, digest
from auth.store.sql import open_store
from auth.store.sql.tables import totp
from tests.support.auth_store import NOW, POOL, new_user, opened, peopled


def test_a_new_key_is_private_and_is_the_same_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key"
    made = KeyFile.open_or_make(path)
    assert not path.exists()  # a store decides whether it may begin with a new one

    kept = made.keep()

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert KeyFile.open_or_make(path).keys == kept.keys == made.keys
    assert not kept.is_new
    assert made.current.hex() not in repr(made)
    assert os.listdir(path.parent) == ["key"]


def test_two_that_start_together_have_one_key(tmp_path: Path) -> None:
    """R8: the file is linked into its place once."""
    first, second = (KeyFile.open_or_make(tmp_path / "key") for _ in range(2))

    assert first.keep().keys == second.keep().keys == first.keys != second.keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = KeyFile.open_or_make(tmp_path / "key").keep().path
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyFile.open_or_make(path)

    path.chmod(0o600)
    assert KeyFile.open_or_make(path).keys


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00" * 64, id="zeros"),
        pytest.param(b"lockgate-key-1 00000000 AAAA=\n", id="short"),
        pytest.param(b"lockgate-key-2 00000000 " + b"A" * 43 + b"=\n", id="newer"),
        pytest.param(b"lockgate-key-1 00000000 " + b"A" * 43 + b"=\nrest\n", id="second-line"),
    ],
)
def test_a_damaged_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match="backup"):
        KeyFile.open_or_make(path)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        KeyFile.open_or_make(tmp_path)


def test_a_lost_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/auth.db", tmp_path / "key"
    with opened(url, tmp_path):
        pass
    content = path.read_bytes()
    path.unlink()

    with pytest.raises(KeyFileError, match="missing"):
        open_store(url, KeyFile.open_or_make(path))

    assert not path.exists()
    path.write_bytes(content)
    path.chmod(0o600)
    open_store(url, KeyFile.open_or_make(path)).close()


def test_the_key_of_another_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/auth.db"
    with opened(url, tmp_path):
        pass
    other = KeyFile.open_or_make(tmp_path / "other").keep()

    with pytest.raises(KeyFileError, match="lacks the key"):
        open_store(url, other)


def test_an_older_key_still_opens_behind_a_newer_one(tmp_path: Path) -> None:
    """For rotation: the first line seals, all lines open."""
    path = KeyFile.open_or_make(tmp_path / "key").keep().path
    old = Sealer(KeyFile.open_or_make(path))
    sealed = old.seal("t.c", "k", plain=b"x")
    newer = KeyFile.open_or_make(tmp_path / "newer").keep().path
    path.write_bytes(newer.read_bytes() + path.read_bytes())

    both = Sealer(KeyFile.open_or_make(path))

    assert both.open("t.c", "k", sealed=sealed) == b"x"
    assert both.current != old.current
    with pytest.raises(SealBroken):
        old.open("t.c", "k", sealed=both.seal("t.c", "k", plain=b"x"))


@pytest.mark.parametrize(
    "place",
    [("t.other", "a", "b"), ("t.c", "a", "x"), ("t.c", "ab"), ("t.c", "a", "b", "")],
)
def test_a_moved_ciphertext_opens_nowhere(tmp_path: Path, place: tuple[str, ...]) -> None:
    sealer = Sealer(KeyFile.open_or_make(tmp_path / "key"))
    sealed = sealer.seal("t.c", "a", "b", plain=b"secret")
    assert sealer.open("t.c", "a", "b", sealed=sealed) == b"secret"

    with pytest.raises(SealBroken):
        sealer.open(place[0], *place[1:], sealed=sealed)


@pytest.mark.parametrize("cut", [0, 3, 15, 31, -1])
def test_a_damaged_ciphertext_does_not_open(tmp_path: Path, cut: int) -> None:
    sealer = Sealer(KeyFile.open_or_make(tmp_path / "key"))
    sealed = sealer.seal("t.c", "a", plain=b"secret")

    with pytest.raises(SealBroken):
        sealer.open("t.c", "a", sealed=sealed[:cut])


def test_a_seed_moved_to_another_user_does_not_open(tmp_path: Path) -> None:
    """Whoever can write the database cannot make their own authenticator somebody else's."""
    with opened(f"sqlite:///{tmp_path}/auth.db", tmp_path) as store:
        peopled(store)
        store.users.create(new_user("sub-2"), NOW)
        for sub in ("sub-1", "sub-2"):
            store.software_tokens.put_secret(POOL, sub, b"seed of " + sub.encode(), NOW)
            store.software_tokens.confirm(POOL, sub, "", NOW)
        with store.database.write() as connection:
            mine = totp.select().where(totp.c.sub == "sub-1")
            sealed = connection.execute(mine).one().secret
            connection.execute(totp.update().where(totp.c.sub == "sub-2").values(secret=sealed))

        assert store.software_tokens.secret(POOL, "sub-1", confirmed=True) == b"seed of sub-1"
        with pytest.raises(SealBroken):
            store.software_tokens.secret(POOL, "sub-2", confirmed=True)


def test_digests_and_macs_are_of_their_text_and_purpose(tmp_path: Path) -> None:
    first = Sealer(KeyFile.open_or_make(tmp_path / "one"))
    second = Sealer(KeyFile.open_or_make(tmp_path / "two"))
    macs = {
        first.mac("p", "ab", "c"),
        first.mac("p", "a", "bc"),
        first.mac("q", "ab", "c"),
        second.mac("p", "ab", "c"),
    }

    assert len(macs) == 4
    assert first.mac("p", "ab", "c") in macs
    assert len(digest("handle")) == 32
