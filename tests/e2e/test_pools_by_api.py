"""A pool that the AWS command line makes on a real server: people sign in, a route takes their tokens, it survives a
restart, and the operator's commands show it."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session

from tests.support.aws_command import AwsCommand
from tests.support.observed import wait_until
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.timeout(120)

_SESSION = Session()  # reads the service's model once
PASSWORD = "Correct-horse-1"
POOLS = {"main": {"clients": {"app": {"flows": ["password", "refresh"]}}}}


def written(folder: Path, **sections: Any) -> Path:
    routes: dict[str, Any] = {"GET /open": {"public": True, "respond": {"body": "open"}}}
    if "authorizers" in sections:
        routes["GET /mine"] = {"auth": "made", "respond": {"body": "mine"}}
    return write_routes(folder, functions={}, user_pools=POOLS, routes=routes, **sections)


def client(server: RunningServer, where: str = "cognito_idp_admin") -> Any:
    """boto3's, which is quicker than the command. :param where: ``cognito_idp``: unsigned, as applications are."""
    found = server.endpoints
    unsigned: dict[str, Any] = {"signature_version": UNSIGNED} if where == "cognito_idp" else {}
    return _SESSION.create_client(
        "cognito-idp",
        region_name=found["region"],
        endpoint_url=found["endpoints"][where],
        aws_access_key_id=found["access_key_id"],
        aws_secret_access_key=found["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}, **unsigned),
    )


def signed_in(server: RunningServer, client_id: str) -> Any:
    """On the public listener, which may be another process's: it sees a new client within two seconds."""
    public = client(server, "cognito_idp")
    asked = {"USERNAME": "ada", "PASSWORD": PASSWORD}
    found: list[Any] = []

    def is_in() -> bool:
        try:
            answer = public.initiate_auth(
                ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked
            )
        except public.exceptions.ResourceNotFoundException:
            return False
        found.append(answer["AuthenticationResult"])
        return True

    wait_until(is_in, "the client to be known")
    public.close()
    return found[0]


def opens(server: RunningServer, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{server.gateway}/mine", headers=headers, trust_env=False).status_code


@pytest.mark.slow
@pytest.mark.parametrize("extra", [(), ("--workers", "2")], ids=["one-process", "two-workers"])
def test_a_pool_by_the_aws_command_line_lives_on(tmp_path: Path, extra: tuple[str, ...]) -> None:
    with RunningServer(written(tmp_path), tmp_path / "state", extra=extra) as server:
        made = AwsCommand(server)("create-user-pool", "--pool-name", "made by hand")["UserPool"]
        named = {"UserPoolId": made["Id"]}
        admin = client(server)
        flows = ["ALLOW_USER_PASSWORD_AUTH"]
        app = admin.create_user_pool_client(**named, ClientName="cli", ExplicitAuthFlows=flows)
        client_id = app["UserPoolClient"]["ClientId"]
        admin.admin_create_user(**named, Username="ada", MessageAction="SUPPRESS")
        admin.admin_set_user_password(**named, Username="ada", Password=PASSWORD, Permanent=True)
        admin.close()
        tokens = signed_in(server, client_id)
        assert tokens["IdToken"]

        issuer = f"{server.endpoints['auth']}/{made['Id']}"
        authorizer = {"type": "jwt", "issuer": issuer, "audience": [client_id]}
        written(tmp_path, authorizers={"made": authorizer})
        assert lockgate("reload", "--state", server.state).returncode == 0
        wait_until(lambda: opens(server, tokens["AccessToken"]) == 200, "the route to take the token")
        assert opens(server, "a.b.c") == 401
        server.stop()

    with RunningServer(written(tmp_path), tmp_path / "state", extra=extra) as server:
        shown = AwsCommand(server)("describe-user-pool", "--user-pool-id", made["Id"])["UserPool"]
        assert (shown["Name"], shown["EstimatedNumberOfUsers"]) == ("made by hand", 1)
        assert signed_in(server, client_id)["AccessToken"]
        listed = lockgate("pool", "list", "--state", server.state, "-c", server.config).stdout.decode()
        (row,) = [line for line in listed.splitlines() if made["Id"] in line]
        assert "made by hand" in row
        assert "made by the API" in row
        admin = client(server)
        admin.delete_user_pool(**named)
        assert [pool["Name"] for pool in admin.list_user_pools(MaxResults=10)["UserPools"]] == ["main"]
        admin.close()
