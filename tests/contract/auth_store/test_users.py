"""People: their names, addresses, attributes, groups, and what ends their sessions."""

from dataclasses import replace

import pytest

from auth.errors import AliasExists, InvalidParameter, ResourceNotFound, UsernameExists, UserNotFound
from auth.store.ports import LockRule
from auth.store.sql import SqlStore
from auth.user import MfaPreference
from tests.support.auth_store import HOUR, MINUTE, NOW, POOL, new_user, peopled, refresh_token


def test_find_by_name_address_or_sub(store: SqlStore) -> None:
    user = peopled(store)
    store.users.update_attributes(user, {}, NOW, aliases=[("email", "sub-1@example.com")])

    for key in ("name-of-sub-1", "sub-1@example.com", "sub-1"):
        found = store.users.find(POOL, key)
        assert found is not None
        assert (found[0].sub, found[1] and found[1].hash) == ("sub-1", "hash-1")
    assert store.users.find(POOL, "Sub-1") is None
    assert store.users.find("us-east-1_Other0001", "sub-1") is None


def test_an_address_is_no_right_before_it_is_an_alias(store: SqlStore) -> None:
    peopled(store)

    assert store.users.find(POOL, "sub-1@example.com") is None


def test_a_name_wins_over_the_alias_of_another(store: SqlStore) -> None:
    peopled(store)
    store.users.create(new_user("sub-2", aliases=(("preferred_username", "name-of-sub-1"),)), NOW)

    found = store.users.find(POOL, "name-of-sub-1")

    assert found is not None
    assert found[0].sub == "sub-1"


def test_names_and_aliases_are_taken_once_and_nothing_is_half_written(store: SqlStore) -> None:
    """B13: one canonical form, by the unique index."""
    peopled(store)
    alias = (("email", "a@example.com"),)
    store.users.create(new_user("sub-2", aliases=alias), NOW)

    with pytest.raises(UsernameExists):
        store.users.create(new_user("sub-3", username_key="name-of-sub-1"), NOW)
    with pytest.raises(AliasExists):
        store.users.create(new_user("sub-3", aliases=alias), NOW)
    assert store.users.get(POOL, "sub-3") is None
    assert store.users.create(new_user("sub-3"), NOW).sub == "sub-3"


def test_attributes_are_set_and_removed_one_by_one(store: SqlStore) -> None:
    user = peopled(store)

    changed = store.users.update_attributes(user, {"name": "Ann", "email": None}, NOW + HOUR)

    assert changed.attributes == {"name": "Ann"}
    assert changed.updated_at == NOW + HOUR
    assert changed.version == user.version + 1


def test_an_update_of_a_row_that_was_changed_keeps_both_changes(store: SqlStore) -> None:
    """R8: an update names the row that it has seen, and is done again on a fresh one."""
    seen = peopled(store)
    store.users.update_attributes(seen, {"name": "Ann"}, NOW)

    changed = store.users.update_attributes(seen, {"locale": "de"}, NOW)

    assert changed.attributes == {"email": "sub-1@example.com", "name": "Ann", "locale": "de"}


def test_aliases_move_with_the_attribute(store: SqlStore) -> None:
    user = peopled(store)
    other = store.users.create(new_user("sub-2", aliases=(("email", "b@example.com"),)), NOW)
    user = store.users.update_attributes(user, {}, NOW, aliases=[("email", "a@example.com")])

    with pytest.raises(AliasExists):
        store.users.update_attributes(
            user, {"email": "b@example.com"}, NOW, aliases=[("email", "b@example.com")]
        )
    assert store.users.find(POOL, "a@example.com") is not None
    store.users.update_attributes(other, {}, NOW, aliases=[("email", None)])
    user = store.users.update_attributes(user, {}, NOW, aliases=[("email", "b@example.com")])
    assert store.users.find(POOL, "a@example.com") is None
    found = store.users.find(POOL, "b@example.com")
    assert found is not None
    assert found[0].sub == "sub-1"


def test_a_new_name_is_unique_too(store: SqlStore) -> None:
    user = peopled(store)
    store.users.create(new_user("sub-2"), NOW)

    with pytest.raises(AliasExists):
        store.users.update_attributes(user, {}, NOW, username=("x", "name-of-sub-2"))
    changed = store.users.update_attributes(user, {}, NOW, username=("New", "new"))
    assert changed.username == "New"
    assert store.users.find(POOL, "new") is not None


