"""One server for the modules of the conformance plans; each test has a browser of its own."""

from collections.abc import Iterator

import pytest

from tests.support.oauth_world import Browser, OAuthWorld, running_oauth


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthWorld]:
    with running_oauth(tmp_path_factory.mktemp("oidf")) as world:
        yield world


@pytest.fixture
def browser(world: OAuthWorld) -> Iterator[Browser]:
    with Browser(world) as browser:
        yield browser
