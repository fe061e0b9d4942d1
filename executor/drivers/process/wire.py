"""Messages between the driver and a zygote: length-prefixed JSON over a unix stream socket, with file descriptors.

Both ends use this file; the zygote loads it by path, so it imports the standard library only and runs on
Python 3.9. A stream, because SOCK_SEQPACKET is missing on macOS; descriptors ride on a message's first byte.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!IB")  # bytes of JSON, number of descriptors
MAX_MESSAGE = 1 << 20  # a function's variables are 4 KB by contract; this only stops nonsense
MAX_FDS = 8  # output, and one per cgroup hierarchy
_READ = 1 << 16

Message = dict[str, Any]


def encode(message: Message, fds: int = 0) -> bytes:
    """:raises ValueError: the message is larger than `MAX_MESSAGE`."""
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE:
        raise ValueError(f"a message of {len(body)} bytes is too large")
    return _HEADER.pack(len(body), fds) + body


def send(sock: socket.socket, data: bytes, fds: list[int]) -> int:
    """Send what fits; `fds` go with the first byte. :raises BlockingIOError: nothing fits now."""
    if not fds:
        return sock.send(data)
    rights = array.array("i", fds)
    return sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def send_whole(sock: socket.socket, message: Message, fds: list[int]) -> None:
    """On a blocking socket. :raises OSError: the other end is gone."""
    data = encode(message, len(fds))
    sent = send(sock, data, fds)
    if sent < len(data):
        sock.sendall(data[sent:])


class Inbox:
    """Puts messages together from what arrives; keeps descriptors until their message is whole."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = bytearray()
        self._fds: list[int] = []

    def receive(self) -> list[tuple[Message, list[int]]]:
        """Read once, and return the messages that are whole now.

        :raises EOFError: the other end is gone.
        :raises ValueError: what arrived is not this protocol.
        """
        room = socket.CMSG_SPACE(MAX_FDS * array.array("i").itemsize)
        data, ancillary, _, _ = self._sock.recvmsg(_READ, room)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(payload[: len(payload) - len(payload) % rights.itemsize])
                self._fds.extend(rights)
        for fd in self._fds:
            os.set_inheritable(fd, False)
        if not data:
            raise EOFError("the other end is gone")
        self._bytes += data
        return list(self._whole())

    def _whole(self) -> list[tuple[Message, list[int]]]:
        messages = []
        while len(self._bytes) >= _HEADER.size:
            length, count = _HEADER.unpack_from(self._bytes)
            if length > MAX_MESSAGE:
                raise ValueError("not a message")
            end = _HEADER.size + length
            if len(self._bytes) < end:
                break
            body = json.loads(bytes(self._bytes[_HEADER.size : end]))
            messages.append((body, self._fds[:count]))
            del self._bytes[:end], self._fds[:count]
        return messages
