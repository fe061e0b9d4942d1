"""User pools of others behind the same API: moto, cognito-local, MiniStack. A pool, a client, a user, a sign-in.

None keeps a password as a hash: moto and MiniStack compare the text, cognito-local compares the text of its JSON file.
None locks anybody out. So theirs are the figures of a sign-in without its cost. MiniStack speaks SRP; it makes the
verifier of the text at each sign-in.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from benchmarks.closed_loop import Connection
from benchmarks.cognito import ApiCaller
from benchmarks.install import PLACE
from benchmarks.peers.ports import free_ports
from benchmarks.program import Program, answers

USER, PASSWORD = "someone@example.com", "Correct-horse-7"
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/cognito-idp/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


class UserPoolPeer:
    """:ivar caller: signs its one user in, once it is prepared. :param speaks_srp: and judges the proof."""

    def __init__(
        self,
        folder: Path,
        name: str,
        command: Callable[[int], list[str]],
        env: dict[str, str],
        *,
        speaks_srp: bool = False,
    ) -> None:
        self.name = name
        self.speaks_srp = speaks_srp
        place = folder / name
        place.mkdir()
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        env = env | {"PORT": str(port), "GATEWAY_PORT": str(port)}
        self.program = Program(name, command(port), folder=place, env=env)
        self.program.await_true(lambda: answers(self.url + "/"), "does not answer")
        self.caller: ApiCaller

    async def prepare(self) -> None:
        """Make the pool, the client and the user."""
        connection = Connection(self.url)
        operator = self._caller("", "")

        async def ask(action: str, value: dict[str, Any]) -> Any:
            return await operator.ask(connection, 0, action, value)

        pool_id = (await ask("CreateUserPool", {"PoolName": "bench"}))["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = await ask(
            "CreateUserPoolClient", {"UserPoolId": pool_id, "ClientName": "web", "ExplicitAuthFlows": flows}
        )
        person = {
            "UserPoolId": pool_id,
            "Username": USER,
            "UserAttributes": [{"Name": "email", "Value": USER}],
            "MessageAction": "SUPPRESS",
        }
        await ask("AdminCreateUser", person)
        password = {"UserPoolId": pool_id, "Username": USER, "Password": PASSWORD, "Permanent": True}
        await ask("AdminSetUserPassword", password)
        self.caller = self._caller(pool_id, client["UserPoolClient"]["ClientId"])
        await connection.close()

    def _caller(self, pool_id: str, client_id: str) -> ApiCaller:
        signed = {"authorization": _SIGNED}
        return ApiCaller(
            pool_id=pool_id, client_id=client_id, names=[USER], password=PASSWORD, headers=signed
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


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


def ministack(folder: Path) -> UserPoolPeer:
    place = PLACE / "ministack"
    command = [sys.executable, "-m", "ministack"]
    return UserPoolPeer(
        folder,
        "MiniStack",
        lambda _: command,
        {"PYTHONPATH": str(place), "HOME": str(folder)},
        speaks_srp=True,
    )


def are_installed() -> bool:
    found = all((PLACE / name / name).is_dir() for name in ("moto", "ministack"))
    return found and (PLACE / "node/node_modules/cognito-local").is_dir()
