"""People whom the Cognito API and the pages both know: made or armed by boto3, they log in in a browser, and back."""

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from auth.core.totp import STEP_S, code_at, secret_of
from tests.support.chromium import Chromium
from tests.support.cognito_site import APP, CALLBACK, PASSWORD, CognitoSite
from tests.support.identity_site import Visitor
from tests.support.postbox import Postbox
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]

OLD_PASSWORD = "legacy password 1"
FUNCTION = f'''
def migrate(event, context):
    if event["request"]["password"] == "{OLD_PASSWORD}":
        event["response"]["userAttributes"] = {{
            "email": event["userName"], "email_verified": "true", "name": "Come Over",
        }}
        event["response"]["finalUserStatus"] = "CONFIRMED"
        event["response"]["messageAction"] = "SUPPRESS"
    return event
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoSite]:
    folder = tmp_path_factory.mktemp("both")
    (folder / "code").mkdir()
    (folder / "code/app.py").write_text(FUNCTION)
    with Postbox() as post, RunningServer(_written(folder, post), folder / "state") as server:
        yield CognitoSite(server, post)


def _written(folder: Path, post: Postbox) -> Path:
    pool: dict[str, Any] = {
        "sign_in_with": ["email"],
        "self_sign_up": True,
        "mfa": "optional",
        "clients": {"web": APP},
        "triggers": {"user_migration": "migrate"},
    }
    migrate = {"code": "code", "handler": "app.migrate", "runtime": "python3.11", "timeout": "20s"}
    smtp = {"host": "127.0.0.1", "port": post.port, "from": "hello@example.com"}
    return write_routes(
        folder, functions={"migrate": migrate}, server={"smtp": smtp}, user_pools={"main": pool}
    )


def signed_up(site: CognitoSite, email: str) -> None:
    """By the API alone, code included."""
    client = site.public()
    client.sign_up(ClientId=site.client_id(), Username=email, Password=PASSWORD)
    client.confirm_sign_up(ClientId=site.client_id(), Username=email, ConfirmationCode=site.post.code(email))
    client.close()


def log_in(page: Page, visitor: Visitor, email: str, password: str) -> None:
    """Fill the form in that the application led to. What the button brings is the story's."""
    page.goto(f"{visitor.auth_url}/oauth2/authorize?{visitor.query}")
    page.fill("#username", email)
    page.fill("#password", password)


def sent_back(page: Page) -> str:
    """Press the button. :returns: the code that the application is sent; nobody is at home at its address."""
    with page.expect_request(lambda request: request.url.startswith(f"{CALLBACK}?")) as asked:
        page.click("button")
    return parse_qs(urlsplit(asked.value.url).query)["code"][0]


def title(page: Page) -> str:
    return page.inner_text("h1")


def read(site: CognitoSite, token: str) -> dict[str, str]:
    """GetUser, by boto3, with a token of the pages."""
    client = site.public()
    shown = client.get_user(AccessToken=token)["UserAttributes"]
    client.close()
    return {each["Name"]: each["Value"] for each in shown}


def test_who_signed_up_by_api_logs_in_on_the_page(site: CognitoSite, chromium: Chromium) -> None:
    """And the access token of the page's sign-in is one of the API."""
    email = "made-by-api@example.com"
    signed_up(site, email)
    with Visitor(site.server, scope="openid aws.cognito.signin.user.admin") as visitor:

        def story(page: Page) -> str:
            log_in(page, visitor, email, "not this one, sorry")
            page.click("button")
            assert title(page) == "Log in"
            log_in(page, visitor, email, PASSWORD)
            return sent_back(page)

        tokens = visitor.tokens(chromium.tell(story))
    shown = read(site, tokens["access_token"])
    assert (shown["email"], shown["email_verified"]) == (email, "true")


def test_an_app_that_was_set_up_by_api_is_asked_for_on_the_page(
    site: CognitoSite, chromium: Chromium
) -> None:
    email = "armed-by-api@example.com"
    signed_up(site, email)
    client = site.public()
    asked = {"USERNAME": email, "PASSWORD": PASSWORD}
    token = client.initiate_auth(
        ClientId=site.client_id(), AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked
    )["AuthenticationResult"]["AccessToken"]
    seed = secret_of(client.associate_software_token(AccessToken=token)["SecretCode"])
    step = int(time()) // STEP_S
    client.verify_software_token(AccessToken=token, UserCode=code_at(seed, step))
    client.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    client.close()

    def story(page: Page) -> str:
        log_in(page, visitor, email, PASSWORD)
        page.click("button")
        assert title(page) == "Confirm that it is you"
        page.fill("#code", code_at(seed, step))  # the one that the API was given: none comes twice
        page.click("button")
        assert "The code is wrong." in page.inner_text(".summary")
        page.fill("#code", code_at(seed, max(step + 1, int(time()) // STEP_S)))
        return sent_back(page)

    with Visitor(site.server) as visitor:
        assert visitor.tokens(chromium.tell(story))["id_token"]


def test_who_came_over_on_the_page_is_read_by_api(site: CognitoSite, chromium: Chromium) -> None:
    email = "from-elsewhere@example.com"
    with Visitor(site.server, scope="openid aws.cognito.signin.user.admin") as visitor:

        def story(page: Page) -> str:
            log_in(page, visitor, email, OLD_PASSWORD)
            return sent_back(page)

        tokens = visitor.tokens(chromium.tell(story))
    shown = read(site, tokens["access_token"])
    assert (shown["email"], shown["email_verified"], shown["name"]) == (email, "true", "Come Over")
    client = site.public()
    again = client.initiate_auth(
        ClientId=site.client_id(), AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": OLD_PASSWORD},
    )  # fmt: skip
    client.close()
    assert read(site, again["AuthenticationResult"]["AccessToken"])["sub"] == shown["sub"]
