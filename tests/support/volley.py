"""Requests that reach their servers together: all of them but their last bytes first, then the last bytes.

Connections are kept from one volley to the next, so that nothing but the requests themselves is waited for.
"""

import http.client
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Self
from urllib.parse import urlencode

from tests.support.plain_http import Address, Reply

ANSWER_S = 30.0


class Volley:
    """`with Volley(addresses) as volley:`; the requests of a volley go to them in turn."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._sockets: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets.values():
            sock.close()

    def fire(self, requests: Sequence[bytes]) -> list[Reply | None]:
        """The answers, in the order of the requests. None: the server is gone."""
        self.send(requests)
        return self.answers(range(len(requests)))

    def send(self, requests: Sequence[bytes]) -> None:
        for number, request in enumerate(requests):
            self._socket(number).sendall(request[:-1])
        for number, request in enumerate(requests):
            self._sockets[number].sendall(request[-1:])

    def answers(self, numbers: Iterable[int]) -> list[Reply | None]:
        """Of those requests of what was sent last; each is read once."""
        return [self._answer(number) for number in numbers]

    def _socket(self, number: int) -> socket.socket:
        if number not in self._sockets:
            address = self._addresses[number % len(self._addresses)]
            self._sockets[number] = sock = socket.create_connection(address, timeout=ANSWER_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._sockets[number]

    def _answer(self, number: int) -> Reply | None:
        response = http.client.HTTPResponse(self._sockets[number])
        body = None
        with suppress(http.client.HTTPException, ConnectionError):
            response.begin()
            body = response.read()
        if body is None or response.will_close:
            self._sockets.pop(number).close()
        if body is None:
            return None
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=headers, body=body)


def form_post(
    host: str, target: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> bytes:
    body = urlencode(form).encode()
    fields = {
        "host": host,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body
