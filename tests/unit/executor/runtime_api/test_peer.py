"""Whose a loopback connection is."""

import os
import socket

import pytest

from executor.runtime_api.peer import owner_of


@pytest.mark.parametrize(
    ("family", "host"),
    [
        pytest.param(socket.AF_INET, "127.0.0.1", id="ipv4"),
        pytest.param(socket.AF_INET6, "::ffff:127.0.0.1", id="both-families"),
    ],
)
def test_a_connection_belongs_to_the_user_who_opened_it(family: socket.AddressFamily, host: str) -> None:
    """Java opens sockets of both families, which the kernel lists apart from those of IPv4."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            client = socket.socket(family)
        except OSError as error:
            pytest.skip(f"no such sockets here: {error}")
        with client:
            client.connect((host, server.getsockname()[1]))
            assert owner_of(client.getsockname()[1], server.getsockname()[1]) == os.getuid()


def test_a_connection_that_is_not_there_belongs_to_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert owner_of(1, server.getsockname()[1]) is None
