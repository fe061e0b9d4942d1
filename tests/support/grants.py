"""Sessions of people of `tests.support.user_pool`, as a sign-in by OAuth leaves them."""

import uuid
from datetime import timedelta

from auth.grant import Grant
from tests.support.user_pool import UserPool


def a_grant(people: UserPool, username: str = "ada") -> str:
    """A grant with a refresh token. :returns: its id."""
    grant = Grant(
        grant_id=str(uuid.uuid4()),
        pool_id=people.pool.pool_id,
        client_id=people.client.client_id,
        sub=people.user(username).sub,
        kind="code",
        scopes=("openid",),
        auth_time=people.now,
        amr=("pwd",),
        created_at=people.now,
        expires_at=people.now + timedelta(days=30),
    )
    people.store.grants.start(grant, people.now, refresh=True)
    return grant.grant_id
