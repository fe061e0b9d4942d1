from collections.abc import Iterator

import pytest

from tests.support.token_world import make_keys_quickly


@pytest.fixture(scope="session", autouse=True)
def _quick_keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_keys_quickly(patch)
        yield
