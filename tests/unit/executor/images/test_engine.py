"""Calls of the engine end: when nobody listens, when nobody answers, when the server ends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.images import engine as module
from executor.images.engine import ImageEngine
from executor.images.errors import ImageError

VERSION = b'{"ApiVersion":"1.41","Arch":"amd64"}'


@contextmanager
def engine_saying(path: Path, *answers: bytes) -> Iterator[ImageEngine]:
    """An engine that gives one answer a connection, and none when they are used up, until the end."""
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            left, held = list(answers), []
            while not done.is_set():
                connection, _ = listener.accept()
                if not connection.recv(65536):  # somebody who only looks whether we listen
                    connection.close()
                elif left:
                    connection.sendall(left.pop(0))
                    connection.close()
                else:
                    held.append(connection)
            for connection in held:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield ImageEngine(f"unix://{path}")
        finally:
            done.set()
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(str(path))
            thread.join()


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_engine_that_accepts_and_says_nothing_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 0.2)
    with engine_saying(tmp_path / "s") as engine, pytest.raises(ImageError) as caught:
        engine._asking("", silence_s=0.2).__enter__()
    assert caught.value.code == "engine-slow"


def test_pull_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_S", 0.2)
    with engine_saying(tmp_path / "s", http(VERSION)) as engine, pytest.raises(ImageError) as caught:
        engine.pull("r:1")
    assert caught.value.code == "engine-slow"


def test_error_in_the_middle_of_a_pull_is_the_pulls_error(tmp_path: Path) -> None:
    stream = b'{"status":"Pulling from r","id":"1"}\r\n{"error":"no space left on device"}\r\n'
    with (
        engine_saying(tmp_path / "s", http(VERSION), http(stream)) as engine,
        pytest.raises(ImageError) as caught,
    ):
        engine.pull("r:1")
    assert caught.value.code == "disk-full"


def test_pull_ends_with_the_server(tmp_path: Path) -> None:
    stream = b'{"status":"Pulling from r","id":"1"}\r\n'
    with engine_saying(tmp_path / "s", http(VERSION), http(stream)) as engine:
        engine.close()
        with pytest.raises(ImageError, match="The server ends"):
            engine.pull("r:1")


def test_pull_that_the_server_waits_for_goes_through(tmp_path: Path) -> None:
    stream = b'{"status":"Pulling from r","id":"1"}\r\n'
    with engine_saying(tmp_path / "s", http(VERSION), http(stream)) as engine:
        engine.pull("r:1")


def test_refusal_of_a_pull_is_told_in_the_engines_words(tmp_path: Path) -> None:
    refused = http(b'{"message":"pull access denied for r"}', "404 Not Found")
    with engine_saying(tmp_path / "s", http(VERSION), refused) as engine, pytest.raises(ImageError) as caught:
        engine.pull("r:1")
    assert caught.value.code == "refused"


def test_image_that_is_not_there_is_none(tmp_path: Path) -> None:
    gone = http(b'{"message":"No such image: r:1"}', "404 Not Found")
    with engine_saying(tmp_path / "s", http(VERSION), gone) as engine:
        assert engine.inspect("r:1") is None


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No Docker engine answers") as caught:
        ImageEngine(f"unix://{tmp_path}/none").arch()
    assert caught.value.code == "engine-absent"
