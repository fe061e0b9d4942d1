"""The Cognito API of a real server, in one process and in several: where it is, and who may call what there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from lockgate.people import open_people
from tests.support.observed import log_lines, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.timeout(90)

FILE = """version: 1
user_pools:
  main:
    sign_in_with: [email]
    clients:
      app: {flows: [password, refresh]}
routes:
  GET /open: {public: true, respond: {body: open}}
"""
ADA = "ada@example.com"
PASSWORD = "correct horse battery"
TARGET = "AWSCognitoIdentityProviderService"
_SESSION = Session()  # reads the service's model once


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["one-process", "two-workers"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("cognito")
    (folder / "routes.yaml").write_text(FILE)
    with RunningServer(folder / "routes.yaml", folder / "state", extra=request.param) as server:
        client(server).admin_create_user(**of(server), MessageAction="SUPPRESS", TemporaryPassword=PASSWORD)
        yield server


def of(server: RunningServer, name: str = ADA) -> dict[str, str]:
    return {"UserPoolId": server.endpoints["user_pools"]["main"]["id"], "Username": name}


def client(server: RunningServer, where: str = "cognito_idp_admin", **changes: Any) -> Any:
    """boto3's, with the server's keys. *changes* replace arguments."""
    found = server.endpoints
    keys = {
        "aws_access_key_id": found["access_key_id"],
        "aws_secret_access_key": found["secret_access_key"],
    }
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=20)
    given = {
        "region_name": found["region"],
        "endpoint_url": found["endpoints"][where],
        "config": config,
        **keys,
    }
    return _SESSION.create_client("cognito-idp", **(given | changes))


def unsigned(server: RunningServer, where: str) -> Any:
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return client(server, where, config=config)


def refused(doing: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        doing(**given)
    return str(caught.value.response["Error"]["Code"])


def post(server: RunningServer, where: str, action: str, **headers: str) -> Reply:
    fields = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{TARGET}.{action}"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    address = address_of(server.endpoints["endpoints"][where])
    return call(address, "/", method="POST", headers=fields, body=b"{}")


def test_operators_reach_the_whole_api_by_boto3(server: RunningServer) -> None:
    """P5: the control listener, with the state's keys."""
    assert client(server).admin_get_user(**of(server))["UserStatus"] == "FORCE_CHANGE_PASSWORD"


@pytest.mark.parametrize("listener", ["cognito_idp", "cognito_idp_admin"])
def test_applications_call_public_actions_without_keys(server: RunningServer, listener: str) -> None:
    """P5: boto3 signs none of them, wherever it sends them."""
    found = unsigned(server, listener)
    assert refused(found.get_user, AccessToken="a.b.c") == "NotAuthorizedException"


def test_admin_actions_are_not_on_the_public_listener(server: RunningServer) -> None:
    """P5: neither without a signature nor with the right one."""
    for found in (unsigned(server, "cognito_idp"), client(server, "cognito_idp")):
        assert refused(found.admin_get_user, **of(server)) == "UnknownOperationException"


def test_admin_actions_need_the_right_signature(server: RunningServer) -> None:
    """P5: on the control listener, too."""
    without = unsigned(server, "cognito_idp_admin")
    assert refused(without.admin_get_user, **of(server)) == "MissingAuthenticationTokenException"
    wrong = client(server, aws_secret_access_key="x" * 40)
    assert refused(wrong.admin_get_user, **of(server)) == "InvalidSignatureException"
    nobodys = client(server, aws_access_key_id="LKIAAAAAAAAAAAAAAAAA")
    assert refused(nobodys.admin_get_user, **of(server)) == "UnrecognizedClientException"
    elsewhere = client(server, region_name="eu-west-3")
    assert refused(elsewhere.admin_get_user, **of(server)) == "InvalidSignatureException"
    assert client(server).admin_get_user(**of(server))["Username"]


def test_web_pages_cannot_call_the_control_listener(server: RunningServer) -> None:
    for action in ("GetUser", "AdminGetUser"):
        reply = post(server, "cognito_idp_admin", action, origin="https://app.example.com")
        assert (reply.status, reply.json()["__type"]) == (400, "AccessDeniedException")
        assert "access-control-allow-origin" not in reply.headers
        rebound = post(server, "cognito_idp_admin", action, host="app.example.com")
        assert rebound.json()["__type"] == "AccessDeniedException"
    assert post(server, "cognito_idp_admin", "GetUser").json()["__type"] == "InvalidParameterException"


def test_web_pages_may_call_the_public_listener(server: RunningServer) -> None:
    address = address_of(server.endpoints["auth"])
    asked = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-amz-target,x-amz-user-agent,cache-control",
    }
    preflight = call(address, "/", method="OPTIONS", headers=asked)
    allowed = preflight.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert preflight.status == 204
    assert set(asked["access-control-request-headers"].split(",")) <= set(allowed)
    reply = post(server, "cognito_idp", "GetUser", origin="https://app.example.com")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (400, "*")


def test_lambda_api_is_where_it_was(server: RunningServer) -> None:
    found = server.endpoints
    keys = {"aws_access_key_id": found["access_key_id"], "aws_secret_access_key": found["secret_access_key"]}
    functions = _SESSION.create_client(
        "lambda", region_name=found["region"], endpoint_url=found["endpoints"]["lambda"], **keys
    )
    assert refused(functions.invoke, FunctionName="nobody") == "ResourceNotFoundException"


def test_every_admin_call_is_audited_with_its_key(server: RunningServer) -> None:
    """P5, L4: who has called what, and what came of it."""
    client(server).admin_get_user(**of(server))
    assert refused(client(server).admin_get_user, **of(server, "nobody")) == "UserNotFoundException"
    store = open_people(f"sqlite:///{server.state}/auth/auth.db", server.state)
    try:
        records = [each for each in store.audit.read(limit=1000) if each.action == "api_called"]
    finally:
        store.close()
    assert {each.actor for each in records} == {f"key:{server.endpoints['access_key_id']}"}
    assert {("AdminGetUser", "ok"), ("AdminGetUser", "refused")} <= {(e.target, e.result) for e in records}


def test_calls_are_logged_and_counted_by_action(server: RunningServer) -> None:
    """L3: whatever is asked for, labels come from our own table."""
    client(server).admin_get_user(**of(server))
    post(server, "cognito_idp", "MadeUpByAStranger")

    def counted(**labels: str) -> bool:
        names = [name for name in metrics(server) if name.startswith("lockgate_auth_api_calls_total")]
        return any(all(f'{key}="{value}"' in name for key, value in labels.items()) for name in names)

    wait_until(lambda: counted(listener="control", action="AdminGetUser", outcome="granted"), "the call")
    wait_until(lambda: counted(listener="auth", action="none", outcome="refused"), "what is unknown")
    assert not any("MadeUpByAStranger" in name for name in metrics(server))
    wait_until(
        lambda: [each for each in log_lines(server) if each.get("action") == "AdminGetUser"], "the log"
    )


def test_aws_command_line_with_what_env_says(server: RunningServer) -> None:
    """As the documentation has it: `eval "$(lockgate env)"`, then the command."""
    aws = Path(sys.executable).with_name("aws")
    env = lockgate("env", "--state", server.state).stdout.decode()
    named = of(server)
    script = (
        f"{env}\nexec {aws} cognito-idp admin-get-user --user-pool-id {named['UserPoolId']}"
        f" --username {ADA} --query UserStatus"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '"FORCE_CHANGE_PASSWORD"'
