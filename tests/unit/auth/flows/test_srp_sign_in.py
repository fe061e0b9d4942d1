"""Sign in by SRP: proven without being sent, judged like a password, once, and alike for people who do not exist."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.core import srp
from auth.core.lockout import Limits, Window
from auth.core.modular_power import power
from auth.core.steps import Challenge, SignedIn, Step
from auth.errors import (
    AuthError,
    InvalidParameter,
    InvalidSession,
    LockedOut,
    NotAuthorized,
    TooManyRequests,
    UserNotConfirmed,
    UserNotFound,
)
from auth.flows import srp_sign_in
from auth.flows.srp_sign_in import SrpSignIn
from auth.store.ports import Declared
from tests.support.sql_statements import sent_statements
from tests.support.srp_client import SRP_A, answers
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

SRP_CLIENT = replace(CLIENT, flows=frozenset({"srp", "password", "refresh"}))
NEW = "another horse battery"
WRONG = "not the right password"


class Door:
    """*people*, who sign in by SRP."""

    def __init__(self, people: UserPool) -> None:
        self.people = people
        self.flow = SrpSignIn(people.tools, people.sign_in)

    def begin(self, username: str = "ada", **changes: Any) -> Challenge:
        people = self.people
        given: dict[str, Any] = {"origin": ORIGIN, "now": people.now} | changes
        client, srp_a = given.pop("client", people.client), given.pop("srp_a", SRP_A)
        return self.flow.begin(people.pool, client, username, srp_a, **given)

    def answer(self, challenge: Challenge, password: str = PASSWORD, **changes: str) -> Step:
        people = self.people
        given = answers(challenge.parameters, people.pool.pool_id, password, people.now, **changes)
        return self.send(given)

    def send(self, given: Mapping[str, str], **changes: Any) -> Step:
        people = self.people
        client = changes.get("client", people.client)
        return self.flow.answer(people.pool, client, given, origin=ORIGIN, now=people.now)

    def lets_in(self, username: str = "ada", password: str = PASSWORD) -> bool:
        return isinstance(self.answer(self.begin(username), password), SignedIn)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with UserPool(tmp_path, client=SRP_CLIENT, mfa="optional") as people:
        people.add("ada")
        yield Door(people)


def test_a_right_proof_signs_in(door: Door) -> None:
    """B9: nothing but the verifier is needed for it; the twins below differ in one thing each."""
    step = door.answer(door.begin())
    assert isinstance(step, SignedIn)
    assert (step.user.username, step.amr) == ("ada", ("pwd",))
    assert door.people.audited()[-1] == ("sign_in", "ok")


def test_the_challenge_is_cognitos(door: Door) -> None:
    challenge = door.begin("ADA")
    given = challenge.parameters
    assert challenge.name == "PASSWORD_VERIFIER"
    assert set(given) == {"SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP"}
    assert given["USERNAME"] == given["USER_ID_FOR_SRP"] == "ada"
    assert re.fullmatch(r"[0-9a-f]{20,32}", given["SALT"])
    assert re.fullmatch(r"[0-9a-f]{700,768}", given["SRP_B"])
    assert len(base64.b64decode(given["SECRET_BLOCK"], validate=True)) == 48
    assert challenge.handle == given["SECRET_BLOCK"]


def test_a_wrong_password_does_not(door: Door) -> None:
    """B9"""
    with pytest.raises(NotAuthorized, match=r"^Incorrect username or password\.$"):
        door.answer(door.begin(), WRONG)
    assert door.people.audited()[-1] == ("sign_in", "refused")


def test_a_signature_of_other_bytes_does_not(door: Door) -> None:
    """B9: it is compared whole, whatever it is made of."""
    challenge = door.begin()
    right = answers(challenge.parameters, door.people.pool.pool_id, PASSWORD, door.people.now)
    signed = right["PASSWORD_CLAIM_SIGNATURE"]
    for bad in (signed[:-1], signed + "=", "ä" + signed[1:], "\ud800"):
        with pytest.raises(NotAuthorized, match="Incorrect"):
            door.send(right | {"PASSWORD_CLAIM_SIGNATURE": bad})
    assert isinstance(door.send(right), SignedIn)


@pytest.mark.parametrize(
    "public",
    [0, srp.N, 2 * srp.N],
    ids=["zero", "N", "2N"],
)
def test_a_public_number_that_proves_nothing_begins_nothing(door: Door, public: int) -> None:
    """B9: refused before anything is counted, asked or computed. Twin: `test_a_right_proof_signs_in`."""
    with sent_statements() as sent, pytest.raises(InvalidParameter, match="multiple of N"):
        door.begin(srp_a=f"{public:x}")
    assert sent == []


# --- B6 ---


def _disabled(people: UserPool) -> str:
    people.add("disabled")
    people.administration.disable(people.pool, "disabled", now=people.now)
    return "disabled"


def _without(people: UserPool) -> str:
    """Their password was set before the pool had a client for SRP."""
    people.add("earlier")
    people.store.users.set_password(
        people.pool.pool_id, people.user("earlier").sub, people.hasher.hash(PASSWORD), people.now
    )
    return "earlier"


def _ada(_: UserPool) -> str:
    return "ada"


def _nobody(_: UserPool) -> str:
    return "nobody"


@pytest.mark.parametrize("somebody", [_nobody, _disabled, _without])
@pytest.mark.parametrize("failures", [0, 5], ids=["first", "locked"])
def test_nobody_learns_who_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somebody: Callable[[UserPool], str], failures: int
) -> None:
    """B6: the same form of challenge, the same refusal, for the same statements and the same powers."""
    powers = []

    def counted(base: int, exponent: int, modulus: int) -> int:
        powers.append(exponent.bit_length() > 128)
        return power(base, exponent, modulus)

    seen = []
    for number, one in enumerate((_ada, somebody)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with UserPool(folder, client=SRP_CLIENT) as people:
            people.add("ada")
            door, name = Door(people), one(people)
            for _ in range(failures):
                with pytest.raises(NotAuthorized):
                    door.answer(door.begin(name), WRONG)
            monkeypatch.setattr(srp, "power", counted)
            powers.clear()
            with sent_statements() as sent:
                challenge = door.begin(name)
            worked = [*powers]
            monkeypatch.setattr(srp, "power", power)
            form = {key: len(value) // 100 for key, value in challenge.parameters.items()}
            assert challenge.parameters["USERNAME"] == name
            with sent_statements() as judged, pytest.raises(AuthError) as refused:
                door.answer(challenge, WRONG)
            seen.append((form, worked, sent, judged, type(refused.value), str(refused.value)))
    assert seen[0] == seen[1]
    assert seen[0][1] == [True, True, True]
    assert seen[0][2]


@pytest.mark.parametrize("somebody", [_disabled, _without])
def test_who_may_not_sign_in_is_refused_with_the_right_password_too(
    door: Door, somebody: Callable[[UserPool], str]
) -> None:
    """B6: twin of `test_a_right_proof_signs_in`."""
    with pytest.raises(NotAuthorized, match="Incorrect"):
        door.lets_in(somebody(door.people))


def test_whoever_has_no_verifier_gets_one_by_a_sign_in_with_the_password(door: Door) -> None:
    name = _without(door.people)
    assert door.people.is_let_in(name)
    assert door.lets_in(name)


@pytest.mark.parametrize("ways", [{"username"}, {"email"}, {"username", "email"}])
def test_a_name_that_nobody_has_has_the_same_salt_each_time(tmp_path: Path, ways: set[Any]) -> None:
    """B6: and another name another one; however it is written, and after a restart."""
    with UserPool(tmp_path, client=SRP_CLIENT, sign_in_with=frozenset(ways)) as people:
        seen = []
        for name in ("no@example.com", "NO@example.com", "other@example.com"):
            given = Door(people).begin(name).parameters
            seen.append((given["SALT"], given["USER_ID_FOR_SRP"]))
        assert seen[0] == seen[1] != seen[2]
        is_named = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", seen[0][1]) is None
        assert is_named is (ways == {"username"})


def test_where_people_have_addresses_the_answer_has_no_name(tmp_path: Path) -> None:
    """B6: to an address that somebody has there is the same form of answer as to one that nobody has."""
    with UserPool(tmp_path, client=SRP_CLIENT, sign_in_with=frozenset({"username", "email"})) as people:
        people.add("ada")
        door = Door(people)
        by_name, by_address = (door.begin(name).parameters for name in ("ada", "ada@example.com"))
        assert by_name["USER_ID_FOR_SRP"] == by_address["USER_ID_FOR_SRP"] == people.user("ada").sub
        assert door.lets_in("ada@example.com")


def test_a_client_that_may_know_is_told(door: Door) -> None:
    client = replace(door.people.client, hides_users=False)
    with pytest.raises(UserNotFound):
        door.begin("nobody", client=client)
    assert door.begin("ada", client=client).parameters["USERNAME"] == "ada"


# --- B7 ---


def test_a_locked_person_is_refused_with_the_right_password(door: Door) -> None:
    """B7: a lock counts proofs as it counts passwords; when it is over the right one is let in."""
    for _ in range(5):
        with pytest.raises(NotAuthorized):
            door.answer(door.begin(), WRONG)
    with pytest.raises(LockedOut):
        door.answer(door.begin())
    with pytest.raises(LockedOut):
        door.people.log_in()
    door.people.clock.move(2)
    assert door.lets_in()


def test_each_guess_is_one_sign_in_of_its_address(tmp_path: Path) -> None:
    """B7: who begins once does not guess five times for it."""
    limits = Limits(address_sign_ins=Window(limit=2, window_s=300))
    with UserPool(tmp_path, client=SRP_CLIENT, limits=limits) as people:
        people.add("ada")
        door = Door(people)
        challenge = door.begin()
        for _ in range(2):
            with pytest.raises(NotAuthorized):
                door.answer(challenge, WRONG)
        with pytest.raises(TooManyRequests):
            door.answer(challenge)
        with pytest.raises(TooManyRequests):
            door.begin()


# --- one block, one answer ---


def test_a_block_is_dead_after_success(door: Door) -> None:
    """B9"""
    challenge = door.begin()
    assert isinstance(door.answer(challenge), SignedIn)
    with pytest.raises(InvalidSession):
        door.answer(challenge)


@pytest.mark.parametrize(("wrong", "is_alive"), [(4, True), (5, False)])
def test_a_block_is_dead_after_the_fifth_wrong_answer(door: Door, wrong: int, is_alive: bool) -> None:
    """B9"""
    challenge = door.begin()
    for _ in range(wrong):
        with pytest.raises(NotAuthorized, match="Incorrect"):
            door.answer(challenge, WRONG)
    door.people.clock.move(2)  # the lock of five failures is over
    if is_alive:
        assert isinstance(door.answer(challenge), SignedIn)
    else:
        with pytest.raises(InvalidSession):
            door.answer(challenge)


@pytest.mark.parametrize(
    ("client_s", "after_s", "is_alive"),
    [(900, 179, True), (900, 181, False), (60, 59, True), (60, 61, False)],
)
def test_a_block_lives_three_minutes_at_most(
    door: Door, client_s: float, after_s: float, is_alive: bool
) -> None:
    """B9"""
    client = replace(door.people.client, challenge_s=client_s)
    challenge = door.begin(client=client)
    door.people.clock.move(after_s)
    if is_alive:
        assert isinstance(door.answer(challenge), SignedIn)
    else:
        with pytest.raises(InvalidSession):
            door.answer(challenge)


def test_a_clock_that_was_set_back_lengthens_no_block(door: Door) -> None:
    challenge = door.begin()
    door.people.clock.move(-120)
    with pytest.raises(InvalidSession):
        door.answer(challenge)


def test_an_altered_block_is_none(door: Door) -> None:
    """B9: and leaves the real one alone."""
    challenge = door.begin()
    block = challenge.handle
    other = ("A" if block[0] != "A" else "B") + block[1:]
    for bad in (other, block + "=", block[:-4], " " + block, "x" * 600, "\ud800"):
        with pytest.raises(InvalidSession):
            door.answer(challenge, PASSWORD_CLAIM_SECRET_BLOCK=bad)
    assert isinstance(door.answer(challenge), SignedIn)


def test_a_block_of_somebody_elses_sign_in_proves_nothing(door: Door) -> None:
    """B12: neither under their name nor under one's own; a signature is of one block only."""
    door.people.add("bob", NEW)
    adas, bobs = door.begin("ada"), door.begin("bob")
    own = answers(bobs.parameters, door.people.pool.pool_id, NEW, door.people.now)
    with pytest.raises(InvalidSession):
        door.send(own | {"PASSWORD_CLAIM_SECRET_BLOCK": adas.handle})
    adas = door.begin("ada")
    with pytest.raises(NotAuthorized, match="Incorrect"):
        door.send(own | {"PASSWORD_CLAIM_SECRET_BLOCK": adas.handle, "USERNAME": "ada"})
    assert isinstance(door.send(own), SignedIn)


