"""What a container might reach and must not: other machines of the network, and listeners on this one.

A network namespace stands for the machines around: it has a private, a link-local and a public address, and the
metadata address of clouds. Names and addresses are of the stand's own, so that several can stand at once.
"""

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

METADATA = "169.254.169.254"
DATABASE_PORT, OTHER_PORT = 5432, 5433
ANSWER = b"here\n"
# One process that answers on two ports of all addresses of its namespace.
_ANSWERING = """
import socketserver, sys, threading
class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"here\\n")
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
servers = [Server(("0.0.0.0", int(port)), Answer) for port in sys.argv[1:]]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """:param host_port: of a listener on all addresses of this machine, as a careless admin port would be.
    :param loopback_port: of one on 127.0.0.1.
    """

    private: str
    link_local: str
    public: str
    host: str
    host_port: int
    loopback_port: int


@contextmanager
def standing() -> Iterator[Stand]:
    """Needs root."""
    token = secrets.token_hex(3)
    octet = secrets.randbelow(250) + 1
    name, outside, inside = f"lgt-{token}", f"lgt{token}o", f"lgt{token}i"
    stand = {
        "private": f"192.168.{octet}.2",
        "link_local": f"169.254.{octet}.2",
        "public": f"203.0.113.{octet}",
        "host": f"192.168.{octet}.1",
    }
    commands = [
        f"ip netns add {name}",
        f"ip link add {outside} type veth peer name {inside} netns {name}",
        f"ip address add {stand['host']}/24 dev {outside}",
        f"ip link set {outside} up",
        f"ip -n {name} link set lo up",
        f"ip -n {name} link set {inside} up",
        f"ip -n {name} address add {stand['private']}/24 dev {inside}",
        f"ip -n {name} route add default via {stand['host']}",
    ]
    for address in (stand["link_local"], stand["public"], METADATA):
        commands += [f"ip -n {name} address add {address}/32 dev {inside}"]
        # A second stand may already answer for the metadata address: either serves.
        commands += [f"ip route append {address}/32 via {stand['private']}"]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        with _machines(name), answering("0.0.0.0") as host_port, answering("127.0.0.1") as loopback_port:
            yield Stand(**stand, host_port=host_port, loopback_port=loopback_port)
    finally:
        subprocess.run(["ip", "link", "delete", outside], check=False, capture_output=True)  # with its routes
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@contextmanager
def _machines(namespace: str) -> Iterator[None]:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-I", "-c", _ANSWERING]
    process = subprocess.Popen(
        [*command, str(DATABASE_PORT), str(OTHER_PORT), "80"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@contextmanager
def answering(address: str, port: int = 0) -> Iterator[int]:
    """A listener of this machine that answers in a thread until the end. :returns: its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as server:
        thread = threading.Thread(target=_serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # the end
            return
        with connection:
            connection.sendall(ANSWER)
