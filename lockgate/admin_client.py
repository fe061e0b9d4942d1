"""Tells the running server to do something: one signed POST to its admin listener."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from kit.sigv4 import Credentials, sign
from lockgate.admin_actions import SERVICE
from lockgate.errors import CommandError, ExitCode, RuntimeFailure

CONNECT_S = 5.0
ANSWER_S = 900.0  # a reload may install dependencies


class NotAllowed(CommandError):
    exit_code = ExitCode.AUTHORIZATION


def act(server: Mapping[str, Any], action: str, asked: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
    """Run one action of the admin listener.

    :param server: what `running.find_server` found.
    :returns: status and JSON object of the answer, whatever they are.
    :raises RuntimeFailure: there was no answer. :raises NotAllowed: the state's credentials are not the server's.
    """
    admin: str = server["admin"]
    socket = admin.removeprefix("unix:") if admin.startswith("unix:") else None
    url = f"{'http://localhost' if socket else admin}/{action}"
    body = json.dumps(asked).encode()
    credentials = Credentials(server["access_key_id"], server["secret_access_key"])
    headers = {"content-type": "application/json"}
    signed = sign("POST", url, headers, body, credentials, server["region"], SERVICE, datetime.now(UTC))
    try:
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=socket), timeout=httpx.Timeout(CONNECT_S, read=ANSWER_S)
        ) as client:
            response = client.post(url, content=body, headers=signed)
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise RuntimeFailure(f"The server did not answer: {error}.", "See its own log.") from error
    if response.status_code == 403:
        raise NotAllowed(
            f"The server refused: {answer.get('message')}.",
            "Name the state folder of the server that runs, and compare this machine's clock with its.",
        )
    return response.status_code, answer