@pytest.mark.parametrize("how", ["password", "disable", "sign-out", "reset-required"])
def test_all_sessions_end(store: SqlStore, how: str) -> None:
    """A8: a new password, disabling, signing out everywhere: refresh dies with each."""
    peopled(store)
    refresh_token(store)
    assert store.grants.live("grant-1", NOW) is not None

    if how == "password":
        store.users.set_password(POOL, "sub-1", "hash-2", NOW)
    elif how == "disable":
        store.users.set_enabled(POOL, "sub-1", False, NOW)
    elif how == "sign-out":
        store.grants.sign_out(POOL, "sub-1", NOW)
    else:
        store.users.set_status(POOL, "sub-1", "RESET_REQUIRED", NOW)

    assert store.grants.live("grant-1", NOW) is None


def test_a_session_that_was_ended_stays_so_when_its_user_is_enabled_again(store: SqlStore) -> None:
    """A8: whoever was disabled signs in anew. Twin: a session from after it."""
    peopled(store)
    refresh_token(store)
    store.users.set_enabled(POOL, "sub-1", False, NOW + MINUTE)
    store.users.set_enabled(POOL, "sub-1", True, NOW + 2 * MINUTE)
    refresh_token(store, "new", created_at=NOW + 2 * MINUTE)

    assert store.grants.live("grant-1", NOW + 2 * MINUTE) is None
    assert store.grants.live("new", NOW + 2 * MINUTE) is not None


def test_a_changed_password_spares_the_session_that_changed_it(store: SqlStore) -> None:
    """A8: ChangePassword ends all sessions but its own."""
    peopled(store)
    refresh_token(store, "mine")
    refresh_token(store, "other")

    store.users.set_password(POOL, "sub-1", "hash-2", NOW + MINUTE, except_grant="mine")

    assert store.grants.live("mine", NOW + MINUTE) is not None
    assert store.grants.live("other", NOW + MINUTE) is None


def test_a_sign_in_that_began_before_the_reset_gives_nothing(store: SqlStore) -> None:
    """A8: the old password was judged, then it was replaced, then the grant was written."""
    peopled(store)
    store.users.set_password(POOL, "sub-1", "hash-2", NOW + MINUTE)

    refresh_token(store, "late")
    refresh_token(store, "new", created_at=NOW + MINUTE)

    assert store.grants.live("late", NOW + MINUTE) is None
    assert store.grants.live("new", NOW + MINUTE) is not None


def test_a_sign_out_of_a_clock_that_was_an_hour_ahead_locks_nobody_out(store: SqlStore) -> None:
    """R6: what was signed out stays so; a sign-in after the clock was set right lives."""
    peopled(store)
    refresh_token(store, "before")
    store.grants.sign_out(POOL, "sub-1", NOW + HOUR)

    refresh_token(store, "after")

    assert store.grants.live("before", NOW) is None
    assert store.grants.live("after", NOW) is not None


def test_passwords_are_replaced_and_rehashed(store: SqlStore) -> None:
    peopled(store)
    store.users.set_password(
        POOL, "sub-1", "hash-2", NOW, temporary_until=NOW + HOUR, status="FORCE_CHANGE_PASSWORD"
    )

    store.users.rehash(POOL, "sub-1", "hash-1", "hash-9")
    store.users.rehash(POOL, "sub-1", "hash-2", "hash-3")

    found = store.users.find(POOL, "sub-1")
    assert found is not None
    assert found[1] is not None
    assert (found[1].hash, found[1].temporary_until) == ("hash-3", NOW + HOUR)
    assert found[0].status == "FORCE_CHANGE_PASSWORD"
    with pytest.raises(UserNotFound):
        store.users.set_password(POOL, "nobody", "hash", NOW)


def test_groups_are_told_strongest_first(store: SqlStore) -> None:
    peopled(store)
    for name, precedence in (("weak", 9), ("none", None), ("strong", 1), ("also-none", None)):
        store.users.put_group(POOL, name, NOW, precedence=precedence)
        store.users.add_to_group(POOL, "sub-1", name, NOW)
    store.users.add_to_group(POOL, "sub-1", "weak", NOW)

    user = store.users.get(POOL, "sub-1")

    assert user is not None
    assert user.groups == ("strong", "weak", "also-none", "none")
    assert tuple(name for name, _, _ in store.users.groups(POOL)) == user.groups
    store.users.remove_from_group(POOL, "sub-1", "weak")
    store.users.delete_group(POOL, "none")
    user = store.users.get(POOL, "sub-1")
    assert user is not None
    assert user.groups == ("strong", "also-none")
    with pytest.raises(ResourceNotFound):
        store.users.add_to_group(POOL, "sub-1", "nothing", NOW)