def test_an_answer_in_another_name_ends_it(door: Door) -> None:
    """B12. Twins: every name of the person herself."""
    door.people.add("bob")
    for name in ("bob", "nobody", door.people.user("bob").sub, "\u202eada", ""):
        with pytest.raises((InvalidSession, InvalidParameter)):
            door.answer(door.begin(), USERNAME=name)
    for name in ("ada", "ADA", door.people.user("ada").sub):
        assert isinstance(door.answer(door.begin(), USERNAME=name), SignedIn)


def test_a_block_of_another_client_is_none(door: Door) -> None:
    """B12"""
    people = door.people
    other = replace(people.client, client_id="other", name="other")
    people.store.pools.declare([Declared(pool=people.pool, clients=(people.client, other))], people.now)
    challenge = door.begin()
    given = answers(challenge.parameters, people.pool.pool_id, PASSWORD, people.now)
    with pytest.raises(InvalidSession):
        door.send(given, client=other)
    assert isinstance(door.send(given), SignedIn)


def test_blocks_and_sessions_are_never_taken_for_each_other(door: Door) -> None:
    """B12: no challenge is skipped by presenting the handle of another kind."""
    people = door.people
    seed = people.with_app()
    challenge = door.begin()
    code = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
    with pytest.raises(InvalidSession):
        people.answer("SOFTWARE_TOKEN_MFA", challenge.handle, code)
    step = door.answer(challenge)
    assert isinstance(step, Challenge)
    with pytest.raises(InvalidSession):
        door.answer(challenge, PASSWORD_CLAIM_SECRET_BLOCK=step.handle)
    assert isinstance(people.answer("SOFTWARE_TOKEN_MFA", step.handle, code), SignedIn)


