"""One server for all that clients by others do with it; each test brings people of its own."""

from collections.abc import Iterator

import pytest

from tests.support.cognito_site import CognitoSite, cognito_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoSite]:
    with cognito_site(tmp_path_factory.mktemp("cognito")) as site:
        yield site
