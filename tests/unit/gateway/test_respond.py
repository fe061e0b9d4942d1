"""Fixed answers and files."""

import os
from pathlib import Path

import pytest

from gateway.errors import DeploymentError
from gateway.integrations import large_files
from gateway.integrations.file_content import MAX_FILE_BYTES
from gateway.integrations.large_files import LargeFiles
from gateway.integrations.respond import PRELOAD_BYTES, RespondTarget, build_respond
from tests.support.gateway_harness import EdgeDouble, Harness, build

MODIFIED_S = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return _write(tmp_path / "index.html", b"<p>hello")


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (MODIFIED_S, MODIFIED_S))
    return path


def _remove(path: Path) -> None:
    path.unlink()


def _serving(path: Path, **more: object) -> Harness:
    return build({"ANY /": RespondTarget(file=path, **more)})


async def test_fixed_answer() -> None:
    target = RespondTarget(status=418, headers={"Content-Type": "text/plain", "X-A": "é"}, body="ok")
    received = await build({"GET /": target}).request("GET", "/")
    assert (received.status, received.body) == (418, b"ok")
    assert (received.get("content-type"), received.get("x-a")) == ("text/plain", "é")
    assert received.get("apigw-requestid")


async def test_answers_share_no_state() -> None:
    harness = build({"GET /": RespondTarget(body="ok")})
    ids = [(await harness.request("GET", "/")).get("apigw-requestid") for _ in range(3)]
    assert len(set(ids)) == 3


async def test_body_without_a_type_is_json_and_204_has_none() -> None:
    harness = build({"GET /a": RespondTarget(body="{}"), "GET /b": RespondTarget(status=204, body="x")})
    assert (await harness.request("GET", "/a")).get("content-type") == "application/json"
    empty = await harness.request("GET", "/b")
    assert (empty.body, empty.get("content-type"), empty.get("content-length")) == (b"", None, None)


async def test_file_is_served_with_type_and_validators(page: Path) -> None:
    received = await _serving(page).request("GET", "/")
    assert (received.status, received.body) == (200, b"<p>hello")
    assert received.get("content-type") == "text/html; charset=utf-8"
    assert received.get("last-modified") == LAST_MODIFIED
    assert str(received.get("etag")).startswith('"')


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        (".js", "text/javascript; charset=utf-8"),
        (".PNG", "image/png"),
        (".wasm", "application/wasm"),
        (".unknown", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
async def test_suffix_gives_the_type(tmp_path: Path, suffix: str, content_type: str) -> None:
    harness = _serving(_write(tmp_path / f"file{suffix}", b"x"))
    assert (await harness.request("GET", "/")).get("content-type") == content_type


async def test_configured_type_wins(page: Path) -> None:
    harness = _serving(page, headers={"Content-Type": "text/plain"})
    assert (await harness.request("GET", "/")).get("content-type") == "text/plain"


ETAG = "<the file's>"


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        pytest.param("GET", {"if-none-match": ETAG}, 304, id="same-etag"),
        pytest.param("HEAD", {"if-none-match": ETAG}, 304, id="same-etag-on-head"),
        pytest.param("GET", {"if-none-match": f'"x", W/{ETAG}'}, 304, id="weak-in-a-list"),
        pytest.param("GET", {"if-none-match": "*"}, 304, id="any-etag"),
        pytest.param("GET", {"if-none-match": '"x"'}, 200, id="other-etag"),
        pytest.param("POST", {"if-none-match": ETAG}, 200, id="only-for-get-and-head"),
        pytest.param("GET", {"if-modified-since": LAST_MODIFIED}, 304, id="same-time"),
        pytest.param("GET", {"if-modified-since": "Wed, 15 Nov 2023 22:13:20 GMT"}, 304, id="later"),
        pytest.param("GET", {"if-modified-since": "Mon, 13 Nov 2023 22:13:20 GMT"}, 200, id="earlier"),
        pytest.param("GET", {"if-modified-since": "yesterday"}, 200, id="no-date"),
        pytest.param("GET", {"if-modified-since": "Tue, 14 Nov 99999 22:13:20 GMT"}, 200, id="bad-date"),
        pytest.param(
            "GET", {"if-none-match": '"x"', "if-modified-since": LAST_MODIFIED}, 200, id="etag-goes-first"
        ),
    ],
)
@pytest.mark.parametrize("size", [8, PRELOAD_BYTES + 1], ids=["preloaded", "large"])
async def test_conditional_request(
    tmp_path: Path, method: str, headers: dict[str, str], status: int, size: int
) -> None:
    harness = _serving(_write(tmp_path / "f.txt", b"x" * size))
    etag = str((await harness.request("GET", "/")).get("etag"))
    sent = [("host", "h"), *((name, value.replace(ETAG, etag)) for name, value in headers.items())]
    received = await harness.request(method, "/", headers=sent)
    assert received.status == status
    assert received.get("etag") == etag
    if status == 304:
        assert (received.body, received.get("content-length")) == (b"", None)


