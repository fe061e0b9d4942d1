"""Groups as a store keeps them, and that lists walk an index, whoever is listed."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from auth.errors import GroupExists, ResourceNotFound
from auth.group import Group, GroupChange
from auth.store.sql import SqlStore
from auth.store.sql.user_list import _statement
from tests.support.auth_store import HOUR, NOW, POOL, new_user, opened, peopled

GROUP = Group(
    pool_id=POOL,
    name="readers",
    created_at=NOW,
    updated_at=NOW,
    description="who reads",
    role_arn="arn:aws:iam::000000000000:role/reader",
    precedence=3,
)


def test_a_group_is_kept_whole_and_changed_in_part(store: SqlStore) -> None:
    peopled(store)
    store.users.create_group(GROUP)
    assert store.users.group(POOL, "readers") == GROUP
    changed = store.users.update_group(POOL, "readers", GroupChange(precedence=0), NOW + HOUR)
    assert changed == replace(GROUP, precedence=0, updated_at=NOW + HOUR)
    assert store.users.group(POOL, "readers") == changed
    assert store.users.delete_group(POOL, "readers") is True
    assert store.users.delete_group(POOL, "readers") is False
    assert store.users.group(POOL, "readers") is None


def test_what_is_not_there_or_is_there_already(store: SqlStore) -> None:
    peopled(store)
    store.users.create_group(GROUP)
    with pytest.raises(GroupExists):
        store.users.create_group(replace(GROUP, description="another"))
    assert store.users.group(POOL, "readers") == GROUP
    with pytest.raises(ResourceNotFound):
        store.users.update_group(POOL, "nothing", GroupChange(precedence=1), NOW)
    with pytest.raises(ResourceNotFound):
        store.users.create_group(replace(GROUP, pool_id="us-east-1_Nothing01"))


def test_pages_of_groups_by_name(store: SqlStore) -> None:
    user = peopled(store)
    for name in ("c", "a", "b"):
        store.users.create_group(replace(GROUP, name=name))
    store.users.add_to_group(POOL, user.sub, "c", NOW)
    first = store.users.list_groups(POOL, limit=2)
    assert ([group.name for group in first.groups], first.next) == (["a", "b"], "b")
    last = store.users.list_groups(POOL, limit=2, after=first.next)
    assert ([group.name for group in last.groups], last.next) == (["c"], None)
    mine = store.users.list_groups(POOL, limit=2, sub=user.sub)
    assert ([group.name for group in mine.groups], mine.next) == (["c"], None)


def test_a_new_user_takes_an_address_over_only_when_told_to(store: SqlStore) -> None:
    peopled(store)
    alias = (("email", "a@example.com"),)
    verified = {"email": "a@example.com", "email_verified": "true"}
    store.users.create(new_user("sub-2", aliases=alias, attributes=verified), NOW)
    store.users.create(new_user("sub-3", aliases=alias, takes_over=True), NOW)
    found = store.users.find(POOL, "a@example.com")
    assert found is not None
    assert found[0].sub == "sub-3"
    loser = store.users.get(POOL, "sub-2")
    assert loser is not None
    assert loser.attributes["email_verified"] == "false"


def test_a_half_way_point_has_an_owner(store: SqlStore) -> None:
    """Asking does not use it up."""
    peopled(store)
    store.challenges.put("handle-of-128-bits", POOL, "client1", "ada", None, b"state", NOW + HOUR)
    assert store.challenges.client_of("handle-of-128-bits", NOW) == "client1"
    assert store.challenges.client_of("another", NOW) is None
    assert store.challenges.client_of("handle-of-128-bits", NOW + HOUR) is None
    assert store.challenges.consume("handle-of-128-bits", "client1", NOW) == b"state"
    assert store.challenges.client_of("handle-of-128-bits", NOW) is None


@pytest.mark.parametrize(
    ("filter", "group"),
    [
        (None, None),
        (None, "readers"),
        (("email", "=", "a"), None),
        (("email", "^=", "a"), None),
        (("sub", "^=", "a"), None),
        (("cognito:user_status", "=", "CONFIRMED"), None),
        (("status", "=", "Enabled"), None),
    ],
)
def test_a_list_never_scans(tmp_path: Path, filter: tuple[str, str, str] | None, group: str | None) -> None:
    """Nor sorts: the next page begins where an index goes on. PostgreSQL plans by how many rows there are, so this is
    SQLite's plan, for the same statement and the same indices."""
    statement, position = _statement(POOL, filter, group)  # type: ignore[arg-type]  # of parameters
    with opened(f"sqlite:///{tmp_path}/auth.db", tmp_path) as store:
        database = store.users._db
        whole = statement.order_by(*position).limit(61)
        sql = str(whole.compile(database.engine, compile_kwargs={"literal_binds": True}))
        with database.read() as connection:
            plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
    assert any(step.startswith("SEARCH users") for step in plan)
    assert [step for step in plan if step.startswith(("SCAN", "USE TEMP"))] == [], plan
