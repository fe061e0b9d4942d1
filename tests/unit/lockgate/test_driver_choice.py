"""Containers are the rule of `serve`; processes only where nobody else can call them, or where it is said."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.images.errors import ImageError
from lockgate import settings
from lockgate.cli import Parser
from lockgate.driver_choice import choose_driver, refuse_exposed, remember_docker
from lockgate.engine_answer import ask_engine, wait_for_engine
from lockgate.errors import RuntimeFailure
from lockgate.settings import Settings

ABSENT = ImageError("engine-absent", "No Docker engine answers.", "Start it.")
DENIED = ImageError("engine-denied", "This user may not.", "Join the group.")


class Waited(Exception):
    """The choice waits for an engine."""


def chosen(tmp_path: Path, *argv: str, dev: bool = False, engine: ImageError | None = ABSENT) -> str:
    def wait(url: str, wait_s: float) -> None:
        assert wait_s == 60.0
        if engine is not None:
            raise Waited(url)

    return choose_driver(parse(tmp_path, *argv, dev=dev), url="unix:///e", ask=lambda _: engine, wait=wait)


def parse(tmp_path: Path, *argv: str, dev: bool = False) -> Settings:
    parser = Parser()
    settings.add_flags(parser, settings.SERVER_FLAGS, {})
    return settings.server_settings(parser.parse_args(["--state", str(tmp_path), *argv]), dev=dev)


@pytest.mark.parametrize(
    ("argv", "dev", "engine", "expected"),
    [
        pytest.param((), False, None, "docker", id="serve"),
        pytest.param((), False, ABSENT, "process", id="serve-no-engine-loopback"),
        pytest.param(("--gateway", "0.0.0.0:80"), False, None, "docker", id="public"),
        pytest.param(("--gateway", "0.0.0.0:80", "--driver", "process"), False, None, "process", id="said"),
        pytest.param(("--driver", "docker"), False, None, "docker", id="docker-said"),
        pytest.param((), True, None, "process", id="dev"),
        pytest.param(("--driver", "docker"), True, None, "docker", id="dev-docker"),
    ],
)
def test_choice(
    tmp_path: Path, argv: tuple[str, ...], dev: bool, engine: ImageError | None, expected: str
) -> None:
    assert chosen(tmp_path, *argv, dev=dev, engine=engine) == expected


@pytest.mark.parametrize("argv", [("--gateway", "0.0.0.0:80"), ("--driver", "docker")])
def test_without_an_engine_it_is_waited_for_where_processes_would_be_wrong(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    with pytest.raises(Waited):
        chosen(tmp_path, *argv)


def test_state_that_has_used_containers_never_falls_back_to_processes(tmp_path: Path) -> None:
    assert chosen(tmp_path) == "process"
    remember_docker(tmp_path)
    with pytest.raises(Waited):
        chosen(tmp_path)


def test_public_inherited_socket_is_no_objection_to_containers() -> None:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        refuse_exposed(sock, parse(Path("state")), "docker")
        with pytest.raises(RuntimeFailure, match="others can reach"):
            refuse_exposed(sock, parse(Path("state")), "process")


def test_engine_that_comes_while_one_waits_is_taken() -> None:
    answers: Iterator[ImageError | None] = iter([ABSENT, ABSENT, None])
    pauses: list[float] = []
    wait_for_engine("unix:///e", 60.0, ask=lambda _: next(answers), pause=pauses.append)
    assert len(pauses) == 2


def test_engine_that_never_comes_ends_the_start_with_what_to_do() -> None:
    with pytest.raises(RuntimeFailure, match="No Docker engine answers") as caught:
        wait_for_engine("unix:///e", 0.0, ask=lambda _: ABSENT)
    assert caught.value.instead == "Start it."


def test_missing_rights_are_not_waited_for() -> None:
    with pytest.raises(RuntimeFailure, match="may not"):
        wait_for_engine("unix:///e", 60.0, ask=lambda _: DENIED, pause=lambda _: pytest.fail("waited"))


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"HTTP/1.1 200 OK\r\n\r\nOK", None), (b"HTTP/1.1 404 Not Found\r\n\r\n", "failed"), (b"", "failed")],
)
def test_what_answers_is_judged_by_its_ping(tmp_path: Path, answer: bytes, code: str | None) -> None:
    path = tmp_path / "e.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer_one, args=(listener, answer))
        thread.start()
        problem = ask_engine(f"unix://{path}")
        thread.join()
    assert (None if problem is None else problem.code) == code


def answer_one(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        assert connection.recv(1000).startswith(b"GET /_ping ")
        connection.sendall(answer)


def test_nobody_listening_is_told_from_no_rights(tmp_path: Path) -> None:
    absent = ask_engine(f"unix://{tmp_path}/none.sock")
    refused = ask_engine("tcp://127.0.0.1:1")
    assert absent is not None
    assert refused is not None
    assert (absent.code, refused.code) == ("engine-absent", "engine-absent")
