"""The first minutes of somebody who has typed `make run`: all of the sample, in a browser, over a restart."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.support.observed import wait_until
from tests.support.sample import Sample, sample
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"


class Visitor:
    """A person at the sample's page, and what their browser complains about."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.home = home
        self.faults: list[str] = []
        self.token_requests: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        if request.url.endswith("/oauth2/token"):
            self.token_requests.append(request.post_data or "")

    def fill(self, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def log_in(self) -> None:
        self.fill(Email_address=EMAIL, Password=PASSWORD)
        self.press("Log in")

    def sees_notes_of_theirs(self) -> None:
        expect(self.page.get_by_text(EMAIL)).to_be_visible()
        assert self.page.url == self.home  # neither code nor state stays in the address

    def stored(self) -> dict[str, Any]:
        """The tokens, where oidc-client-ts keeps them."""
        text = self.page.evaluate("sessionStorage.getItem(Object.keys(sessionStorage)[0])")
        stored: dict[str, Any] = json.loads(text)
        return stored


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Sample]:
    with sample(tmp_path) as site:
        yield site


def running(site: Sample) -> RunningServer:
    return RunningServer(site.config, site.state, command="dev", inherited=site.sockets)


def code_in_console(server: RunningServer) -> str:
    found = wait_until(lambda: re.findall(r"│ {5}(\d{6})\n", server.stderr()), "a mail on the console")
    return str(found[-1])


def test_sign_up_log_in_write_refresh_log_out_and_all_again_after_a_restart(
    site: Sample, browser: Browser
) -> None:
    context = browser.new_context()
    visitor = Visitor(context.new_page(), site.gateway + "/")
    page = visitor.page
    with running(site) as server:
        anonymous = httpx.get(f"{site.gateway}/notes", trust_env=False)
        assert (anonymous.status_code, anonymous.json()) == (401, {"message": "Unauthorized"})

        page.goto(visitor.home)
        visitor.press("Create an account")
        visitor.fill(Email_address=EMAIL, Password=PASSWORD, Repeat_the_password=PASSWORD)
        visitor.press("Create account")
        visitor.fill(Code=code_in_console(server))
        visitor.press("Confirm account")
        visitor.log_in()
        visitor.sees_notes_of_theirs()
        assert "code_verifier" in visitor.token_requests[0]

        visitor.fill(A_new_note="buy milk")
        visitor.press("Add")
        page.get_by_role("button", name="Edit: buy milk").click()
        visitor.fill(The_note="buy oat milk")
        visitor.press("Save")
        expect(page.get_by_text("buy oat milk")).to_be_visible()
        visitor.fill(A_new_note="gone soon")
        visitor.press("Add")
        page.get_by_role("button", name="Delete: gone soon").click()
        expect(page.get_by_text("gone soon")).to_have_count(0)

        first = visitor.stored()
        page.evaluate(
            "const [key] = Object.keys(sessionStorage); const user = JSON.parse(sessionStorage[key]);"
            "user.expires_at = 1; sessionStorage[key] = JSON.stringify(user)"
        )
        page.reload()
        expect(page.get_by_text("buy oat milk")).to_be_visible()
        assert "grant_type=refresh_token" in visitor.token_requests[-1]
        second = visitor.stored()
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]

        visitor.press("Log out")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        assert page.url == visitor.home
        assert page.evaluate("sessionStorage.length") == 0
        assert refresh(site, second["refresh_token"]).status_code == 400  # it ended with the log-out
        assert server.stop() == 0

    with running(site) as server:
        page.goto(visitor.home)
        visitor.press("Log in")
        visitor.log_in()  # the session at the user pool is over, too
        visitor.sees_notes_of_theirs()
        expect(page.get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_text("buy oat milk")).to_be_visible()
        assert server.stop() == 0
    context.close()
    assert visitor.faults == []


def refresh(site: Sample, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "client_id": "notesweb", "refresh_token": token}
    return httpx.post(f"{site.auth}/oauth2/token", data=form, trust_env=False)
