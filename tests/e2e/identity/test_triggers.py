"""Triggers of a real server: functions in Python that are asked while people sign up and in, by API and on pages."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.cognito_site import APP, PASSWORD, CognitoSite
from tests.support.identity_site import Visitor
from tests.support.observed import metrics, wait_until
from tests.support.postbox import Postbox
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FUNCTION = '''
import json, os, urllib.request

BOX = os.environ["BOX"]


def handler(event, context):
    source, request, response = event["triggerSource"], event["request"], event["response"]
    name = request.get("userAttributes", {}).get("email", event["userName"])
    if source == "PreSignUp_SignUp" and name.startswith("auto"):
        response["autoConfirmUser"] = response["autoVerifyEmail"] = True
    if source == "PreSignUp_SignUp" and name.startswith("no"):
        raise ValueError("no guests")
    if source == "PostConfirmation_ConfirmSignUp":
        with open(os.path.join(BOX, name), "w") as file:
            json.dump(event, file)
    if source == "CustomMessage_SignUp":
        response.update(emailSubject="From a function", emailMessage="Take <b>{####}</b>")
    if source == "UserMigration_Authentication" and request["password"] == "legacy password 1":
        response.update(
            userAttributes={"email": event["userName"], "email_verified": "true"},
            finalUserStatus="CONFIRMED",
            messageAction="SUPPRESS",
        )
    if source == "PreAuthentication_Authentication" and name.startswith("back"):
        response["said"] = call_back(event)
    if source.startswith("TokenGeneration_"):
        added = {"claimsToAddOrOverride": {"tenant": "tenant of " + name}}
        response["claimsAndScopeOverrideDetails"] = {
            "idTokenGeneration": added,
            "accessTokenGeneration": {**added, "scopesToAdd": ["notes/read"]},
        }
    return event


def call_back(event):
    """Asks the very API that waits for it, as boto3 would without keys."""
    body = json.dumps({"AccessToken": "none"}).encode()
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AWSCognitoIdentityProviderService.GetUser",
    }
    with open(os.path.join(BOX, "url")) as file:
        asked = urllib.request.Request(file.read(), body, headers)
    try:
        urllib.request.urlopen(asked, timeout=4)
    except urllib.error.HTTPError as error:
        with open(os.path.join(BOX, "back"), "wb") as file:
            file.write(error.read())


def challenge(event, context):
    request, response = event["request"], event["response"]
    session = request.get("session", [])
    if event["triggerSource"].startswith("Define"):
        is_right = bool(session) and session[-1]["challengeResult"]
        response["issueTokens"] = is_right
        response["failAuthentication"] = not is_right and len(session) > 1
        response["challengeName"] = None if is_right else "CUSTOM_CHALLENGE"
    elif event["triggerSource"].startswith("Create"):
        response["publicChallengeParameters"] = {"question": "2 + 3"}
        response["privateChallengeParameters"] = {"answer": "5"}
    else:
        right = request["privateChallengeParameters"]["answer"]
        response["answerCorrect"] = request["challengeAnswer"] == right
    return event


def hang(event, context):
    """Until somebody opens the other end."""
    if not os.path.exists(os.path.join(BOX, "released")):
        with open(os.path.join(BOX, "gate")) as gate:
            gate.read()
    return event


def claims(event, context):
    return event["requestContext"]["authorizer"]["jwt"]["claims"]
'''
ALL = (
    "pre_sign_up",
    "post_confirmation",
    "pre_authentication",
    "post_authentication",
    "custom_message",
    "user_migration",
)
CUSTOM = ("define_auth_challenge", "create_auth_challenge", "verify_auth_challenge")
POOL: dict[str, Any] = {
    "sign_in_with": ["email"],
    "self_sign_up": True,
    "resource_servers": {"notes": {"read": "Read"}},
    "clients": {"web": APP | {"rotate_refresh": False}},
}
CLIENTS = POOL["clients"] | {"quiz": {"flows": ["custom", "refresh"]}}
QUIZ = dict.fromkeys(CUSTOM, "challenge")
TRIGGERS = (
    dict.fromkeys(ALL, "trigger") | QUIZ | {"pre_token_generation": {"function": "trigger", "version": 2}}
)


class Stand(CognitoSite):
    """:ivar box: where functions leave things."""

    def __init__(self, folder: Path, server: RunningServer, post: Postbox) -> None:
        super().__init__(server, post)
        self.folder = folder
        self.box = folder / "box"
        (self.box / "url").write_text(self.url)

    def sign_up(self, email: str) -> dict[str, Any]:
        client = self.public()
        try:
            answer: dict[str, Any] = client.sign_up(
                ClientId=self.client_id(), Username=email, Password=PASSWORD
            )
            return answer
        finally:
            client.close()

    def sign_in(self, email: str, password: str = PASSWORD, *, pool: str = "main") -> dict[str, Any]:
        client = self.public()
        try:
            answer: dict[str, Any] = client.initiate_auth(
                ClientId=self.client_id(pool=pool),
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
            return answer
        finally:
            client.close()

    def claims(self, token: str) -> dict[str, Any]:
        """What the gateway's authorizer sees in it."""
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"{self.server.gateway}/claims", headers=headers, trust_env=False, timeout=20)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def write(folder: Path, post: Postbox, **triggers: Any) -> None:
    """:param triggers: of ``main``."""
    common = {"code": "code", "runtime": "python3.11", "volumes": {"BOX": "box"}}
    write_routes(
        folder,
        functions={
            name: {**common, "handler": f"app.{handler}", "timeout": "20s"}
            for name, handler in {
                "trigger": "handler", "challenge": "challenge", "hang": "hang", "claims": "claims",
            }.items()
        },
        server={"smtp": {"host": "127.0.0.1", "port": post.port, "from": "hello@example.com"}},
        user_pools={
            "main": POOL | {"clients": CLIENTS, "triggers": triggers},
            "slow": POOL | {"triggers": {"pre_authentication": "hang"}},
        },
        authorizers={"users": {"type": "jwt", "user_pool": "main"}},
        routes={"GET /claims": {"auth": "users", "function": "claims", "scopes": ["notes/read"]}},
    )  # fmt: skip


