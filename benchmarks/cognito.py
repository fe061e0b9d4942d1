"""Callers of a Cognito API: sign-ins by password and by SRP, and what a signed-in user asks; ours and others'."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from auth.core.srp import write_timestamp
from benchmarks import srp
from benchmarks.closed_loop import Connection, run
from benchmarks.load import LoadFailed

_TARGET = "AWSCognitoIdentityProviderService."


class ApiCaller:
    """:param names: of people, in turn; all have *password*.

    :param headers: of each request: peers want something that looks like a signature.
    :param spreads: each call says that it comes from another address: ours lets one alone try 300 passwords a minute.
    """

    def __init__(
        self,
        *,
        pool_id: str,
        client_id: str,
        names: Sequence[str],
        password: str,
        headers: dict[str, str] | None = None,
        spreads: bool = False,
    ) -> None:
        self._pool_id = pool_id
        self._client_id = client_id
        self._names = names
        self._password = password
        self._headers = headers or {}
        self._spreads = spreads

    async def ask(self, connection: Connection, number: int, action: str, value: dict[str, Any]) -> Any:
        """:raises LoadFailed: any answer but 200."""
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": _TARGET + action,
            **self._headers,
        }
        if self._spreads:
            headers["x-forwarded-for"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        answer = await connection.call("POST", "/", headers=headers, body=json.dumps(value).encode())
        if answer.status != 200:
            raise LoadFailed(f"{action}: {answer.status} {answer.body[:200]!r}")
        return json.loads(answer.body or b"{}")

    async def by_password(self, connection: Connection, number: int) -> str:
        """:returns: the access token."""
        answer = await self.ask(
            connection,
            number,
            "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self._client_id,
                "AuthParameters": {"USERNAME": self._name(number), "PASSWORD": self._password},
            },
        )
        return _access(answer)

    async def by_srp(self, connection: Connection, number: int) -> str:
        """Two calls, and the caller's arithmetic between them. :returns: the access token."""
        begun = await self.ask(
            connection,
            number,
            "InitiateAuth",
            {
                "AuthFlow": "USER_SRP_AUTH",
                "ClientId": self._client_id,
                "AuthParameters": {"USERNAME": self._name(number), "SRP_A": srp.SRP_A},
            },
        )
        asked, timestamp = begun["ChallengeParameters"], write_timestamp(datetime.now(UTC))
        answers = {
            "USERNAME": asked["USER_ID_FOR_SRP"],
            "PASSWORD_CLAIM_SECRET_BLOCK": asked["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": srp.signature(self._pool_id, self._password, asked, timestamp),
            "TIMESTAMP": timestamp,
        }
        value = {
            "ClientId": self._client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": answers,
        }
        if "Session" in begun:
            value["Session"] = begun["Session"]
        return _access(await self.ask(connection, number, "RespondToAuthChallenge", value))

    async def get_user(self, connection: Connection, number: int, token: str) -> None:
        answer = await self.ask(connection, number, "GetUser", {"AccessToken": token})
        if not answer.get("UserAttributes"):
            raise LoadFailed(f"GetUser: {answer}")

    def _name(self, number: int) -> str:
        return self._names[number % len(self._names)]


def _access(answer: Any) -> str:
    try:
        token: str = answer["AuthenticationResult"]["AccessToken"]
    except KeyError as error:
        raise LoadFailed(f"no tokens: {answer}") from error
    return token


def main(
    url: str, pool_id: str, client_id: str, names: str, password: str, callers: str, rate: str, seconds: str
) -> None:
    """Sign-ins by SRP at a steady rate: for a process of its own beside calls that are timed in another one."""
    people = names.split(",")
    caller = ApiCaller(pool_id=pool_id, client_id=client_id, names=people, password=password, spreads=True)

    async def call(connection: Connection, number: int) -> None:
        await caller.by_srp(connection, number)

    run(url, call, callers=int(callers), seconds=float(seconds), rate=float(rate))


if __name__ == "__main__":
    main(*sys.argv[1:])
