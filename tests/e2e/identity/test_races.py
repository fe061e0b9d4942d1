"""Fifty requests at once, over HTTP, to two processes on one database: one winner, and every counter right (R8).

SQLite: two gateway processes of one server. PostgreSQL: two servers with states of their own, one database and one key.
``LOCKGATE_RACE_ROUNDS=1000`` repeats the races for a code and a refresh token as often.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from auth.flows.first_factor import RULE
from auth.store.sql.store import SqlStore
from tests.support.identity_site import PASSWORD, Site, Visitor, add_person, site
from tests.support.plain_http import Reply
from tests.support.processes import parts
from tests.support.server import RunningServer
from tests.support.volley import Volley, form_post

ROUNDS = int(os.environ.get("LOCKGATE_RACE_ROUNDS", "2"))
AT_ONCE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(120, 3 * ROUNDS))]


class Arena:
    """Two processes, their database, and fifty connections to them."""

    def __init__(self, place: Site, server: RunningServer, store: SqlStore, volley: Volley) -> None:
        self.place = place
        self.server = server
        self.store = store
        self._volley = volley
        self._people = 0

    def person(self, *, pool: str = "main") -> str:
        """:returns: the name that they sign in with."""
        self._people += 1
        name = f"person{self._people}@example.com"
        self.sub = add_person(self.store, self.server, name, pool=pool)
        return name

    def race(self, form: dict[str, str]) -> list[Reply]:
        """Fifty times the same at the token endpoint."""
        return self.fire([form_post("auth", "/oauth2/token", form)] * AT_ONCE)

    def fire(self, requests: list[bytes]) -> list[Reply]:
        answers = self._volley.fire(requests)
        assert None not in answers
        return [answer for answer in answers if answer is not None]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def arena(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("races")
    with ExitStack() as held:
        if request.param == "sqlite":
            place = held.enter_context(site(folder))
            first = held.enter_context(place.server("one", "--workers", "1", "--auth-workers", "2"))
            assert sorted(parts(first)) == ["auth-1", "auth-2", "edge-1", "executor"]
        else:
            database = request.getfixturevalue("postgres").new_database()
            place = held.enter_context(site(folder, "one", "two", database=database))
            first, second = (held.enter_context(place.server(name)) for name in ("one", "two"))
            assert first.endpoints["user_pools"] == second.endpoints["user_pools"]
        store = place.store(first)
        held.callback(store.close)
        volley = held.enter_context(Volley(place.addresses))
        yield Arena(place, first, store, volley)


@pytest.fixture
def visitor(arena: Arena) -> Iterator[Visitor]:
    with Visitor(arena.server) as visitor:
        visitor.log_in(arena.person())
        yield visitor


def refused(answers: list[Reply]) -> list[Reply]:
    """Those that are no success; each of them says the same."""
    others = [answer for answer in answers if answer.status != 200]
    assert {(answer.status, answer.json()["error"]) for answer in others} <= {(400, "invalid_grant")}
    return others


def test_one_of_fifty_redeems_a_code_and_the_others_end_what_it_got(arena: Arena, visitor: Visitor) -> None:
    """A5, A6, R8: by then the winner's tokens are worth nothing: a code that comes again was stolen by somebody."""
    for _ in range(ROUNDS):
        answers = arena.race(visitor.code_form(visitor.code()))

        assert len(refused(answers)) == AT_ONCE - 1
        [won] = [answer.json() for answer in answers if answer.status == 200]
        assert not visitor.lives(won["access_token"])
        assert visitor.token(visitor.refresh_form(won["refresh_token"])).json()["error"] == "invalid_grant"


def test_a_code_that_comes_once_gives_tokens_that_live(visitor: Visitor) -> None:
    """A6: the twin."""
    won = visitor.tokens(visitor.code())
    assert visitor.lives(won["access_token"])
    assert visitor.token(visitor.refresh_form(won["refresh_token"])).status_code == 200


