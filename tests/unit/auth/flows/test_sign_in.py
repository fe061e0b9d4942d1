"""The password step: who is let in, who is refused, and that nobody learns who exists (B6, B7, B8)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import argon2
import pytest

from auth.core.lockout import Limits, Window
from auth.core.steps import Challenge, Origin, SignedIn
from auth.errors import (
    AuthError,
    LockedOut,
    NotAuthorized,
    PasswordResetRequired,
    ResourceNotFound,
    TooManyRequests,
    UserNotConfirmed,
    UserNotFound,
)
from auth.flows.password_hasher import PasswordHasher
from tests.support.sql_statements import sent_statements
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, POOL, UserPool

WRONG = "not the password"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path) as people:
        yield people


def unconfirmed(people: UserPool, name: str = "newcomer") -> None:
    people.sign_up.sign_up(
        people.pool,
        people.client,
        name,
        PASSWORD,
        {"email": f"{name}@example.com"},
        origin=ORIGIN,
        now=people.now,
    )


def refusal(people: UserPool, username: str, password: str = WRONG) -> AuthError:
    with pytest.raises(AuthError) as caught:
        people.log_in(username, password)
    return caught.value


def test_a_right_password_signs_in(people: UserPool) -> None:
    """B13: however the name is written. Twin: below."""
    ada = people.add()
    step = people.log_in(" ADA ")
    assert isinstance(step, SignedIn)
    assert (step.user.sub, step.auth_time, step.amr) == (ada.sub, people.now, ("pwd",))
    assert people.audited()[-1] == ("sign_in", "ok")


def test_a_wrong_password_does_not(people: UserPool) -> None:
    """Twin of the one above."""
    people.add()
    assert str(refusal(people, "ada")) == "Incorrect username or password."
    assert people.audited()[-1] == ("sign_in", "refused")


def _known(people: UserPool) -> str:
    people.add()
    return "ada"


def _unknown(people: UserPool) -> str:
    return "nobody"


def _disabled(people: UserPool) -> str:
    people.add("disabled")
    people.administration.disable(people.pool, "disabled", now=people.now)
    return "disabled"


def _unconfirmed(people: UserPool) -> str:
    unconfirmed(people)
    return "newcomer"


def _to_reset(people: UserPool) -> str:
    people.add("forgetful")
    people.administration.reset_password(people.pool, "forgetful", now=people.now)
    return "forgetful"


def _with_temporary_password(people: UserPool) -> str:
    people.add("invited", is_permanent=False)
    return "invited"


EVERYBODY = [_known, _unknown, _disabled, _unconfirmed, _to_reset, _with_temporary_password]


@pytest.mark.parametrize("failures", [0, 5], ids=["first", "locked"])
@pytest.mark.parametrize("somebody", EVERYBODY[1:])
def test_nobody_learns_who_exists(tmp_path: Path, somebody: Callable[[UserPool], str], failures: int) -> None:
    """B6: a wrong password is refused in the same words, with the same hashes and the same statements, whoever it is
    tried for; also once it is locked."""
    seen = []
    for number, one in enumerate((_known, somebody)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with UserPool(folder) as people:
            name = one(people)
            for _ in range(failures):
                refusal(people, name)
            people.hasher.work.clear()
            with sent_statements() as sent:
                error = refusal(people, name)
            seen.append((type(error), str(error), people.hasher.work, sent))
    assert seen[0] == seen[1]
    assert seen[0][2] == ["verify"]
    assert seen[0][3]


def test_nobodys_password_costs_the_same_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """B6: where there is no hash to compare with, one of nobody's is. Twin: somebody's."""
    work = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: bytes) -> bool:
        work.append(argon2.extract_parameters(hash))
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    hasher = PasswordHasher(memory_kib=8, passes=1)
    assert hasher.verify(hasher.hash(PASSWORD), PASSWORD).ok
    assert not hasher.verify(None, PASSWORD).ok
    assert len(work) == 2
    assert work[0] == work[1]


def test_a_disabled_user_is_refused_as_a_mistaken_one_even_with_the_right_password(people: UserPool) -> None:
    """B6: twin: once enabled again, the same password is taken."""
    name = _disabled(people)
    assert str(refusal(people, name, PASSWORD)) == "Incorrect username or password."
    people.administration.enable(people.pool, name, now=people.now)
    assert people.is_let_in(name)


def test_that_somebody_is_unconfirmed_is_told_after_the_right_password_only(people: UserPool) -> None:
    """B6."""
    unconfirmed(people)
    assert type(refusal(people, "newcomer")) is NotAuthorized
    assert type(refusal(people, "newcomer", PASSWORD)) is UserNotConfirmed


def test_that_a_password_must_be_reset_is_told_after_the_right_one_only(people: UserPool) -> None:
    """B6."""
    name = _to_reset(people)
    assert type(refusal(people, name)) is NotAuthorized
    assert type(refusal(people, name, PASSWORD)) is PasswordResetRequired


def test_a_client_may_ask_to_be_told(tmp_path: Path) -> None:
    """Cognito's LEGACY. Twin: the same with a client that hides users."""
    with UserPool(tmp_path, client=replace(CLIENT, hides_users=False)) as people:
        name = _to_reset(people)
        assert type(refusal(people, "nobody")) is UserNotFound
        assert type(refusal(people, name)) is PasswordResetRequired
        hiding = replace(people.client, hides_users=True)
        with pytest.raises(NotAuthorized):
            people.sign_in.begin(people.pool, hiding, "nobody", WRONG, origin=ORIGIN, now=people.now)


