"""Authorization codes, refresh tokens, and the grants that they hang on."""

import base64
from collections.abc import Callable
from datetime import datetime

import pytest

from auth.errors import NotAuthorized
from auth.grant import LiveGrant
from auth.store.ports import RedeemedCode
from auth.store.sql import SqlStore
from tests.support.auth_store import CLIENT, HOUR, MINUTE, NOW, POOL, a_code, a_grant, peopled, refresh_token

CODE = a_code().code
GRACE_S = 10.0


def _redeem(
    store: SqlStore,
    *,
    code: str = CODE,
    client: str = CLIENT,
    now: datetime = NOW,
    check: Callable[[RedeemedCode], bool] = lambda _: True,
) -> tuple[LiveGrant, str | None] | None:
    return store.grants.redeem(code, client, now, check, refresh=True)


def _rotate(
    store: SqlStore, token: str, *, client: str = CLIENT, now: datetime = NOW, rotates: bool = True
) -> str:
    return store.grants.rotate(token, client, now, rotates=rotates, grace_s=GRACE_S).token


@pytest.fixture
def coded(store: SqlStore) -> SqlStore:
    """With a code that waits."""
    peopled(store)
    store.grants.start(a_grant(), NOW, code=a_code())
    return store


def test_a_code_gives_what_was_granted(coded: SqlStore) -> None:
    """A5: bound to redirect_uri, challenge and nonce."""
    seen: list[RedeemedCode] = []

    redeemed = _redeem(coded, check=lambda code: not seen.append(code))  # type: ignore[func-returns-value]

    assert redeemed is not None
    live, refresh = redeemed
    assert live.grant == a_grant()
    assert live.user.sub == "sub-1"
    assert refresh is not None
    assert seen == [
        RedeemedCode(grant=a_grant(), redirect_uri="https://app.example/callback", challenge="challenge")
    ]


def test_a_code_is_redeemed_once_and_its_replay_ends_the_first_use(coded: SqlStore) -> None:
    """A6: refused, and what the first use gave is revoked."""
    redeemed = _redeem(coded)
    assert redeemed is not None
    assert redeemed[1] is not None

    assert _redeem(coded) is None

    assert coded.grants.live("grant-1", NOW) is None
    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(coded, redeemed[1])


def test_without_a_replay_the_first_use_lives(coded: SqlStore) -> None:
    """A6: the twin."""
    redeemed = _redeem(coded)

    assert redeemed is not None
    assert redeemed[1] is not None
    assert coded.grants.live("grant-1", NOW) is not None
    assert _rotate(coded, redeemed[1])


def test_a_replay_is_noticed_after_the_code_has_expired(coded: SqlStore) -> None:
    """A6: as OIDF's oidcc-codereuse-30seconds asks, and for ten minutes more."""
    _redeem(coded)
    coded.clean(NOW + 9 * MINUTE, limit=100)

    assert _redeem(coded, now=NOW + 9 * MINUTE) is None
    assert coded.grants.live("grant-1", NOW) is None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"client": "another"}, id="client"),
        pytest.param({"now": NOW + 5 * MINUTE}, id="expired"),
        pytest.param({"code": CODE + "x"}, id="code"),
    ],
)
def test_a_code_of_another_client_or_time_is_refused_and_lives(
    coded: SqlStore, wrong: dict[str, str]
) -> None:
    """A5"""
    assert _redeem(coded, **wrong) is None  # type: ignore[arg-type]

    assert _redeem(coded) is not None


def test_a_wrong_verifier_burns_the_code(coded: SqlStore) -> None:
    """A5: there is no second guess."""
    assert _redeem(coded, check=lambda _: False) is None

    assert _redeem(coded) is None
    assert coded.grants.live("grant-1", NOW) is None


def test_a_code_of_somebody_who_was_disabled_meanwhile_is_refused(coded: SqlStore) -> None:
    """A8"""
    coded.users.set_enabled(POOL, "sub-1", False, NOW)

    assert _redeem(coded) is None


def test_a_rotated_token_gives_a_new_one_each_time(store: SqlStore) -> None:
    """A7"""
    peopled(store)
    tokens = [refresh_token(store)]
    for _ in range(3):
        tokens.append(_rotate(store, tokens[-1]))

    assert len(set(tokens)) == 4


def test_a_retry_within_the_grace_gets_the_same_successor(store: SqlStore) -> None:
    """A7: the answer got lost; nothing forks."""
    peopled(store)
    first = refresh_token(store)
    second = _rotate(store, first)

    assert _rotate(store, first, now=NOW + 10 * MINUTE / 60) == second
    assert _rotate(store, second)


def test_reuse_after_the_grace_revokes_the_family(store: SqlStore) -> None:
    """A7, R8: the row's own number says which token is the newest, and only that one advances it."""
    peopled(store)
    first = refresh_token(store)
    second = _rotate(store, first)

    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(store, first, now=NOW + 11 * MINUTE / 60)
    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(store, second, now=NOW + 11 * MINUTE / 60)


def test_reuse_of_the_one_before_last_revokes_even_within_the_grace(store: SqlStore) -> None:
    """A7: who has its successor's successor needs no retry."""
    peopled(store)
    first = refresh_token(store)
    third = _rotate(store, _rotate(store, first))

    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(store, first)
    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(store, third)


