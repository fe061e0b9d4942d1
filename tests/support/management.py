"""Pools made by the API in tests: a stand whose new pools get no keys, which take half a second each."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from auth.store.ports import Declared, KeyStore
from auth.tokens.keyring import KeyRing
from tests.support.cognito_stand import CognitoStand

_numbers = itertools.count(1)


class NoKeys(KeyRing):
    """For tests in which no token is made."""

    def __init__(self) -> None:
        super().__init__(cast(KeyStore, None))

    def ensure(self, pool_id: str, now: datetime) -> None:
        """Nothing is signed."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    """One a module: whoever makes a pool takes it away again (`made`), or none minds it."""
    folder: Path = tmp_path_factory.mktemp("stand")
    with CognitoStand(folder, foundation={"keyring": NoKeys()}) as stand:
        yield stand


@pytest.fixture
def api(stand: CognitoStand) -> Any:
    """boto3's client with the operators' keys."""
    return stand.admin


@pytest.fixture
def pool_id(api: Any) -> str:
    """Of a pool that the API has just made, with nothing said."""
    return made_pool(api)["Id"]


def made_pool(api: Any, **settings: Any) -> Any:
    """:returns: the pool as CreateUserPool answered."""
    return api.create_user_pool(**{"PoolName": f"pool {next(_numbers)}", **settings})["UserPool"]


def shown_pool(api: Any, pool_id: str) -> Any:
    return api.describe_user_pool(UserPoolId=pool_id)["UserPool"]


def made_client(api: Any, pool_id: str, **settings: Any) -> Any:
    settings = {"ClientName": "web", **settings}
    return api.create_user_pool_client(UserPoolId=pool_id, **settings)["UserPoolClient"]


def shown_client(api: Any, client: Any) -> Any:
    """Read again."""
    named = {name: client[name] for name in ("UserPoolId", "ClientId")}
    return api.describe_user_pool_client(**named)["UserPoolClient"]


def declared_again(stand: CognitoStand, **changes: Any) -> None:
    """What a reload of a file does that says *changes* of the pool."""
    people = stand.people
    pool = replace(people.pool, **changes)
    people.store.pools.declare([Declared(pool=pool, clients=(people.client,))], people.now)