# --- lock-out ---


def test_the_right_password_is_refused_while_it_is_locked(people: UserPool) -> None:
    """B7: twin: it is taken once the second has passed."""
    people.add()
    for _ in range(5):
        refusal(people, "ada")
    assert type(refusal(people, "ada", PASSWORD)) is LockedOut
    assert ("lock", "ok") in people.audited()
    people.clock.move(1)
    assert people.is_let_in()


def test_four_failures_lock_nobody(people: UserPool) -> None:
    """B7: twin of the one above."""
    people.add()
    for _ in range(4):
        refusal(people, "ada")
    assert people.is_let_in()


def test_the_lock_doubles_up_to_fifteen_minutes(people: UserPool) -> None:
    """B7: locked until the very end of each, with the right password; free afterwards."""
    people.add()
    for _ in range(4):
        refusal(people, "ada")
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]:
        assert type(refusal(people, "ada")) is NotAuthorized
        people.clock.move(seconds - 0.01)
        assert type(refusal(people, "ada", PASSWORD)) is LockedOut
        people.clock.move(0.01)
    assert type(refusal(people, "ada")) is NotAuthorized
    people.clock.move(899)
    assert type(refusal(people, "ada", PASSWORD)) is LockedOut
    people.clock.move(1)
    assert people.is_let_in()


def test_a_lock_holds_for_all_of_a_persons_names(tmp_path: Path) -> None:
    """B7: or three names are three times the tries."""
    with UserPool(tmp_path, sign_in_with=frozenset({"username", "email"})) as people:
        ada = people.add()
        for name in ("ada", "Ada@example.com", ada.sub, "ADA", "ada@example.com"):
            assert type(refusal(people, name)) is NotAuthorized
        for name in ("ada", "ada@example.com", ada.sub):
            assert type(refusal(people, name, PASSWORD)) is LockedOut


def test_whoever_is_locked_out_gets_in_by_resetting(people: UserPool) -> None:
    """B7: the victim of somebody else's guesses."""
    people.add()
    for _ in range(6):
        refusal(people, "ada")
    people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.now)
    people.recovery.reset(
        people.pool, people.client, "ada", people.code(), "another password", origin=ORIGIN, now=people.now
    )
    assert people.is_let_in("ada", "another password")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_locks_nobody_out(people: UserPool, hours: int) -> None:
    """R6: a lock of a second is over, whichever way the clock was set."""
    people.add()
    for _ in range(5):
        refusal(people, "ada")
    people.clock.move(hours * 3600)
    assert people.is_let_in()


