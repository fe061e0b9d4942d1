"""``aws cognito-idp``, unmodified, from a client to a sign-out: what it prints, and how it prints what is refused."""

from collections.abc import Iterator

import pytest

from tests.support.aws_command import AwsCommand
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # each command is an interpreter of its own

PASSWORD = "Correct-horse-1"
POOLS = {"main": {"sign_in_with": ["email"], "clients": {"app": {"flows": ["password", "refresh"]}}}}
REFUSED = "An error occurred ({}) when calling the {} operation: {}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("aws")
    routes = {"GET /open": {"public": True, "respond": {"body": "open"}}}
    with RunningServer(
        write_routes(folder, functions={}, user_pools=POOLS, routes=routes), folder / "state"
    ) as server:
        yield server


@pytest.fixture
def aws(server: RunningServer) -> AwsCommand:
    return AwsCommand(server)


@pytest.fixture
def pool(server: RunningServer) -> tuple[str, str]:
    """The words that name it."""
    return "--user-pool-id", server.endpoints["user_pools"]["main"]["id"]


def test_somebody_is_made_signs_in_and_is_signed_out(aws: AwsCommand, pool: tuple[str, str]) -> None:
    """With a client that the command line made, too."""
    made = aws(
        "create-user-pool-client", *pool, "--client-name", "by hand", "--explicit-auth-flows",
        "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
    )["UserPoolClient"]  # fmt: skip
    mail = [{"Name": "email", "Value": "ada@example.com"}, {"Name": "email_verified", "Value": "true"}]
    user = aws(
        "admin-create-user", *pool, "--username", "ada@example.com", "--message-action", "SUPPRESS",
        "--user-attributes", *(f"Name={each['Name']},Value={each['Value']}" for each in mail),
    )["User"]  # fmt: skip
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    permanent = ("--password", PASSWORD, "--permanent")
    assert aws("admin-set-user-password", *pool, "--username", "ada@example.com", *permanent) == {}

    sign_in = (
        "initiate-auth", "--client-id", made["ClientId"], "--auth-flow", "USER_PASSWORD_AUTH",
        "--auth-parameters", f"USERNAME=ada@example.com,PASSWORD={PASSWORD}",
    )  # fmt: skip
    tokens = aws.public(*sign_in)["AuthenticationResult"]
    shown = aws.public("get-user", "--access-token", tokens["AccessToken"])
    assert shown["Username"] == user["Username"]
    assert all(each in shown["UserAttributes"] for each in mail)

    assert aws("admin-user-global-sign-out", *pool, "--username", "ada@example.com") == {}
    assert aws.refused_publicly("get-user", "--access-token", tokens["AccessToken"]) == REFUSED.format(
        "NotAuthorizedException", "GetUser", "Access Token has been revoked"
    )
    assert aws.public(*sign_in)["AuthenticationResult"][
        "AccessToken"
    ]  # one that is signed out may come again


def test_lists_come_by_pages_and_by_filter(aws: AwsCommand, pool: tuple[str, str]) -> None:
    """The command asks for page after page by itself, and stops and goes on where it is told to."""
    for number in range(3):
        aws(
            "admin-create-user",
            *pool,
            "--username",
            f"list{number}@example.com",
            "--message-action",
            "SUPPRESS",
        )
    mine = ("list-users", *pool, "--filter", 'email ^= "list"')

    whole = aws(*mine, "--page-size", "1")["Users"]
    assert len({user["Username"] for user in whole}) == 3
    first = aws(*mine, "--max-items", "2")
    rest = aws(*mine, "--starting-token", first["NextToken"])
    assert [*first["Users"], *rest["Users"]] == whole
    assert "NextToken" not in rest
    assert aws("list-users", *pool, "--filter", 'email = "nobody@example.com"')["Users"] == []
    assert aws.refused("list-users", *pool, "--filter", "email ~ x").startswith(
        REFUSED.format("InvalidParameterException", "ListUsers", "")
    )


def test_refusals_are_printed_as_those_of_aws(
    aws: AwsCommand, pool: tuple[str, str], server: RunningServer
) -> None:
    nobody = (*pool, "--username", "nobody@example.com")
    assert aws.refused("admin-get-user", *nobody) == REFUSED.format(
        "UserNotFoundException", "AdminGetUser", "User does not exist."
    )
    client_id = server.endpoints["user_pools"]["main"]["clients"]["app"]["id"]
    wrong = (
        "--auth-flow",
        "USER_PASSWORD_AUTH",
        "--auth-parameters",
        "USERNAME=nobody@example.com,PASSWORD=x",
    )
    assert aws.refused_publicly("initiate-auth", "--client-id", client_id, *wrong) == REFUSED.format(
        "NotAuthorizedException", "InitiateAuth", "Incorrect username or password."
    )
    assert aws.refused("describe-user-pool", "--user-pool-id", "us-east-1_Nobody").startswith(
        REFUSED.format("ResourceNotFoundException", "DescribeUserPool", "")
    )
    passkeys = aws.refused("start-web-authn-registration", "--access-token", "a.b.c")
    assert passkeys.startswith(
        REFUSED.format("UnsupportedOperationException", "StartWebAuthnRegistration", "")
    )
