"""``lockgate pool``: the user pools that exist, also those that no file declares any more."""

import argparse
import json
from typing import Any

from auth.pool import Pool
from lockgate.commands.user import table
from lockgate.errors import ExitCode, UsageError
from lockgate.pool_office import Office, open_office


def run(arguments: argparse.Namespace) -> int:
    with open_office(arguments) as office:
        if arguments.action == "list":
            _list(office, as_json=arguments.json)
        else:
            _delete(office, office.pool(arguments.name), arguments)
    return ExitCode.OK


def _list(office: Office, *, as_json: bool) -> None:
    pools = [_described(office, pool) for pool in office.directory.pools()]
    if as_json:
        print(json.dumps(pools, indent=2))  # noqa: T201
        return
    rows = [
        (each["name"], each["id"], f"{each['users']:,}", ", ".join(each["clients"]), _state(each))
        for each in pools
    ]
    for line in table(("pool", "id", "people", "clients", ""), rows):
        print(line)  # noqa: T201


def _described(office: Office, pool: Pool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "id": pool.pool_id,
        "source": pool.source,
        "closed": pool.is_closed,
        "users": office.store.pools.count_users(pool.pool_id),
        "clients": {client.name: client.client_id for client in office.directory.clients(pool.pool_id)},
    }


def _state(described: dict[str, Any]) -> str:
    if described["source"] == "api":
        return "made by the API"
    return "closed: no file declares it" if described["closed"] else ""


def _delete(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    if pool.source == "file" and office.file is not None and pool.name in office.file.user_pools:
        raise UsageError(
            f"The routes file still declares {pool.name}.", "Take it out there first, and reload the server."
        )
    people = office.store.pools.count_users(pool.pool_id)
    if not arguments.yes:
        raise UsageError(
            f"{pool.name} and its {people:,} {'person' if people == 1 else 'people'} would be gone for good.",
            "Say --yes.",
        )
    office.store.pools.delete_pool(pool.pool_id)
    office.record("pool_deleted", pool, pool.pool_id, f"{people} people")
    if arguments.json:
        print(json.dumps({"id": pool.pool_id, "users": people}))  # noqa: T201
    else:
        print(f"{pool.name} is gone, and with it {people:,} {'person' if people == 1 else 'people'}.")  # noqa: T201