def test_a_password_that_was_changed_meanwhile_is_the_old_one(door: Door) -> None:
    """B9: what was begun with one password is not answered with it once there is another."""
    people = door.people
    challenge = door.begin()
    people.clock.move(1)
    people.administration.set_password(people.pool, "ada", NEW, now=people.now)
    with pytest.raises(NotAuthorized, match="Incorrect"):
        door.answer(challenge)
    assert door.lets_in("ada", NEW)


def test_what_was_begun_for_another_flow_is_not_finished_here(door: Door) -> None:
    """B12: where triggers want more than a password, the proof of it alone signs nobody in."""
    with pytest.raises(InvalidSession):
        door.answer(door.begin(purpose="custom"))


@pytest.mark.timeout(60)
def test_of_many_answers_at_once_one_is_let_in(door: Door) -> None:
    """B9: one winner of fifty."""
    challenge = door.begin()
    given = answers(challenge.parameters, door.people.pool.pool_id, PASSWORD, door.people.now)

    def try_it(_: int) -> str:
        try:
            return type(door.send(given)).__name__
        except AuthError as error:
            return type(error).__name__

    with ThreadPoolExecutor(10) as threads:
        seen = list(threads.map(try_it, range(50)))
    assert seen.count("SignedIn") == 1
    assert set(seen) == {"SignedIn", "InvalidSession"}


