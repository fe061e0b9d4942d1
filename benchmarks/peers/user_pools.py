"""Two user pools of others, behind the same API: moto's server and cognito-local. A pool, a client, a user, a sign-in.

Neither keeps a password as a hash: moto compares the text, cognito-local compares the text of its JSON file. Neither
locks anybody out. So theirs are the figures of a sign-in without its cost.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from benchmarks.closed_loop import Connection
from benchmarks.install import PLACE
from benchmarks.load import LoadFailed
from benchmarks.peers.ports import free_ports
from benchmarks.program import Program, answers

USER, PASSWORD = "someone@example.com", "Correct-horse-7"
_TARGET = "AWSCognitoIdentityProviderService."
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/cognito-idp/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


class UserPoolPeer:
    """:ivar sign_in: one ``InitiateAuth`` with USER_PASSWORD_AUTH, judged."""

    def __init__(
        self, folder: Path, name: str, command: Callable[[int], list[str]], env: dict[str, str]
    ) -> None:
        self.name = name
        place = folder / name
        place.mkdir()
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.program = Program(name, command(port), folder=place, env=env | {"PORT": str(port)})
        self.program.await_true(lambda: answers(self.url + "/"), "does not answer")
        self._request = b""

    async def prepare(self) -> None:
        """Make the pool, the client and the user."""
        connection = Connection(self.url)
        pool = await self._ask(connection, "CreateUserPool", {"PoolName": "bench"})
        pool_id = pool["UserPool"]["Id"]
        client = await self._ask(
            connection,
            "CreateUserPoolClient",
            {"UserPoolId": pool_id, "ClientName": "web", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]},
        )
        person = {
            "UserPoolId": pool_id,
            "Username": USER,
            "UserAttributes": [{"Name": "email", "Value": USER}],
            "MessageAction": "SUPPRESS",
        }
        await self._ask(connection, "AdminCreateUser", person)
        password = {"UserPoolId": pool_id, "Username": USER, "Password": PASSWORD, "Permanent": True}
        await self._ask(connection, "AdminSetUserPassword", password)
        asked = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": client["UserPoolClient"]["ClientId"],
            "AuthParameters": {"USERNAME": USER, "PASSWORD": PASSWORD},
        }
        self._request = json.dumps(asked).encode()
        await connection.close()

    async def sign_in(self, connection: Connection, _: int) -> None:
        answer = await connection.call("POST", "/", headers=_headers("InitiateAuth"), body=self._request)
        if answer.status != 200 or b"AccessToken" not in answer.body:
            raise LoadFailed(f"{self.name}: {answer.status} {answer.body[:200]!r}")

    async def _ask(self, connection: Connection, action: str, value: dict[str, Any]) -> Any:
        answer = await connection.call("POST", "/", headers=_headers(action), body=json.dumps(value).encode())
        if answer.status != 200:
            raise LoadFailed(f"{self.name}: {action}: {answer.status} {answer.body[:200]!r}")
        return json.loads(answer.body or b"{}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def _headers(action: str) -> dict[str, str]:
    return {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": _TARGET + action,
        "authorization": _SIGNED,
    }


def moto(folder: Path) -> UserPoolPeer:
    place = PLACE / "moto"

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]

    return UserPoolPeer(folder, "moto", command, {"PYTHONPATH": str(place)})


def cognito_local(folder: Path) -> UserPoolPeer:
    package = PLACE / "node" / "node_modules" / "cognito-local"
    started = json.loads((package / "package.json").read_text())["bin"]
    program = package / (started if isinstance(started, str) else started["cognito-local"])
    return UserPoolPeer(
        folder, "cognito-local", lambda _: ["node", str(program)], {"HOME": os.environ.get("HOME", "/tmp")}
    )


def are_installed() -> bool:
    return (PLACE / "moto" / "moto").is_dir() and (PLACE / "node/node_modules/cognito-local").is_dir()
