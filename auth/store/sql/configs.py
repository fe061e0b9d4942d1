"""Pools and clients as JSON and back: their own columns are not repeated in it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from auth.client import Client
from auth.pool import Added, AttributeRule, Brand, Lifetimes, PasswordPolicy, Pool

_TIMES = ("created_at", "updated_at")
_POOL_COLUMNS = ("pool_id", "name", "source", "is_closed", "takes_srp", "version", *_TIMES)
_CLIENT_COLUMNS = ("client_id", "pool_id", "name", "source", "is_closed", *_TIMES)
_POOL_SETS = ("auto_verified", "mfa_kinds")
_POOL_LISTS = ("recovery", "first_factors")
_CLIENT_LISTS = ("redirect_uris", "logout_uris", "scopes", "explicit_flows", "providers")
_ATTRIBUTE_SETS = ("read_attributes", "write_attributes")


def row_name(one: Pool | Client) -> str:
    """Names of what a file declares are unique; those that the API gave need not be, and stand in the config."""
    if one.source == "file":
        return one.name
    return f"api:{one.pool_id if isinstance(one, Pool) else one.client_id}"


def pool_config(pool: Pool) -> dict[str, Any]:
    config = {name: value for name, value in asdict(pool).items() if name not in _POOL_COLUMNS}
    config["sign_in_with"] = sorted(pool.sign_in_with)
    config["password"]["require"] = sorted(pool.password.require)
    config["attributes"] = [asdict(rule) for rule in pool.attributes]
    config["groups"] = list(pool.groups)
    config["standard"] = [asdict(rule) for rule in pool.standard]
    for name in _POOL_SETS:
        config[name] = sorted(config[name])
    for name in _POOL_LISTS:
        config[name] = list(config[name])
    return _named(pool, config)


def read_pool(row: Mapping[str, Any], *, takes_srp: bool = False) -> Pool:
    """:param row: of the table ``pools``; what an older version wrote lacks the newer settings."""
    config = dict(row["config"])
    config |= {name: frozenset(config[name]) for name in _POOL_SETS if name in config}
    config |= {name: tuple(config[name]) for name in _POOL_LISTS if name in config}
    password = dict(config.pop("password"))
    password["require"] = frozenset(password["require"])
    return Pool(
        pool_id=row["pool_id"],
        name=config.pop("name", row["name"]),
        source=row["source"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        is_closed=row["orphaned_at"] is not None,
        takes_srp=takes_srp,
        version=row["config_version"],
        sign_in_with=frozenset(config.pop("sign_in_with")),
        password=PasswordPolicy(**password),
        attributes=tuple(AttributeRule(**rule) for rule in config.pop("attributes")),
        standard=tuple(AttributeRule(**rule) for rule in config.pop("standard", ())),
        added=Added(**config.pop("added", {})),
        groups=tuple(config.pop("groups")),
        lifetimes=Lifetimes(**config.pop("lifetimes")),
        brand=Brand(**config.pop("brand")),
        **config,
    )


def client_config(client: Client) -> dict[str, Any]:
    config = {name: value for name, value in asdict(client).items() if name not in _CLIENT_COLUMNS}
    config["flows"] = sorted(client.flows)
    for name in _CLIENT_LISTS:
        config[name] = list(config[name])
    for name in _ATTRIBUTE_SETS:
        config[name] = None if config[name] is None else sorted(config[name])
    return _named(client, config)


def read_client(row: Mapping[str, Any]) -> Client:
    """:param row: of the table ``clients``."""
    config = dict(row["config"])
    config |= {name: tuple(config[name]) for name in _CLIENT_LISTS if name in config}
    config |= {name: _set_or_none(config.get(name)) for name in _ATTRIBUTE_SETS}
    lifetimes = config.pop("lifetimes")
    return Client(
        client_id=row["client_id"],
        pool_id=row["pool_id"],
        name=config.pop("name", row["name"]),
        source=row["source"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        is_closed=row["orphaned_at"] is not None,
        flows=frozenset(config.pop("flows")),
        lifetimes=None if lifetimes is None else Lifetimes(**lifetimes),
        **config,
    )


def _named(one: Pool | Client, config: dict[str, Any]) -> dict[str, Any]:
    return config if one.source == "file" else {**config, "name": one.name}


def _set_or_none(names: Any) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