def test_fifty_uses_of_a_refresh_token_have_one_successor(arena: Arena, visitor: Visitor) -> None:
    """A7, R8: nothing forks within the grace; what is older than the token before ends the family."""
    for _ in range(ROUNDS):
        first = visitor.tokens(visitor.code())["refresh_token"]

        answers = [answer.json() for answer in arena.race(visitor.refresh_form(first))]

        [second] = {answer["refresh_token"] for answer in answers}
        assert second != first
        third = visitor.token(visitor.refresh_form(second)).json()
        assert third["refresh_token"] not in (first, second)
        assert visitor.lives(third["access_token"])
        assert visitor.token(visitor.refresh_form(first)).json()["error"] == "invalid_grant"
        assert visitor.token(visitor.refresh_form(third["refresh_token"])).status_code == 400
        assert not visitor.lives(third["access_token"])


def test_fifty_uses_of_a_refresh_token_without_a_grace_end_its_family(arena: Arena) -> None:
    """A7, R8: the others are a reuse. Who came in the same millisecond got the same successor."""
    with Visitor(arena.server, pool="strict") as visitor:
        visitor.log_in(arena.person(pool="strict"))
        for _ in range(ROUNDS):
            first = visitor.tokens(visitor.code())["refresh_token"]

            answers = arena.race(visitor.refresh_form(first))

            assert refused(answers)
            [won] = {answer.json()["refresh_token"] for answer in answers if answer.status == 200}
            assert visitor.token(visitor.refresh_form(won)).json()["error"] == "invalid_grant"


def login_form(visitor: Visitor, name: str, password: str, number: int) -> bytes:
    token, cookie = visitor.page("/login")
    headers = visitor.headers | {"cookie": cookie, "x-forwarded-for": f"198.51.100.{number}"}
    return form_post(
        "auth", f"/login?{visitor.query}", {"_csrf": token, "username": name, "password": password}, headers
    )


@pytest.mark.parametrize("earlier", [0, 12], ids=["first", "after-twelve"])
def test_fifty_wrong_passwords_are_fifty(arena: Arena, earlier: int) -> None:
    """B7, R8: counted or refused, none is lost; after twelve failures one more locks for two minutes, and then the
    right password is refused like a wrong one.
    """
    name, pool_id = arena.person(), arena.server.endpoints["user_pools"]["main"]["id"]
    long_ago = datetime.now(UTC) - timedelta(seconds=RULE.forget_s)
    for number in range(earlier):  # each after the lock of the one before
        arena.store.attempts.count(
            pool_id, "password", arena.sub, RULE, long_ago + timedelta(seconds=2**number / 10)
        )
    before = arena.store.attempts.read(pool_id, "password", arena.sub)
    counted_before = 0 if before is None else before.failures + before.refused
    with Visitor(arena.server) as visitor:
        forms = [login_form(visitor, name, "a wrong password", number) for number in range(AT_ONCE)]

        answers = arena.fire(forms)

        judged = [answer.status for answer in answers].count(400)
        assert {answer.status for answer in answers} <= {
            400,
            503,
        }  # a loaded machine gives up what waits too long
        counted = arena.store.attempts.read(pool_id, "password", arena.sub)
        assert counted is not None
        assert judged <= counted.failures + counted.refused - counted_before <= AT_ONCE
        if earlier:
            assert before is not None
            assert counted.failures == before.failures + 1
            assert visitor.try_password(name, PASSWORD).status_code == 400
        else:
            assert (
                RULE.free <= counted.failures < AT_ONCE / 2
            )  # a lock of a second may end while others are hashed


def test_fifty_sign_ups_of_one_address_are_one_person(arena: Arena) -> None:
    """B6, B13, R8: one exists; the others are answered alike, or told that it was enough."""
    pool_id = arena.server.endpoints["user_pools"]["main"]["id"]
    before = arena.store.pools.count_users(pool_id)
    with Visitor(arena.server) as visitor:
        token, cookie = visitor.page("/signup")
        form = {"_csrf": token, "email": "same@example.com", "password": PASSWORD, "repeat": PASSWORD}
        headers = visitor.headers | {"cookie": cookie}

        answers = arena.fire([form_post("auth", f"/signup?{visitor.query}", form, headers)] * AT_ONCE)

    told = {(answer.status, answer.headers.get("location", "").partition("?")[0]) for answer in answers}
    assert (303, "/confirmUser") in told
    others = [
        re.findall(rb"<li>.*?</li>", answer.body) for answer in answers if answer.status not in (303, 429)
    ]
    assert told <= {(303, "/confirmUser"), (429, "")}, others  # a mailbox is sent five mails an hour
    assert arena.store.pools.count_users(pool_id) == before + 1
