"""Fifty at once, from two processes on one database: one winner, and every counter right (R8).

``LOCKGATE_RACE_ROUNDS=1000`` repeats each race as often.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.errors import NotAuthorized
from auth.store.sql import SqlStore
from tests.support.auth_store import (
    CLIENT,
    HOUR,
    MINUTE,
    NOW,
    POOL,
    a_code,
    a_grant,
    opened,
    peopled,
    refresh_token,
)

ROUNDS = int(os.environ.get("LOCKGATE_RACE_ROUNDS", "2"))
PROCESSES, THREADS = 2, 25
AT_ONCE = PROCESSES * THREADS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(120, 3 * ROUNDS))]
Race = Callable[..., list[Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def raced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SqlStore, Race]]:
    """A store, and a function by which fifty do something in it at once."""
    folder = tmp_path_factory.mktemp("race")
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder}/auth.db" if is_sqlite else request.getfixturevalue("postgres").new_database()
    with opened(url, folder) as store:
        peopled(store)
        racers = [_racer(url, folder) for _ in range(PROCESSES)]
        try:
            for racer in racers:
                assert racer.stdout is not None
                assert racer.stdout.readline() == "ready\n"
            yield store, lambda verb, **arguments: _race(racers, verb, arguments)
        finally:
            for racer in racers:
                racer.communicate()
        assert [racer.returncode for racer in racers] == [0, 0]


def _racer(url: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.auth_store_racer", url, f"{folder}/key", str(THREADS)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _race(racers: list[subprocess.Popen[str]], verb: str, arguments: dict[str, Any]) -> list[Any]:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(json.dumps([verb, arguments]) + "\n")
        racer.stdin.flush()
    return [got for racer in racers if racer.stdout for got in json.loads(racer.stdout.readline())]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_of_fifty_redeems_a_code(raced: tuple[SqlStore, Race], number: int) -> None:
    """A5, A6, R8: and the other forty-nine have revoked what it got."""
    store, race = raced
    name = f"redeemed-{number}"
    store.grants.start(a_grant(name), NOW, code=a_code(name))

    assert sorted(race("redeem", code=name)) == [False] * (AT_ONCE - 1) + [True]
    assert store.grants.live(name, NOW) is None


@pytest.mark.parametrize("number", range(ROUNDS))
def test_fifty_rotations_within_the_grace_have_one_successor(
    raced: tuple[SqlStore, Race], number: int
) -> None:
    """A7, R8: nothing forks."""
    store, race = raced
    token = refresh_token(store, f"grace-{number}")

    got = race("rotate", token=token, grace_s=10)

    assert len(got) == AT_ONCE
    assert len(set(got)) == 1
    assert store.grants.rotate(got[0], CLIENT, NOW, rotates=True, grace_s=10).token not in (token, got[0])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_of_fifty_rotations_without_a_grace_wins(raced: tuple[SqlStore, Race], number: int) -> None:
    """A7, R8: and the others are a reuse: the family dies."""
    store, race = raced
    token = refresh_token(store, f"strict-{number}")

    got = race("rotate", token=token, grace_s=-1)

    winners = [one for one in got if isinstance(one, str)]
    assert len(winners) == 1
    assert [one for one in got if one not in winners] == [{"error": "RefreshTokenReuse"}] * (AT_ONCE - 1)
    with pytest.raises(NotAuthorized):
        store.grants.rotate(winners[0], CLIENT, NOW, rotates=True, grace_s=10)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_fifty_wrong_passwords_are_fifty(raced: tuple[SqlStore, Race], number: int) -> None:
    """B7, R8: five are judged, the others refused; shared by processes, kept in the database."""
    store, race = raced
    subject = f"wrong-{number}"

    assert sorted(race("attempt", subject=subject)) == [False] * (AT_ONCE - 5) + [True] * 5
    counted = store.attempts.read(POOL, "password", subject)
    assert counted is not None
    assert (counted.failures, counted.refused, counted.failures + counted.refused) == (
        5,
        AT_ONCE - 5,
        AT_ONCE,
    )


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_of_fifty_uses_a_code(raced: tuple[SqlStore, Race], number: int) -> None:
    """B10, R8"""
    store, race = raced
    store.codes.put(POOL, f"code-{number}", "reset", "123456", "a@example.com", NOW + HOUR, NOW)

    got = race("use_code", subject=f"code-{number}", code="123456")

    assert got.count("a@example.com") == 1
    assert got.count({"error": "ExpiredCode"}) == AT_ONCE - 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_five_of_fifty_wrong_codes_are_compared(raced: tuple[SqlStore, Race], number: int) -> None:
    """B10, R8: guessing in parallel gives no more guesses."""
    store, race = raced
    store.codes.put(POOL, f"guess-{number}", "reset", "123456", "a@example.com", NOW + HOUR, NOW)

    got = race("use_code", subject=f"guess-{number}", code="000000")

    assert got.count({"error": "CodeMismatch"}) == 5
    assert got.count({"error": "ExpiredCode"}) == AT_ONCE - 5


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_of_fifty_answers_a_challenge_and_uses_a_time_step(
    raced: tuple[SqlStore, Race], number: int
) -> None:
    """B10, B12, R8"""
    store, race = raced
    store.challenges.put(f"handle-{number}", POOL, CLIENT, "ann", None, b"state", NOW + MINUTE)

    assert race("consume", handle=f"handle-{number}").count(True) == 1
    assert race("use_step", step=number).count(True) == 1
    assert race("take", subject=f"sent-{number}").count(True) == 7


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_of_fifty_gets_an_address(raced: tuple[SqlStore, Race], number: int) -> None:
    """B13, R8: nobody else of them exists afterwards."""
    store, race = raced
    email = f"same-{number}@example.com"
    before = store.pools.count_users(POOL)

    got = race("create", email=email)

    assert got.count(True) == 1
    assert got.count({"error": "AliasExists"}) == AT_ONCE - 1
    assert store.pools.count_users(POOL) == before + 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_update_is_done_or_refused_never_lost(raced: tuple[SqlStore, Race], number: int) -> None:
    """R8"""
    store, race = raced

    got = race("update", attribute=f"race{number}")

    user = store.users.get(POOL, "sub-1")
    assert user is not None
    done = [name for name in got if isinstance(name, str)]
    assert done
    assert set(done) == {name for name in user.attributes if name.startswith(f"race{number}-")}
    refused = [one["error"] for one in got if not isinstance(one, str)]
    assert len(done) + len(refused) == AT_ONCE
    assert set(refused) <= {
        "TooManyRequests",
        "ServiceUnavailable",
    }  # of a queue for one row: longer than a second
