"""Pools and clients as JSON and back: their own columns are not repeated in it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from auth.client import Client
from auth.pool import AttributeRule, Brand, Lifetimes, PasswordPolicy, Pool

_POOL_COLUMNS = ("pool_id", "name", "source", "is_closed", "takes_srp", "version")
_CLIENT_COLUMNS = ("client_id", "pool_id", "name", "source", "is_closed")


def pool_config(pool: Pool) -> dict[str, Any]:
    config = {name: value for name, value in asdict(pool).items() if name not in _POOL_COLUMNS}
    config["sign_in_with"] = sorted(pool.sign_in_with)
    config["password"]["require"] = sorted(pool.password.require)
    config["attributes"] = [asdict(rule) for rule in pool.attributes]
    config["groups"] = list(pool.groups)
    return config


def read_pool(row: Mapping[str, Any], *, takes_srp: bool = False) -> Pool:
    """:param row: of the table ``pools``."""
    config = dict(row["config"])
    password = dict(config.pop("password"))
    password["require"] = frozenset(password["require"])
    return Pool(
        pool_id=row["pool_id"],
        name=row["name"],
        source=row["source"],
        is_closed=row["orphaned_at"] is not None,
        takes_srp=takes_srp,
        version=row["config_version"],
        sign_in_with=frozenset(config.pop("sign_in_with")),
        password=PasswordPolicy(**password),
        attributes=tuple(AttributeRule(**rule) for rule in config.pop("attributes")),
        groups=tuple(config.pop("groups")),
        lifetimes=Lifetimes(**config.pop("lifetimes")),
        brand=Brand(**config.pop("brand")),
        **config,
    )


def client_config(client: Client) -> dict[str, Any]:
    config = {name: value for name, value in asdict(client).items() if name not in _CLIENT_COLUMNS}
    config["flows"] = sorted(client.flows)
    for name in ("redirect_uris", "logout_uris", "scopes"):
        config[name] = list(config[name])
    return config


def read_client(row: Mapping[str, Any]) -> Client:
    """:param row: of the table ``clients``."""
    config = dict(row["config"])
    lifetimes = config.pop("lifetimes")
    return Client(
        client_id=row["client_id"],
        pool_id=row["pool_id"],
        name=row["name"],
        source=row["source"],
        is_closed=row["orphaned_at"] is not None,
        flows=frozenset(config.pop("flows")),
        redirect_uris=tuple(config.pop("redirect_uris")),
        logout_uris=tuple(config.pop("logout_uris")),
        scopes=tuple(config.pop("scopes")),
        lifetimes=None if lifetimes is None else Lifetimes(**lifetimes),
        **config,
    )
