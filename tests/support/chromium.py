"""Debian's Chromium without a window, driven by Playwright, and axe-core, which judges pages for accessibility.

Playwright's blocking interface keeps a loop in its thread, where no other loop may run then: so it has one of its own,
and a test hands its story over. One browser for the whole session; each story has a profile of its own.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
ANSWER_MS = 30_000  # for a loaded machine
STORY_S = 100

_T = TypeVar("_T")


class Chromium:
    """:ivar violations: what pages were refused by their own policy, in any story."""

    def __init__(self, program: str) -> None:
        self.violations: list[str] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._stack = ExitStack()
        self._browser: Browser = self._thread.submit(self._start, program).result(STORY_S)

    def _start(self, program: str) -> Browser:
        playwright = self._stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        self._stack.callback(browser.close)
        return browser

    def tell(self, story: Callable[[Page], _T], **profile: Any) -> _T:
        """Run *story* in a profile of its own. :param profile: as Playwright's ``new_context``."""
        return self._thread.submit(self._tell, story, profile).result(STORY_S)

    def _tell(self, story: Callable[[Page], _T], profile: dict[str, Any]) -> _T:
        context: BrowserContext = self._browser.new_context(locale="en-GB", **profile)
        context.set_default_timeout(ANSWER_MS)
        context.on("console", self._listen)
        try:
            return story(context.new_page())
        finally:
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.violations.append(message.text)

    def close(self) -> None:
        self._thread.submit(self._stack.close).result(STORY_S)
        self._thread.shutdown()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    browser = Chromium(_program())
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For modules without asynchronous tests: Playwright's own, in this thread, and gone with the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _program() -> str:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here: run deploy/test-system.sh as root")
    return program


@pytest.fixture(scope="session")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make .venv/node")
    return AXE.read_text(encoding="utf-8")


def findings(page: Page, axe: str) -> list[str]:
    """Serious and critical ones, as ``rule: element``."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def profile(size: str = "desktop", scheme: str = "light", **more: Any) -> dict[str, Any]:
    width, height = SIZES[size]
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme, **more}