# --- what is said of an answer ---


@pytest.mark.parametrize("name", srp_sign_in._NEEDED)
def test_what_is_missing_is_named_and_nothing_happens(door: Door, name: str) -> None:
    challenge = door.begin()
    with pytest.raises(InvalidParameter, match=f"^Missing required parameter {name}$"):
        door.answer(challenge, **{name: ""})
    assert isinstance(door.answer(challenge), SignedIn)


@pytest.mark.parametrize(("off_s", "is_fine"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_a_stale_timestamp_is_refused(door: Door, off_s: float, is_fine: bool) -> None:
    """B9: and nothing is used up by it."""
    challenge = door.begin()
    people = door.people
    signed_at = people.now + timedelta(seconds=off_s)
    given = answers(challenge.parameters, people.pool.pool_id, PASSWORD, signed_at)
    if is_fine:
        assert isinstance(door.send(given), SignedIn)
    else:
        with pytest.raises(NotAuthorized, match="TIMESTAMP is too far"):
            door.send(given)
        assert isinstance(door.answer(challenge), SignedIn)


def test_another_timestamp_than_the_signed_one_is_refused(door: Door) -> None:
    challenge = door.begin()
    with pytest.raises(NotAuthorized, match="Incorrect"):
        door.answer(challenge, TIMESTAMP=srp.write_timestamp(door.people.now + timedelta(seconds=1)))


# --- what follows ---


def test_a_second_factor_and_a_new_password_follow(door: Door) -> None:
    """B12: the proof is worth a password, and no more."""
    people = door.people
    people.with_app()
    step = door.answer(door.begin())
    assert isinstance(step, Challenge)
    assert step.name == "SOFTWARE_TOKEN_MFA"
    people.add("invited", is_permanent=False)
    step = door.answer(door.begin("invited"))
    assert isinstance(step, Challenge)
    assert step.name == "NEW_PASSWORD_REQUIRED"


def test_who_is_not_confirmed_is_told_after_the_right_password(door: Door) -> None:
    people = door.people
    people.sign_up.sign_up(
        people.pool,
        people.client,
        "new",
        PASSWORD,
        {"email": "new@example.com"},
        origin=ORIGIN,
        now=people.now,
    )
    with pytest.raises(NotAuthorized, match="Incorrect"):
        door.answer(door.begin("new"), WRONG)
    with pytest.raises(UserNotConfirmed):
        door.answer(door.begin("new"))
