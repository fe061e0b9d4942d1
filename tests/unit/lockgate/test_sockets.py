import os
import socket

import pytest

from lockgate import sockets
from lockgate.errors import RuntimeFailure
from tests.unit.lockgate.test_settings import parse


@pytest.fixture
def settings():
    return parse("--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")


def test_what_is_not_inherited_is_bound(settings, monkeypatch):
    monkeypatch.setattr(sockets, "inherited_sockets", lambda _environ, *, pid: {})
    with sockets.open_sockets(settings) as opened:
        assert set(opened) == {"gateway", "control", "admin"}
        assert not any(each.is_inherited for each in opened.values())
        assert opened["gateway"].sock.getsockname()[1] > 0
    assert opened["gateway"].sock.fileno() == -1


def made(count):
    return [socket.socket() for _ in range(count)]


def test_inherited_sockets_go_by_name(settings, monkeypatch):
    (mine,) = made(1)
    monkeypatch.setattr(sockets, "inherited_sockets", lambda _environ, *, pid: {"admin": mine})
    with sockets.open_sockets(settings) as opened:
        assert opened["admin"].sock is mine
        assert opened["admin"].is_inherited
        assert not opened["gateway"].is_inherited


def test_inherited_sockets_without_names_go_by_order(settings, monkeypatch):
    first, second = made(2)
    monkeypatch.setattr(sockets, "inherited_sockets", lambda _environ, *, pid: {"fd3": first, "fd4": second})
    with sockets.open_sockets(settings) as opened:
        assert opened["gateway"].sock is first
        assert opened["control"].sock is second
        assert not opened["admin"].is_inherited


def test_too_many_inherited_sockets_are_refused(settings, monkeypatch):
    many = {f"fd{number}": sock for number, sock in enumerate(made(4), 3)}
    monkeypatch.setattr(sockets, "inherited_sockets", lambda _environ, *, pid: many)
    with pytest.raises(RuntimeFailure, match="4 sockets were passed"), sockets.open_sockets(settings):
        pass
    for sock in many.values():
        sock.close()


def test_an_address_that_is_taken_is_explained(monkeypatch):
    monkeypatch.setattr(sockets, "inherited_sockets", lambda _environ, *, pid: {})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken_settings = parse(
            "--gateway", f"127.0.0.1:{port}", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0"
        )
        with pytest.raises(RuntimeFailure, match=f"127.0.0.1:{port}"), sockets.open_sockets(taken_settings):
            pass
    assert os.environ.get("LISTEN_FDS") is None
