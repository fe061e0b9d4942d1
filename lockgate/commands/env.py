"""``lockgate env``: where the running server is and what AWS clients sign with."""

import argparse
import json
import shlex
from pathlib import Path

from lockgate.errors import ExitCode
from lockgate.running import find_server


def run(arguments: argparse.Namespace) -> int:
    endpoints = find_server(Path(arguments.state))
    if arguments.json:
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
    # Left over from real AWS, these would be used instead or make every signature wrong.
    unset = "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE"
    print('# For a shell: eval "$(lockgate env)"')  # noqa: T201
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201
    print(unset)  # noqa: T201
    return ExitCode.OK