@pytest.fixture(scope="module", params=[(), ("--workers", "1")], ids=["one-process", "edge"])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("triggers")
    (folder / "code").mkdir()
    (folder / "code/app.py").write_text(FUNCTION)
    (folder / "box").mkdir()
    with Postbox() as post:
        write(folder, post, **TRIGGERS)
        with RunningServer(folder / "routes.yaml", folder / "state", extra=request.param) as server:
            yield Stand(folder, server, post)


def test_a_function_lets_somebody_in_without_a_code_by_api(stand: Stand) -> None:
    assert stand.sign_up("auto-api@example.com")["UserConfirmed"]
    assert "AccessToken" in stand.sign_in("auto-api@example.com")["AuthenticationResult"]
    wait_until((stand.box / "auto-api@example.com").exists, "what PostConfirmation writes")


def test_a_function_lets_somebody_in_without_a_code_on_pages(stand: Stand) -> None:
    with Visitor(stand.server) as visitor:
        done = visitor.submit("/signup", email="auto-page@example.com", password=PASSWORD, repeat=PASSWORD)
        assert done.status_code == 303
        assert done.headers["location"].startswith("/login?"), done.headers
        tokens = visitor.tokens(visitor.log_in("auto-page@example.com"))
    assert stand.claims(tokens["access_token"])["tenant"] == "tenant of auto-page@example.com"


def test_what_a_function_refuses_is_said_by_api_and_on_pages(stand: Stand) -> None:
    with pytest.raises(ClientError, match="PreSignUp failed with error no guests") as caught:
        stand.sign_up("no@example.com")
    assert caught.value.response["Error"]["Code"] == "UserLambdaValidationException"
    with Visitor(stand.server) as visitor:
        shown = visitor.submit("/signup", email="no@example.com", password=PASSWORD, repeat=PASSWORD)
    assert shown.status_code == 400
    assert "PreSignUp failed with error no guests." in shown.text


def test_the_authorizer_sees_the_claim_that_a_function_added(stand: Stand) -> None:
    """By API and after a refresh; the scope that the route asks for is the function's, too."""
    stand.add("tenant@example.com", email="tenant@example.com", email_verified="true")
    tokens = stand.sign_in("tenant@example.com")["AuthenticationResult"]
    assert stand.claims(tokens["AccessToken"])["tenant"] == "tenant of tenant@example.com"
    client = stand.public()
    refreshed = client.initiate_auth(
        ClientId=stand.client_id(),
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )["AuthenticationResult"]
    client.close()
    assert stand.claims(refreshed["AccessToken"])["tenant"] == "tenant of tenant@example.com"