def test_mfa_is_kept(store: SqlStore) -> None:
    peopled(store)
    preference = MfaPreference(enabled=frozenset({"EMAIL_OTP"}), preferred="EMAIL_OTP")

    store.users.set_mfa(POOL, "sub-1", preference, NOW)

    user = store.users.get(POOL, "sub-1")
    assert user is not None
    assert user.mfa == preference
    assert not user.has_software_token


def test_a_deleted_user_leaves_nothing(store: SqlStore) -> None:
    """A8: their sessions end, and their name is free, with no counter of them left."""
    user = peopled(store)
    refresh_token(store)
    store.attempts.count(POOL, "password", "name-of-sub-1", LockRule(), NOW)

    store.users.delete(POOL, "sub-1", NOW)

    assert store.users.find(POOL, "name-of-sub-1") is None
    assert store.grants.live("grant-1", NOW) is None
    assert store.attempts.read(POOL, "password", "name-of-sub-1") is None
    with pytest.raises(UserNotFound):
        store.users.delete(POOL, "sub-1", NOW)
    with pytest.raises(UserNotFound):
        store.users.update_attributes(user, {"name": "x"}, NOW)
    assert store.users.create(new_user(), NOW).sub == "sub-1"


def _many(store: SqlStore) -> None:
    peopled(store)
    for number in range(2, 8):
        email = f"{'anna' if number % 2 else 'bert'}{number}@example.com"
        store.users.create(new_user(f"sub-{number}", attributes={"email": email}), NOW)


def test_pages_of_users(store: SqlStore) -> None:
    _many(store)

    first = store.users.list(POOL, limit=4)
    second = store.users.list(POOL, limit=4, after=first.next)

    assert [user.sub for user in (*first.users, *second.users)] == [f"sub-{n}" for n in range(1, 8)]
    assert second.next is None


@pytest.mark.parametrize(
    ("filter", "subs"),
    [
        pytest.param(("email", "^=", "anna"), ["sub-3", "sub-5", "sub-7"], id="prefix"),
        pytest.param(("email", "^=", "ANNA5"), ["sub-5"], id="prefix-of-another-case"),
        pytest.param(("email", "=", "bert2@example.com"), ["sub-2"], id="equal"),
        pytest.param(("email", "=", "bert2"), [], id="equal-is-not-prefix"),
        pytest.param(("username", "=", "Sub-4"), ["sub-4"], id="username"),
        pytest.param(("sub", "=", "sub-4"), ["sub-4"], id="sub"),
        pytest.param(
            ("cognito:user_status", "=", "CONFIRMED"), [f"sub-{n}" for n in range(1, 8)], id="state"
        ),
        pytest.param(("cognito:user_status", "=", "UNCONFIRMED"), [], id="other-state"),
        pytest.param(("status", "=", "Disabled"), ["sub-1"], id="disabled"),
    ],
)
def test_filters(store: SqlStore, filter: tuple[str, str, str], subs: list[str]) -> None:
    _many(store)
    store.users.set_enabled(POOL, "sub-1", False, NOW)

    pages, after = [], None
    while True:
        page = store.users.list(POOL, limit=2, filter=filter, after=after)  # type: ignore[arg-type]
        pages.extend(user.sub for user in page.users)
        after = page.next
        if after is None:
            break

    assert pages == subs


def test_bad_filters_and_pages_are_refused(store: SqlStore) -> None:
    _many(store)

    with pytest.raises(InvalidParameter):
        store.users.list(POOL, limit=2, filter=("shoe_size", "=", "44"))
    with pytest.raises(InvalidParameter):
        store.users.list(POOL, limit=2, filter=("email", "^=", "anna"), after="one-part")


def test_members_of_a_group(store: SqlStore) -> None:
    _many(store)
    store.users.put_group(POOL, "staff", NOW)
    for sub in ("sub-2", "sub-5"):
        store.users.add_to_group(POOL, sub, "staff", NOW)

    assert [user.sub for user in store.users.list(POOL, limit=9, group="staff").users] == ["sub-2", "sub-5"]


def test_the_user_that_is_found_is_the_one_that_is_got(store: SqlStore) -> None:
    user = peopled(store)

    found = store.users.find(POOL, "sub-1")

    assert found is not None
    assert found[0] == user == store.users.get(POOL, "sub-1") == replace(user)