async def test_head_of_a_file_has_its_length(page: Path) -> None:
    received = await _serving(page).request("HEAD", "/")
    assert (received.status, received.get("content-length"), received.body) == (200, "8", b"")


async def test_error_page_is_never_a_304(page: Path) -> None:
    harness = _serving(page, status=404)
    etag = str((await harness.request("GET", "/")).get("etag"))
    assert (await harness.request("GET", "/", headers=[("if-none-match", etag)])).status == 404


async def test_small_file_is_served_as_it_was_at_deployment(page: Path) -> None:
    harness = _serving(page)
    _remove(page)
    assert (await harness.request("GET", "/")).body == b"<p>hello"


async def test_large_file_is_served_as_it_is_now(tmp_path: Path) -> None:
    path = _write(tmp_path / "large.bin", bytes(PRELOAD_BYTES + 1))
    harness = _serving(path)
    assert len((await harness.request("GET", "/")).body) == PRELOAD_BYTES + 1
    path.write_bytes(b"changed")
    assert (await harness.request("GET", "/")).body == b"changed"
    path.write_bytes(bytes(MAX_FILE_BYTES + 1))
    assert (await harness.request("GET", "/")).status == 500
    _remove(path)
    gone = await harness.request("GET", "/")
    assert (gone.status, gone.body) == (500, b'{"message":"Internal Server Error"}')
    assert "cannot be read" in str(harness.records[-1]["integrationErrorMessage"])


async def test_answers_of_a_large_file_share_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 clients asked for 5 MB each and read slowly: each had bytes of its own, and the server 1.7 GB."""
    monkeypatch.setattr(large_files, "_TICK_NS", -1)  # the file has just been written
    harness = _serving(_write(tmp_path / "large.bin", bytes(PRELOAD_BYTES + 1)))
    bodies: list[bytes] = []

    class Edge(EdgeDouble):
        def respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
            bodies.append(body)
            return True

    for _ in range(3):
        await harness.request("GET", "/", edge=Edge())
    assert len(bodies[0]) == PRELOAD_BYTES + 1
    assert all(body is bodies[0] for body in bodies)


@pytest.mark.parametrize("swap", ["file", "folder", "pipe", "directory"])
async def test_large_file_that_was_swapped_is_not_followed(tmp_path: Path, swap: str) -> None:
    """The file lay in a function's volume; the function put a link there, and the server read with its rights."""
    path = tmp_path / "volume" / "large.bin"
    for folder in (path.parent, tmp_path / "secret"):
        folder.mkdir()
        _write(folder / "large.bin", bytes(PRELOAD_BYTES + 1))
    harness = _serving(path)
    _remove(path)
    if swap == "file":
        path.symlink_to(tmp_path / "secret" / "large.bin")
    elif swap == "pipe":
        os.mkfifo(path)  # a plain open would hold a thread for ever
    elif swap == "directory":
        path.mkdir()
    else:
        path.parent.rmdir()
        path.parent.symlink_to(tmp_path / "secret")
    answer = await harness.request("GET", "/")
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')


def test_file_that_cannot_be_served_is_found_at_build_time(tmp_path: Path) -> None:
    too_large = _write(tmp_path / "large.bin", b"")
    os.truncate(too_large, MAX_FILE_BYTES + 1)
    for path in (tmp_path / "missing", tmp_path, too_large):
        with pytest.raises(DeploymentError, match="cannot be served"):
            build_respond(RespondTarget(file=path), LargeFiles())


@pytest.mark.parametrize(
    "target",
    [
        RespondTarget(status=199),
        RespondTarget(status=600),
        RespondTarget(headers={"x": "a\r\nb: c"}),
        RespondTarget(headers={"x y": "a"}),
        RespondTarget(headers={"x": "\ud800"}),
    ],
)
def test_answer_that_cannot_be_sent_is_found_at_build_time(target: RespondTarget) -> None:
    with pytest.raises(DeploymentError, match="GET /a: "):
        build({"GET /a": target})
