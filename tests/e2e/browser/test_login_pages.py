"""The login pages in a real browser: without script, by keyboard, and as axe-core judges them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from auth.core.totp import secret_of
from auth.user import MfaPreference
from tests.support.chromium import SIZES, Chromium, findings, profile
from tests.support.pages_site import PagesSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EMAIL = "grace@example.com"
GOOD_PASSWORD = "Correct horse 1"
APP = "app@example.com"
TEMPORARY = "temporary@example.com"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    with PagesSite(Path(tmp_path_factory.mktemp("site")), mfa="required") as site:
        site.people.add("setup@example.com", GOOD_PASSWORD, email=None)
        yield site


@pytest.fixture(scope="module")
def optional(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    """A second factor for whoever has one."""
    with PagesSite(Path(tmp_path_factory.mktemp("optional")), mfa="optional") as site:
        site.people.add("ada@example.com", GOOD_PASSWORD, email=None)
        site.people.add(APP, GOOD_PASSWORD, email=None)
        site.people.with_app(APP)
        site.people.add(TEMPORARY, GOOD_PASSWORD, email=None, is_permanent=False)
        yield site


@pytest.fixture(scope="module")
def by_mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    """A second factor, which may be a code by mail. Grace has an app too, and prefers neither."""
    kinds = frozenset({"software_token", "email"})
    folder = Path(tmp_path_factory.mktemp("by_mail"))
    with PagesSite(folder, mfa="required", mfa_kinds=kinds) as site:
        site.people.add("ada@example.com", GOOD_PASSWORD, email=None, email_verified="true")
        grace = site.people.add(EMAIL, GOOD_PASSWORD, email=None, email_verified="true")
        site.people.with_app(EMAIL)
        both = MfaPreference(enabled=frozenset({"SOFTWARE_TOKEN_MFA", "EMAIL_OTP"}))
        site.people.store.users.set_mfa(grace.pool_id, grace.sub, both, site.people.now)
        yield site


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"#{name}", value)


def send(page: Page) -> None:
    page.click("button")


def log_in(page: Page, username: str, password: str = GOOD_PASSWORD) -> None:
    fill(page, username=username, password=password)
    send(page)


def title(page: Page) -> str:
    return page.inner_text("h1")


def test_whole_story_without_script(chromium: Chromium, site: PagesSite) -> None:
    """Sign up, the code from the mail, log in, set an app up, come to the client, log out; then with the app."""

    def story(page: Page) -> None:
        page.goto(site.address())
        page.click("text=Create an account")
        fill(page, email=EMAIL, password=GOOD_PASSWORD, repeat=GOOD_PASSWORD)
        send(page)
        assert title(page) == "Check your email"
        fill(page, code=site.people.wrong_code())
        send(page)
        assert "The code is wrong." in page.inner_text(".summary")
        fill(page, code=site.people.code())
        send(page)
        assert "Your account is confirmed" in page.inner_text(".notice")
        assert page.input_value("#username") == EMAIL
        fill(page, password=GOOD_PASSWORD)
        send(page)
        assert title(page) == "Set up an authenticator app"
        seed = secret_of(page.inner_text("#seed").replace(" ", ""))
        page.reload()
        assert secret_of(page.inner_text("#seed").replace(" ", "")) == seed
        fill(page, code=site.people.app_code(seed), device="Phone")
        send(page)
        given = site.given(page.url)
        assert given["state"] == "s1"
        assert given["code"]
        assert given["iss"] == f"{site.url}/{site.people.pool.pool_id}"

        page.goto(site.address())  # logged in: straight back
        assert site.given(page.url)["code"] != given["code"]
        page.goto(site.logout_address())
        assert page.url == f"{site.client_url}/bye"
        page.goto(site.address())
        assert title(page) == "Log in"

        log_in(page, EMAIL)
        assert title(page) == "Confirm that it is you"
        site.people.clock.move(60)
        fill(page, code="000000")
        send(page)
        assert "The code is wrong." in page.inner_text(".summary")
        fill(page, code=site.people.app_code(seed))
        send(page)
        assert site.given(page.url)["code"]

    chromium.tell(story, **profile(java_script_enabled=False))
    assert chromium.violations == []


def test_forgotten_password_without_script(chromium: Chromium, optional: PagesSite) -> None:
    people = optional.people
    people.add("forgetful@example.com", GOOD_PASSWORD, email="forgetful@example.com")

    def story(page: Page) -> None:
        page.goto(optional.address())
        page.click("text=Forgot your password?")
        fill(page, username="forgetful@example.com")
        send(page)
        fill(page, code=people.code(), password="weak", repeat="weak")
        send(page)
        assert "At least 10 characters" in page.inner_text(".summary")
        fill(page, code=people.code(), password="Another horse 2", repeat="Another horse 2")
        send(page)
        assert "Your password is changed" in page.inner_text(".notice")
        fill(page, password=GOOD_PASSWORD)
        send(page)
        assert "wrong" in page.inner_text(".summary")
        fill(page, password="Another horse 2")
        send(page)
        assert optional.given(page.url)["code"]

    chromium.tell(story, **profile(java_script_enabled=False))


def test_taken_address_is_told_by_mail_only(chromium: Chromium, optional: PagesSite) -> None:
    """B6: the page after it is that of a new account."""
    people = optional.people
    people.add("taken@example.com", GOOD_PASSWORD, email="taken@example.com")
    shown = []

    def story(page: Page) -> None:
        for email in ("taken@example.com", "tokyo@example.com"):
            page.goto(optional.address("/signup"))
            fill(page, email=email, password=GOOD_PASSWORD, repeat=GOOD_PASSWORD)
            send(page)
            shown.append((page.url, page.inner_text("main")))

    chromium.tell(story, **profile())
    assert shown[0] == shown[1]
    assert [mail.to for mail in people.mails[-2:]] == ["taken@example.com", "tokyo@example.com"]
    assert people.mails[-2].purpose != people.mails[-1].purpose


def test_first_password_is_replaced(chromium: Chromium, optional: PagesSite) -> None:
    optional.people.add("first@example.com", GOOD_PASSWORD, email=None, is_permanent=False)

    def story(page: Page) -> None:
        page.goto(optional.address())
        log_in(page, "first@example.com")
        assert title(page) == "Choose a new password"
        fill(page, password="Second horse 2", repeat="Second horse 2")
        send(page)
        assert optional.given(page.url)["code"]

    chromium.tell(story, **profile())


def test_by_keyboard_alone(chromium: Chromium, optional: PagesSite) -> None:
    """No pointer: the first field has the focus, Tab leads through what is seen, Enter sends."""

    def focused(page: Page) -> str:
        return str(page.evaluate("document.activeElement.id || document.activeElement.innerText"))

    def story(page: Page) -> None:
        page.goto(optional.address())
        assert focused(page) == "username"
        page.keyboard.type("ada@example.com")
        page.keyboard.press("Tab")
        page.keyboard.type("wrong")
        order = []
        for _ in range(3):
            page.keyboard.press("Tab")
            order.append(focused(page))
        assert order == ["Forgot your password?", "Log in", "Create an account"]
        page.keyboard.press("Shift+Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.title().startswith("Error:")
        assert focused(page) == "password"  # the name is there already
        page.keyboard.type(GOOD_PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert optional.given(page.url)["code"]

    chromium.tell(story, **profile())


def test_two_tabs_back_button_and_second_press(chromium: Chromium, optional: PagesSite) -> None:
    """What people do: nothing of it is a dead end."""

    def story(page: Page) -> None:
        page.goto(optional.address(state="one"))
        other = page.context.new_page()
        other.goto(optional.address(state="two"))
        log_in(page, "ada@example.com")
        assert optional.given(page.url)["state"] == "one"
        log_in(other, "ada@example.com")  # its form is of the session before
        assert "Please try again" in other.inner_text(".summary")
        fill(other, password=GOOD_PASSWORD)
        send(other)
        assert optional.given(other.url)["state"] == "two"

        page.goto(optional.logout_address())
        page.goto(optional.address())
        log_in(page, APP)
        assert title(page) == "Confirm that it is you"
        page.go_back()
        assert title(page) == "Log in"
        log_in(page, "ada@example.com")
        assert optional.given(page.url)["code"]
        page.go_back()
        assert title(page) in ("Log in", "Confirm that it is you")
        page.goto(optional.address("/mfa"))
        assert title(page) == "Log in"

    chromium.tell(story, **profile())


def test_challenge_that_is_too_old_leads_back(chromium: Chromium, optional: PagesSite) -> None:
    def story(page: Page) -> None:
        page.goto(optional.address())
        log_in(page, APP)
        optional.people.clock.move(200)  # of 180
        fill(page, code="123456")
        send(page)
        assert title(page) == "Log in"
        assert "took too long" in page.inner_text(".notice")
        assert page.input_value("#username") == APP

    chromium.tell(story, **profile())


def every_page(page: Page, site: PagesSite, required: PagesSite, check: "Check") -> None:
    for path in (
        "/login",
        "/signup",
        "/confirmUser",
        "/resendcode",
        "/forgotPassword",
        "/confirmForgotPassword",
    ):
        page.goto(site.address(path))
        check(path)
    page.goto(site.address())
    log_in(page, "ada@example.com", "wrong")
    check("/login, refused")
    page.goto(site.address("/signup"))
    fill(page, email="x@example", password="a", repeat="b")
    send(page)
    check("/signup, refused")
    page.goto(site.address())
    log_in(page, APP)
    assert title(page) == "Confirm that it is you"
    check("/mfa")
    page.goto(site.address())
    log_in(page, TEMPORARY)
    assert title(page) == "Choose a new password"
    check("/newPassword")
    page.goto(required.address())
    log_in(page, "setup@example.com")
    assert title(page) == "Set up an authenticator app"
    check("/mfa/setup")
    page.goto(site.address(client_id="unknown"))
    check("error")
    page.goto(f"{site.url}/logged-out")
    check("/logged-out")


class Check:
    """Collects what axe-core finds, and what is wider than the window."""

    def __init__(self, page: Page, axe: str) -> None:
        self._page, self._axe = page, axe
        self.names: list[str] = []
        self.found: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        for size, scheme in itertools.product(SIZES, ("light", "dark")):
            width, height = SIZES[size]
            self._page.set_viewport_size({"width": width, "height": height})
            self._page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
            found = findings(self._page, self._axe)
            if self._page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append("it scrolls to the side")
            self.found += [f"{name}, {size}, {scheme}: {finding}" for finding in found]


def test_no_page_shuts_anybody_out(
    chromium: Chromium, axe: str, site: PagesSite, optional: PagesSite
) -> None:
    """axe-core: nothing serious or critical on any page, on a phone and on a desktop, light and dark; and no page
    scrolls sideways or breaks its own policy (B4)."""

    def story(page: Page) -> Check:
        check = Check(page, axe)
        every_page(page, optional, site, check)
        return check

    check = chromium.tell(story)
    assert check.found == []
    assert len(check.names) == 13
    assert chromium.violations == []


def test_axe_finds_what_is_wrong(chromium: Chromium, axe: str) -> None:
    def story(page: Page) -> list[str]:
        page.set_content("<html><body><input><p style='color:#999;background:#fff'>Pale</p></body></html>")
        return [finding.partition(":")[0] for finding in findings(page, axe)]

    assert {"html-has-lang", "label", "color-contrast"} <= set(chromium.tell(story))


def test_code_by_mail_without_script(chromium: Chromium, by_mail: PagesSite) -> None:
    """A wrong one, another one, the right one; then as the choice of somebody who has an app, too."""

    def story(page: Page) -> None:
        page.goto(by_mail.address())
        log_in(page, "ada@example.com")
        assert title(page) == "Confirm that it is you"
        assert "a***@e***" in page.inner_text(".lead")
        fill(page, code=by_mail.people.wrong_code())
        send(page)
        assert "The code is wrong." in page.inner_text(".summary")
        page.click("text=Send a new code")
        send(page)
        assert "A new code is on its way." in page.inner_text(".notice")
        fill(page, code=by_mail.people.code())
        send(page)
        assert page.url.startswith(f"{by_mail.client_url}/back?")

    def choice(page: Page) -> None:
        page.goto(by_mail.address())
        log_in(page, EMAIL)
        page.check("text=With a code by email")
        send(page)
        assert "g***@e***" in page.inner_text(".lead")
        fill(page, code=by_mail.people.code())
        send(page)
        assert page.url.startswith(f"{by_mail.client_url}/back?")

    chromium.tell(story, **profile(java_script_enabled=False))
    chromium.tell(choice, **profile(java_script_enabled=False))
