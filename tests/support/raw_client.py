"""A client that sends bytes, whatever they are, and sees what comes back until the server closes."""

import socket
import time
from collections.abc import Iterable
from typing import Self

from tests.support.plain_http import Address

TIMEOUT_S = 20.0


class RawClient:
    """Use ``with``. :ivar sent: bytes that the kernel took."""

    def __init__(self, address: Address, data: bytes = b"") -> None:
        self.sent = 0
        self._sock = socket.create_connection(address, timeout=TIMEOUT_S)
        self.send(data)

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)
        self.sent += len(data)

    def send_until_closed(self, pieces: Iterable[bytes]) -> None:
        """Go on until the server has had enough, as a flood does."""
        try:
            for piece in pieces:
                self.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return

    def rest(self) -> bytes:
        """What comes until the server closes; a reset counts as closed. :raises TimeoutError: it does not."""
        data = b""
        deadline = time.monotonic() + TIMEOUT_S
        try:
            while chunk := self._sock.recv(65536):
                data += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError(f"still open after {TIMEOUT_S} s")
        except ConnectionResetError:
            pass
        return data

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def statuses(answers: bytes) -> list[int]:
    """Of the answers in *answers*, in order."""
    parts = answers.split(b"HTTP/1.1 ")[1:]
    return [int(part[:3]) for part in parts]
