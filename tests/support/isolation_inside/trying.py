"""How probes are written: each does one forbidden thing and returns what it has got, or raises.

The files of this folder run inside containers: Python's standard library only, and no import of ours.
"""

import ctypes
import os
import socket

LIBC = ctypes.CDLL(None, use_errno=True)
CHANNEL, BOOTSTRAP = "/run/lockgate/channel", "/run/lockgate/runtime"
PROBES = {}


class Denied(Exception):
    """The thing did not happen, without an error of the system."""


def probe(function):
    PROBES[function.__name__.replace("_", "-")] = function
    return function


def status(name, pid="self"):
    with open(f"/proc/{pid}/status") as file:
        return next(line.split()[1:] for line in file if line.startswith(name + ":"))


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *arguments, allowed=()):
    """:param allowed: errors that come only after the kernel has looked at the caller's rights."""
    result = LIBC.syscall(number, *arguments)
    if result == -1 and ctypes.get_errno() not in allowed:
        checked(result)
    return "passed"


def write(path, data=b"x"):
    with open(path, "wb") as file:
        file.write(data)
    return f"wrote {path}"


def connect(host, port):
    with socket.create_connection((host, port), 3) as connection:
        return connection.recv(5).decode().strip() or "connected"
