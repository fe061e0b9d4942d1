"""R6: a clock that is an hour wrong and is set right locks nobody out, and gives nobody more tries or a second use."""

from pathlib import Path

import pytest

from auth.core.steps import Challenge
from auth.errors import AuthError
from tests.support.user_pool import PASSWORD, UserPool

HOUR_S = 3600.0
AHEAD_AND_BACK = pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S], ids=["ahead", "back"])


def fail(people: UserPool, times: int) -> None:
    for _ in range(times):
        with pytest.raises(AuthError):
            people.log_in(password="wrong")


@AHEAD_AND_BACK
def test_a_lock_from_another_time_does_not_hold(tmp_path: Path, jump_s: float) -> None:
    """R6: the twin, in the same moment, is refused (B7)."""
    with UserPool(tmp_path) as people:
        people.add()
        fail(people, 5)
        with pytest.raises(AuthError):
            people.log_in()
        people.clock.move(jump_s)
        assert people.is_let_in()


@AHEAD_AND_BACK
def test_five_failures_lock_whatever_the_clock_was_before(tmp_path: Path, jump_s: float) -> None:
    """R6, B7: the twin has four."""
    with UserPool(tmp_path) as people:
        people.add()
        assert people.is_let_in()
        people.clock.move(jump_s)
        fail(people, 4)
        assert people.is_let_in()
        fail(people, 5)
        with pytest.raises(AuthError):
            people.log_in()


@AHEAD_AND_BACK
def test_a_code_of_an_app_works_once_at_each_time(tmp_path: Path, jump_s: float) -> None:
    """R6, B10: also when the clock was set there and back: a step that was used stays used."""
    with UserPool(tmp_path, mfa="optional") as people:
        people.add()
        seed = people.with_app()

        def log_in() -> bool:
            step = people.log_in()
            assert isinstance(step, Challenge)
            answers = {"USERNAME": "ada", "SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
            try:
                people.answer(step.name, step.handle, answers)
            except AuthError:
                return False
            return True

        assert [log_in(), log_in()] == [True, False]
        people.clock.move(jump_s)
        assert [log_in(), log_in()] == [True, False]
        people.clock.move(-jump_s)
        assert not log_in()


@AHEAD_AND_BACK
def test_a_declaration_is_seen_whatever_the_clock_does(tmp_path: Path, jump_s: float) -> None:
    """R6: looking again once a second does not stop for an hour."""
    with UserPool(tmp_path) as people:
        before = people.store.pools.version()
        people.clock.move(jump_s)
        people.store.pools.declare([], people.now)
        assert people.store.pools.version() != before
        people.directory.refresh(people.now)
        assert people.directory.pool(people.pool.pool_id).is_closed
        people.add("bob", PASSWORD, email="bob@example.com")
