"""The load that benchmarks use refuses any run with one wrong answer."""

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks import load

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")

Answer = Callable[[int], tuple[int, bytes]]


@contextmanager
def stub(answer: Answer) -> Iterator[tuple[str, list[int]]]:
    """A server whose n-th answer is `answer(n)`; yields its URL and a list with an entry for each answer."""
    given: list[int] = []
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            number = next(numbers)
            status, body = answer(number)
            head = f"HTTP/1.1 {status} Any\r\ncontent-length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)
            given.append(number)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", given
        finally:
            server.shutdown()
            thread.join()


def test_right_answers_are_counted() -> None:
    body = b'{"a": "\\" \xc3\xa9 %d"}\r\n'
    with stub(lambda number: (200, body)) as (url, given):
        run = load.run(load.Target(url=url, body=body), connections=2, seconds=1)
    assert 0 < run.answers <= len(given)
    assert run.rate == pytest.approx(run.answers / run.seconds)
    assert 0 < run.p50_ms <= run.p99_ms <= run.max_ms


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param((200, b'{"id":8}'), "200 {'id':8}", id="other-body"),
        pytest.param((200, b""), "first: 200", id="empty-body"),
        pytest.param((503, b'{"id":7}'), "503 {'id':7}", id="other-status"),
    ],
)
def test_one_wrong_answer_voids_the_run(wrong: tuple[int, bytes], told: str) -> None:
    with (
        stub(lambda number: wrong if number == 9 else (200, b'{"id":7}')) as (url, _),
        pytest.raises(load.LoadFailed, match=r"1 of \d+ answers are wrong") as failed,
    ):
        load.run(load.Target(url=url, body=b'{"id":7}'), connections=1, seconds=1)
    assert told in str(failed.value)
