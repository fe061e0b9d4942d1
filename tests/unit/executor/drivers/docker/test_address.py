"""Engine addresses as DOCKER_HOST writes them."""

from pathlib import Path

import pytest

from executor.drivers.docker.engine.address import EngineAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("unix:///run/docker.sock", EngineAddress(socket=Path("/run/docker.sock")), id="socket"),
        pytest.param("tcp://proxy:1234", EngineAddress(host="proxy", port=1234), id="proxy"),
        pytest.param("tcp://proxy", EngineAddress(host="proxy", port=2375), id="default-port"),
    ],
)
def test_addresses(text: str, expected: EngineAddress) -> None:
    assert EngineAddress.parse(text) == expected


@pytest.mark.parametrize("text", ["", "/run/docker.sock", "ssh://host", "unix://run/docker.sock", "tcp://"])
def test_what_is_no_address_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write unix:///path/docker\.sock or tcp://host:port"):
        EngineAddress.parse(text)


def test_address_is_written_as_it_is_read() -> None:
    for text in ("unix:///run/docker.sock", "tcp://proxy:1234"):
        assert str(EngineAddress.parse(text)) == text