def test_a_function_words_the_mail_whose_code_confirms(stand: Stand) -> None:
    stand.sign_up("words@example.com")
    mail = stand.post.mail("words@example.com")
    assert mail.mail["subject"] == "From a function"
    client = stand.public()
    client.confirm_sign_up(
        ClientId=stand.client_id(), Username="words@example.com", ConfirmationCode=mail.text.split()[1]
    )
    client.close()
    wait_until((stand.box / "words@example.com").exists, "what PostConfirmation writes")
    told = json.loads((stand.box / "words@example.com").read_text())
    assert told["request"]["userAttributes"]["cognito:user_status"] == "CONFIRMED"


def test_somebody_comes_over_with_their_old_password(stand: Stand) -> None:
    with pytest.raises(ClientError, match="Incorrect username or password"):
        stand.sign_in("old@example.com", "another password 1")
    first = stand.sign_in("old@example.com", "legacy password 1")["AuthenticationResult"]
    second = stand.sign_in("old@example.com", "legacy password 1")["AuthenticationResult"]
    assert stand.claims(first["AccessToken"])["sub"] == stand.claims(second["AccessToken"])["sub"]


def test_functions_ask_a_question_of_their_own(stand: Stand) -> None:
    stand.add("quiz@example.com", email="quiz@example.com", email_verified="true")
    client = stand.public()

    def answered(answer: str) -> dict[str, Any]:
        begun = client.initiate_auth(
            ClientId=stand.client_id("quiz"),
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"USERNAME": "quiz@example.com"},
        )
        assert begun["ChallengeParameters"]["question"] == "2 + 3"
        done: dict[str, Any] = client.respond_to_auth_challenge(
            ClientId=stand.client_id("quiz"),
            ChallengeName="CUSTOM_CHALLENGE",
            Session=begun["Session"],
            ChallengeResponses={"USERNAME": "quiz@example.com", "ANSWER": answer},
        )
        return done

    assert answered("4")["ChallengeName"] == "CUSTOM_CHALLENGE"
    tokens = answered("5")["AuthenticationResult"]
    client.close()
    assert stand.claims(tokens["AccessToken"])["tenant"] == "tenant of quiz@example.com"


def test_a_function_calls_the_api_that_waits_for_it(stand: Stand) -> None:
    stand.add("back@example.com", email="back@example.com", email_verified="true")
    assert "AccessToken" in stand.sign_in("back@example.com")["AuthenticationResult"]
    assert "Invalid Access Token" in (stand.box / "back").read_text()


def test_a_function_that_hangs_stops_its_own_pool_only(stand: Stand) -> None:
    """As many as wait there, the others' people sign in."""
    stand.add("main@example.com", email="main@example.com", email_verified="true")
    os.mkfifo(stand.box / "gate")
    waiting = 20
    with ThreadPoolExecutor(waiting) as people:
        hung = [people.submit(_outcome, stand) for _ in range(waiting)]
        try:
            wait_until(lambda: _in_triggers(stand) >= 16, "a pool full of people who wait")
            assert "AccessToken" in stand.sign_in("main@example.com")["AuthenticationResult"]
            with Visitor(stand.server) as visitor:
                assert visitor.log_in("main@example.com")
        finally:
            (stand.box / "released").touch()
            wait_until(lambda: _released(stand, hung), "the end of all who wait", timeout_s=60)
    (stand.box / "released").unlink()
    (stand.box / "gate").unlink()


def _outcome(stand: Stand) -> str:
    try:
        stand.sign_in("nobody@example.com", pool="slow")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "let in"


def _in_triggers(stand: Stand) -> float:
    """Of all processes."""
    found = metrics(stand.server).items()
    return sum(
        value
        for name, value in found
        if name.startswith("lockgate_auth_lane_calls{") and '"triggers"' in name
    )


def _released(stand: Stand, hung: list[Any]) -> bool:
    """Whoever has opened the gate to read meanwhile reads its end."""
    os.close(os.open(stand.box / "gate", os.O_RDWR | os.O_NONBLOCK))
    return not wait(hung, timeout=0.2).not_done


def test_a_reload_changes_triggers(stand: Stand) -> None:
    write(stand.folder, stand.post, **QUIZ)
    assert lockgate("reload", "--state", stand.server.state).returncode == 0
    assert not stand.sign_up("auto-later@example.com")["UserConfirmed"]
    write(stand.folder, stand.post, **TRIGGERS)
    assert lockgate("reload", "--state", stand.server.state).returncode == 0
    assert stand.sign_up("auto-again@example.com")["UserConfirmed"]