def test_a_clock_that_was_set_back_makes_no_longer_grace(store: SqlStore) -> None:
    """R6"""
    peopled(store)
    first = refresh_token(store)
    _rotate(store, first)

    with pytest.raises(NotAuthorized, match="revoked"):
        _rotate(store, first, now=NOW - HOUR)


def test_without_rotation_the_token_stays(store: SqlStore) -> None:
    peopled(store)
    token = refresh_token(store)

    assert [_rotate(store, token, rotates=False) for _ in range(2)] == [token, token]


def test_a_rotated_away_token_does_not_come_back_with_rotation_off(store: SqlStore) -> None:
    """A7"""
    peopled(store)
    first = refresh_token(store)
    second = _rotate(store, first)

    with pytest.raises(NotAuthorized):
        _rotate(store, first, rotates=False, now=NOW + HOUR)
    with pytest.raises(NotAuthorized):
        _rotate(store, second, rotates=False, now=NOW + HOUR)


def _changed(token: str) -> list[str]:
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    next_generation = raw.replace(b".1.", b".2.", 1)
    other_grant = raw.replace(b"grant-1", b"grant-2", 1)
    texts = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (next_generation, other_grant)]
    return [
        *texts,
        token[:-2] + "AA",
        token + "=",
        token + "A",
        token + "\n",
        " " + token,
        "",
        "a.b.c",
        "é",
        "A" * 4096,
    ]


def test_garbage_is_refused_and_writes_nothing(store: SqlStore) -> None:
    """A7: an HMAC is judged first: whoever guesses a grant's id revokes nothing."""
    peopled(store)
    token = refresh_token(store)
    refresh_token(store, "grant-2")

    for forged in _changed(token):
        with pytest.raises(NotAuthorized, match=r"^Invalid Refresh Token$"):
            _rotate(store, forged)
        assert not store.grants.revoke_token(forged, CLIENT, NOW)
    assert store.grants.live("grant-2", NOW) is not None
    assert _rotate(store, token)


def test_a_token_is_bound_to_its_client(store: SqlStore) -> None:
    """A8"""
    peopled(store)
    token = refresh_token(store)

    with pytest.raises(NotAuthorized, match=r"^Invalid Refresh Token$"):
        _rotate(store, token, client="another")
    assert _rotate(store, token)


def test_a_token_expires_with_its_grant_and_rotation_does_not_prolong_it(store: SqlStore) -> None:
    peopled(store)
    token = _rotate(store, refresh_token(store, expires_at=NOW + HOUR))

    assert _rotate(store, token, now=NOW + HOUR - MINUTE)
    with pytest.raises(NotAuthorized, match="expired"):
        _rotate(store, token, now=NOW + HOUR)


@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("how", ["reset", "disable", "sign-out", "revoke", "delete"])
def test_refresh_dies_with_the_session(store: SqlStore, how: str, rotates: bool) -> None:
    """A8"""
    peopled(store)
    token = refresh_token(store)
    ends: dict[str, Callable[[], object]] = {
        "reset": lambda: store.users.set_password(POOL, "sub-1", "hash-2", NOW),
        "disable": lambda: store.users.set_enabled(POOL, "sub-1", False, NOW),
        "sign-out": lambda: store.grants.sign_out(POOL, "sub-1", NOW),
        "revoke": lambda: store.grants.revoke("grant-1", "test", NOW),
        "delete": lambda: store.users.delete(POOL, "sub-1", NOW),
    }
    assert _rotate(store, token, rotates=False)

    ends[how]()

    with pytest.raises(NotAuthorized):
        _rotate(store, token, rotates=rotates)


def test_revocation_by_the_token(store: SqlStore) -> None:
    """A9"""
    peopled(store)
    token = refresh_token(store)

    assert not store.grants.revoke_token(token, "another", NOW)
    assert store.grants.live("grant-1", NOW) is not None
    assert store.grants.revoke_token(token, CLIENT, NOW)
    assert store.grants.live("grant-1", NOW) is None
    assert not store.grants.revoke("grant-1", "again", NOW)


def test_a_session_may_be_spared_by_a_sign_out(store: SqlStore) -> None:
    peopled(store)
    refresh_token(store, "mine")
    refresh_token(store, "other")

    store.grants.sign_out(POOL, "sub-1", NOW + MINUTE, except_grant="mine")

    assert store.grants.live("mine", NOW + MINUTE) is not None
    assert store.grants.live("other", NOW + MINUTE) is None


def test_no_grant_for_nobody(store: SqlStore) -> None:
    peopled(store)

    with pytest.raises(NotAuthorized):
        store.grants.start(a_grant(sub="nobody"), NOW)
    with pytest.raises(NotAuthorized):
        store.grants.start(a_grant(expires_at=NOW), NOW)


def test_the_database_holds_neither_codes_nor_tokens(coded: SqlStore) -> None:
    """A5: stored hashed."""
    redeemed = _redeem(coded)
    assert redeemed is not None
    rows = ""
    with coded.database.engine.connect() as connection:
        for table in ("authorization_codes", "refresh_families", "grants"):
            rows += str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())

    assert CODE not in rows
    assert str(redeemed[1]) not in rows
    assert "https://app.example/callback" in rows
