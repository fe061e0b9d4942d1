import pytest

from tests.support.token_world import make_keys_quickly


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    make_keys_quickly(monkeypatch)
