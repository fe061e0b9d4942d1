"""``lockgate client secret``: what a client that is a server proves itself with."""

import argparse
import json
from datetime import timedelta

from lockgate.errors import ExitCode, UsageError
from lockgate.pool_office import open_office

OVERLAP = timedelta(hours=1)  # for whoever must hand the new one to servers that run


def run(arguments: argparse.Namespace) -> int:
    with open_office(arguments) as office:
        pool = office.pool(arguments.pool)
        client = office.client(pool, arguments.name)
        if not client.has_secret:
            raise UsageError(
                f"The client {client.name} has no secret.", "secret: generate in routes.yaml makes one."
            )
        if arguments.new:
            old_until = None if arguments.now else office.now + OVERLAP
            secret = office.store.pools.new_client_secret(client.client_id, office.now, old_until)
            office.record("client_secret_made", pool, client.client_id)
        else:
            secret = office.store.pools.client_secrets(client.client_id, office.now)[0]
    print(json.dumps({"id": client.client_id, "secret": secret}) if arguments.json else secret)  # noqa: T201
    return ExitCode.OK
