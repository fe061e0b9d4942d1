"""One server for a module."""

from collections.abc import Iterator

import pytest

from tests.support.oauth_world import Browser, OAuthWorld, running_oauth


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthWorld]:
    with running_oauth(tmp_path_factory.mktemp("oauth")) as world:
        yield world


@pytest.fixture
def browser(world: OAuthWorld) -> Iterator[Browser]:
    with Browser(world) as browser:
        yield browser