def test_a_password_that_was_set_by_a_clock_ahead_of_time_is_no_lock_out(tmp_path: Path) -> None:
    """R6: sessions count from the reset; a sign-in with two steps right after the clock was set back ends well."""
    with UserPool(tmp_path, mfa="optional") as people:
        people.add()
        seed = people.with_app()
        people.administration.set_password(people.pool, "ada", "another password", now=people.now)
        people.clock.move(-3600)
        step = people.log_in("ada", "another password")
        assert isinstance(step, Challenge)
        done = people.answer(
            "SOFTWARE_TOKEN_MFA", step.handle, {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
        )
        assert isinstance(done, SignedIn)


def test_one_address_tries_no_more_than_its_share(tmp_path: Path) -> None:
    """B7: per source address, whoever is tried. Twin: another address, and the next minute."""
    limits = Limits(address_sign_ins=Window(limit=3, window_s=60))
    with UserPool(tmp_path, limits=limits) as people:
        people.add()
        for name in ("one", "two", "three"):
            refusal(people, name)
        people.hasher.work.clear()
        assert type(refusal(people, "ada", PASSWORD)) is TooManyRequests
        assert people.hasher.work == []
        assert isinstance(people.log_in(origin=Origin(address="192.0.2.8")), SignedIn)
        people.clock.move(60)
        assert people.is_let_in()


def test_a_pool_tries_no_more_than_its_share(tmp_path: Path) -> None:
    """B7: per pool, however many addresses. Twin: the next minute."""
    limits = Limits(pool_sign_ins=Window(limit=3, window_s=60))
    with UserPool(tmp_path, limits=limits) as people:
        people.add()
        for number in range(3):
            assert isinstance(people.log_in(origin=Origin(address=f"192.0.2.{number}")), SignedIn)
        with pytest.raises(TooManyRequests):
            people.log_in(origin=Origin(address="192.0.2.99"))
        people.clock.move(60)
        assert people.is_let_in()


# --- passwords ---


def test_all_bytes_of_a_long_password_count(people: UserPool) -> None:
    """B8: nothing is cut off at 72 bytes. Twin: the whole of it."""
    long = "x" * 255
    people.add(password=long + "y")
    assert type(refusal(people, "ada", long + "z")) is NotAuthorized
    assert people.is_let_in("ada", long + "y")


def test_a_password_longer_than_any_is_refused_without_hashing_it(people: UserPool) -> None:
    people.add()
    assert type(refusal(people, "ada", "x" * 10_000_000)) is NotAuthorized
    assert type(refusal(people, "ada", "\ud800")) is NotAuthorized


def test_a_weaker_hash_is_replaced_at_sign_in(people: UserPool) -> None:
    """B8: rehash on login."""
    ada = people.add()
    weak = PasswordHasher(memory_kib=8, passes=2).hash(PASSWORD)
    people.store.users.set_password(people.pool.pool_id, ada.sub, weak, people.now)
    assert people.is_let_in()
    found = people.store.users.find(people.pool.pool_id, "ada")
    assert found is not None
    assert found[1] is not None
    assert found[1].hash != weak
    assert "t=1" in found[1].hash
    people.hasher.work.clear()
    assert people.is_let_in()
    assert people.hasher.work == ["verify"]


def test_the_hash_of_production_is_argon2id_with_nineteen_mebibytes() -> None:
    """B8: m=19456, t=2, p=1, with a salt of its own each."""
    hasher = PasswordHasher()
    one, other = hasher.hash(PASSWORD), hasher.hash(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert hasher.verify(one, PASSWORD).ok
    assert not hasher.verify(one, WRONG).ok
    assert not hasher.verify(None, "of nobody").ok
    assert not hasher.verify("no hash at all", PASSWORD).ok


def test_a_temporary_password_ends(tmp_path: Path) -> None:
    """Twin: a second earlier. That it has ended is told after the right password only."""
    with UserPool(tmp_path, password=replace(POOL.password, temporary_s=3600)) as people:
        people.add(is_permanent=False)
        people.clock.move(3599)
        assert isinstance(people.log_in(), Challenge)
        people.clock.move(1)
        assert "Temporary password has expired" in str(refusal(people, "ada", PASSWORD))
        assert str(refusal(people, "ada")) == "Incorrect username or password."


# --- pools and clients ---


def test_closed_pools_and_clients_let_nobody_in(people: UserPool) -> None:
    """Twin: the same, open."""
    people.add()
    assert people.is_let_in()
    elsewhere = replace(people.client, pool_id="us-east-1_Other0001")
    for pool, client in (
        (replace(people.pool, is_closed=True), people.client),
        (people.pool, replace(people.client, is_closed=True)),
        (people.pool, elsewhere),
    ):
        with pytest.raises(ResourceNotFound):
            people.sign_in.begin(pool, client, "ada", PASSWORD, origin=ORIGIN, now=people.now)


def test_a_pool_that_vanished_from_the_file_is_closed(people: UserPool) -> None:
    """And seen to be by the next look at the directory, a second later."""
    people.add()
    people.store.pools.declare([], people.now)
    people.directory.refresh(people.clock.move(0.5))
    assert not people.directory.pool(POOL.pool_id).is_closed
    people.directory.refresh(people.clock.move(0.5))
    assert people.directory.pool(POOL.pool_id).is_closed
    with pytest.raises(ResourceNotFound):
        people.directory.pool("us-east-1_Never0001")
    with pytest.raises(ResourceNotFound):
        people.directory.client("never")


def test_the_directory_looks_again_after_the_clock_was_set_back(people: UserPool) -> None:
    """R6."""
    people.store.pools.declare([], people.now)
    people.directory.refresh(people.now - timedelta(hours=1))
    assert people.directory.pool(POOL.pool_id).is_closed
    assert [pool.pool_id for pool in people.directory.pools()] == [POOL.pool_id]
    assert [client.client_id for client in people.directory.clients(POOL.pool_id)] == [CLIENT.client_id]


def test_nothing_that_was_typed_is_in_the_audit(people: UserPool) -> None:
    """L4: and L2: a password typed into the field of the name."""
    people.add()
    refusal(people, "hunter2hunter2", "canary-password")
    refusal(people, "ada", "canary-password")
    people.log_in()
    records = people.store.audit.read(limit=100)
    assert {record.source_ip for record in records} == {"", ORIGIN.address}
    assert "hunter2" not in repr(records)
    assert "canary" not in repr(records)
    assert PASSWORD not in repr(records)
