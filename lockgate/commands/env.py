"""``lockgate env``: where the running server is and what AWS clients sign with."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from lockgate.errors import ExitCode
from lockgate.running import find_server


def run(arguments: argparse.Namespace) -> int:
    endpoints = find_server(Path(arguments.state))
    if arguments.json:
        if arguments.secrets and endpoints["user_pools"]:
            _add_secrets(arguments, endpoints["user_pools"])
        print(json.dumps(endpoints, indent=2))  # noqa: T201
        return ExitCode.OK
    variables = {
        "AWS_ENDPOINT_URL_LAMBDA": endpoints["endpoints"]["lambda"],
        "AWS_REGION": endpoints["region"],
        "AWS_DEFAULT_REGION": endpoints["region"],
        "AWS_ACCESS_KEY_ID": endpoints["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": endpoints["secret_access_key"],
        "LOCKGATE_GATEWAY_URL": endpoints["gateway"],
        "LOCKGATE_ADMIN_URL": endpoints["admin"],
    }
    if endpoints["auth"] is not None:
        variables["LOCKGATE_AUTH_URL"] = endpoints["auth"]
        # All actions are there, those that applications call without keys among them.
        variables["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"] = endpoints["endpoints"]["cognito_idp_admin"]
    # Left over from real AWS, these would be used instead or make every signature wrong.
    unset = "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE"
    print('# For a shell: eval "$(lockgate env)"')  # noqa: T201
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201
    print(unset)  # noqa: T201
    return ExitCode.OK


def _add_secrets(arguments: argparse.Namespace, pools: dict[str, Any]) -> None:
    """From the server's database: what it published has none."""
    from lockgate.pool_office import open_office

    with open_office(arguments) as office:
        for pool in pools.values():
            for client in pool["clients"].values():
                secrets = office.store.pools.client_secrets(client["id"], office.now)
                if secrets:
                    client["secret"] = secrets[0]
