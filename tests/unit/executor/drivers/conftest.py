import os
import sys
from collections.abc import AsyncIterator

import pytest

from tests.support.process_world import ProcessWorld


@pytest.fixture
async def world() -> AsyncIterator[ProcessWorld]:
    async with ProcessWorld() as made:
        yield made


@pytest.fixture
def needs_root() -> None:
    if sys.platform == "linux" and os.geteuid() == 0:
        return
    if os.environ.get("CI"):
        pytest.fail("CI runs these tests as root on Linux")
    pytest.skip("needs root on Linux")
