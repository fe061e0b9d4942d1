"""The sample's page in a browser, with servers that a test makes up: for what real ones do rarely."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.chromium import SIZES, findings, profile

ROOT = Path(__file__).parents[3]
HOME = "http://localhost:8080/"
AUTHORITY = "http://127.0.0.1:8081/us-east-1_Main00001"
STORED = f"oidc.user:{AUTHORITY}:notesweb"
CORS = {"access-control-allow-origin": "*"}
METADATA = {
    "issuer": AUTHORITY,
    "authorization_endpoint": "http://127.0.0.1:8081/oauth2/authorize",
    "token_endpoint": "http://127.0.0.1:8081/oauth2/token",
    "end_session_endpoint": "http://127.0.0.1:8081/logout",
    "revocation_endpoint": "http://127.0.0.1:8081/oauth2/revoke",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]


class Site:
    """routes.yaml's files with its headers; the API and the user pool answer what a test says."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.routes = yaml.safe_load((ROOT / "routes.yaml").read_text())["routes"]
        self.notes: list[dict[str, Any]] = []
        self.statuses: list[int] = []  # of the next calls of the API, instead of a good one
        self.tokens: list[str] = []
        self.refresh: Callable[[Route], None] = self.renewed
        self.visited: list[str] = []
        self.faults: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.route("**/*", self._answer)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.faults.append(message.text)

    def _answer(self, route: Route) -> None:
        url, method = route.request.url, route.request.method
        if url.startswith(HOME):
            path = "/" + url.removeprefix(HOME).partition("?")[0]
            if path.startswith("/notes"):
                self._api(route)
                return
            respond = self.routes[f"{method} {path}"]["respond"]
            headers = dict(respond.get("headers", {}))
            if "file" in respond:
                file = ROOT / respond["file"]
                route.fulfill(path=file, headers={**headers, "content-type": _KINDS[file.suffix]})
            else:
                route.fulfill(body=respond["body"], content_type="application/json")
        elif url.endswith("/.well-known/openid-configuration"):
            route.fulfill(json=METADATA, headers=CORS)
        elif url.endswith("/oauth2/token"):
            self.refresh(route)
        else:
            self.visited.append(url)
            route.fulfill(body="the user pool", content_type="text/plain", headers=CORS)

    def _api(self, route: Route) -> None:
        self.tokens.append(route.request.headers.get("authorization", ""))
        status = self.statuses.pop(0) if self.statuses else 200
        route.fulfill(status=status, json={"notes": self.notes, "message": "Too long."})

    def renewed(self, route: Route) -> None:
        answer = {"access_token": "new", "refresh_token": "next", "token_type": "Bearer", "expires_in": 3600}
        route.fulfill(json=answer, headers=CORS)

    def refused(self, route: Route) -> None:
        route.fulfill(status=400, json={"error": "invalid_grant"}, headers=CORS)

    def sign_in(self, *, expires_in_s: int = 3600) -> None:
        user = {
            "access_token": "old",
            "refresh_token": "first",
            "token_type": "Bearer",
            "scope": "openid",
            "profile": {"sub": "1", "email": "ada@example.com"},
            "expires_at": int(time.time()) + expires_in_s,
        }
        self.page.add_init_script(
            f"sessionStorage.getItem('began') || sessionStorage.setItem({STORED!r}, {json.dumps(json.dumps(user))});"
            "sessionStorage.setItem('began', 'yes')"
        )

    def problem(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(text)


_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    context = browser.new_context()
    site = Site(context.new_page())
    yield site
    context.close()
    assert site.faults == []


def test_a_stranger_is_offered_to_sign_in_and_to_sign_up(site: Site) -> None:
    site.page.goto(HOME)
    expect(site.page.get_by_role("button", name="Log in")).to_be_visible()
    expect(site.page.get_by_role("textbox")).to_have_count(0)
    site.page.get_by_role("button", name="Create an account").click()
    site.page.wait_for_url("http://127.0.0.1:8081/signup?*")
    for part in ("client_id=notesweb", "code_challenge_method=S256", "response_type=code", "notes%2Fwrite"):
        assert part in site.visited[0]


def test_a_note_is_shown_as_text_whatever_it_holds(site: Site) -> None:
    site.notes = [{"id": "1", "text": "<img src=x onerror=alert(1)>", "created_ms": 1}]
    site.sign_in()
    site.page.goto(HOME)
    expect(site.page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    expect(site.page.get_by_text("ada@example.com")).to_be_visible()
    assert site.tokens == ["Bearer old"]


@pytest.mark.parametrize(
    ("expires_in_s", "statuses", "tokens"),
    [
        pytest.param(-5, [], ["Bearer new"], id="expired-by-our-clock"),
        pytest.param(3600, [401], ["Bearer old", "Bearer new"], id="refused-by-the-api"),
    ],
)
def test_a_token_that_is_over_is_renewed_once_and_the_call_goes_through(
    site: Site, expires_in_s: int, statuses: list[int], tokens: list[str]
) -> None:
    site.statuses = statuses
    site.sign_in(expires_in_s=expires_in_s)
    site.page.goto(HOME)
    expect(site.page.get_by_text("No notes yet.")).to_be_visible()
    assert site.tokens == tokens


def test_a_session_that_cannot_be_renewed_ends_with_a_reason(site: Site) -> None:
    site.refresh = site.refused
    site.sign_in(expires_in_s=-5)
    site.page.goto(HOME)
    site.problem("Your session has ended")
    expect(site.page.get_by_role("button", name="Log in")).to_be_visible()
    assert site.page.evaluate(f"sessionStorage.getItem({STORED!r})") is None


def test_a_user_pool_that_is_gone_ends_no_session(site: Site) -> None:
    site.refresh = lambda route: route.abort("connectionrefused")
    site.sign_in(expires_in_s=-5)
    site.page.goto(HOME)
    site.problem("The server cannot be reached")
    assert site.page.evaluate(f"sessionStorage.getItem({STORED!r})") is not None
    site.refresh = site.renewed
    site.page.reload()
    expect(site.page.get_by_text("No notes yet.")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "text"),
    [(403, "You may not do that."), (429, "Please wait a moment."), (400, "Too long."), (500, "Too long.")],
)
def test_what_the_api_refuses_is_said_in_words(site: Site, status: int, text: str) -> None:
    site.sign_in()
    site.page.goto(HOME)
    expect(site.page.get_by_text("No notes yet.")).to_be_visible()
    site.statuses = [status]
    site.page.get_by_label("A new note").fill("buy milk")
    site.page.get_by_role("button", name="Add").click()
    site.problem(text)
    assert site.page.get_by_label("A new note").input_value() == "buy milk"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param("?code=1&state=unknown", "begun elsewhere or is over", id="foreign-state"),
        pytest.param("?error=server_error&state=unknown", "begun elsewhere or is over", id="foreign-error"),
        pytest.param("?error=access_denied", "", id="no-state"),
    ],
)
def test_a_return_that_nobody_waits_for_is_no_sign_in(site: Site, query: str, text: str) -> None:
    site.page.goto(HOME + query)
    expect(site.page.get_by_role("button", name="Log in")).to_be_visible()
    site.problem(text)
    if text:
        assert site.page.url == HOME


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_everybody_can_use_it(browser: Browser, axe: str, size: str, scheme: str) -> None:
    """As axe-core judges: a stranger's page, the notes, one that is being changed, a problem."""
    context = browser.new_context(**profile(size, scheme))
    site = Site(context.new_page())
    site.page.goto(HOME)
    expect(site.page.get_by_role("button", name="Log in")).to_be_visible()
    assert findings(site.page, axe) == []
    site.notes = [
        {"id": "1", "text": "buy milk", "created_ms": 1},
        {"id": "2", "text": "x" * 200, "created_ms": 1},
    ]
    site.page.evaluate("sessionStorage.clear()")
    site.sign_in()
    site.page.reload()
    site.page.get_by_role("button", name="Edit: buy milk").click()
    expect(site.page.get_by_label("The note")).to_be_focused()
    site.statuses = [403]
    site.page.get_by_role("button", name="Save").click()
    site.problem("You may not do that.")
    assert findings(site.page, axe) == []
    assert site.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
