"""Mail that waits: bounded, retried, counted, and never in anybody's way."""

import queue
import threading
from collections.abc import Callable, Iterator

import orjson
import pytest

from auth.mail.message import Message
from auth.mail.outbox import Outbox
from auth.mail.sender import NotNow, Refused
from kit.json_log import JsonLog

WAIT_S = 10.0
NEVER_S = 3600.0


def message(number: int = 0) -> Message:
    return Message(
        to=f"ada{number}@example.com",
        subject="A code",
        text="    123456\n",
        pool_id="us-east-1_Main00001",
        purpose="sign_up",
    )


class Scripted:
    """A sender that does what it is told, mail by mail; without orders it delivers."""

    def __init__(self) -> None:
        self.orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.tried: queue.Queue[str] = queue.Queue()
        self.delivered: queue.Queue[str] = queue.Queue()

    def send(self, message: Message) -> None:
        self.tried.put(message.to)
        try:
            order = self.orders.get_nowait()
        except queue.Empty:
            order = None
        if order is not None:
            order()
        self.delivered.put(message.to)


class Gate:
    """Holds whoever comes until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.open.wait(WAIT_S)


def fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def sender() -> Scripted:
    return Scripted()


@pytest.fixture
def lines() -> list[bytes]:
    return []


@pytest.fixture
def log(lines: list[bytes]) -> Iterator[JsonLog]:
    log = JsonLog(lambda data: lines.extend(data.splitlines()), delay_s=0)
    yield log
    log.close()


def test_a_mail_is_delivered_by_another_thread(sender: Scripted) -> None:
    outbox = Outbox(sender)
    assert outbox.post(message())
    assert sender.delivered.get(timeout=WAIT_S) == "ada0@example.com"
    assert outbox.close()
    assert outbox.counts.sent == 1


def test_what_fails_for_the_moment_is_tried_again_later(sender: Scripted) -> None:
    sender.orders.put(fails(NotNow("451")))
    sender.orders.put(fails(NotNow("451")))
    outbox = Outbox(sender, retry_after_s=(0.01, 0.01), threads=1)
    outbox.post(message())
    assert sender.delivered.get(timeout=WAIT_S) == "ada0@example.com"
    outbox.close()
    assert (outbox.counts.sent, outbox.counts.retried, sender.tried.qsize()) == (1, 2, 3)


def test_a_mail_that_waits_for_its_retry_holds_up_no_other(sender: Scripted) -> None:
    sender.orders.put(fails(NotNow("451")))
    outbox = Outbox(sender, retry_after_s=(NEVER_S,), threads=1)
    outbox.post(message(1))
    outbox.post(message(2))
    assert sender.delivered.get(timeout=WAIT_S) == "ada2@example.com"
    assert outbox.waiting == 1
    outbox.close()


def test_after_the_last_retry_it_is_given_up_and_counted(sender: Scripted) -> None:
    for _ in range(3):
        sender.orders.put(fails(NotNow("451")))
    outbox = Outbox(sender, retry_after_s=(0.01, 0.01), threads=1)
    outbox.post(message(1))
    for _ in range(3):
        sender.tried.get(timeout=WAIT_S)
    outbox.post(message(2))  # the one thread has finished the first when it comes to this
    assert sender.delivered.get(timeout=WAIT_S) == "ada2@example.com"
    assert outbox.close()
    assert (outbox.counts.given_up, outbox.counts.retried, outbox.counts.sent) == (1, 2, 1)


@pytest.mark.parametrize("error", [Refused("550"), ZeroDivisionError("a fault of the sender")])
def test_what_is_refused_is_not_tried_again_and_others_are_delivered(
    sender: Scripted, error: Exception
) -> None:
    sender.orders.put(fails(error))
    outbox = Outbox(sender, threads=1)
    outbox.post(message(1))
    outbox.post(message(2))
    assert sender.delivered.get(timeout=WAIT_S) == "ada2@example.com"
    outbox.close()
    assert (outbox.counts.refused, outbox.counts.sent, sender.tried.qsize()) == (1, 1, 2)


def test_a_sender_that_hangs_blocks_nobody_and_a_full_queue_drops(sender: Scripted) -> None:
    gate = Gate()
    sender.orders.put(gate)
    outbox = Outbox(sender, threads=1, max_waiting=3)
    outbox.post(message())
    assert gate.reached.wait(WAIT_S)
    assert [outbox.post(message(number)) for number in range(1, 6)] == [True, True, True, False, False]
    assert outbox.counts.dropped == 2
    gate.open.set()
    assert outbox.close(WAIT_S)
    assert outbox.counts.sent == 4


def test_closing_delivers_what_waits_also_what_waits_for_a_retry(sender: Scripted) -> None:
    gate = Gate()
    sender.orders.put(fails(NotNow("451")))
    sender.orders.put(gate)
    outbox = Outbox(sender, threads=1, retry_after_s=(NEVER_S,))
    for number in range(3):
        outbox.post(message(number))
    assert gate.reached.wait(WAIT_S)
    gate.open.set()
    assert outbox.close(WAIT_S)
    assert outbox.counts.sent == 3
    assert not outbox.post(message(4))
    assert outbox.counts.dropped == 1


def test_closing_does_not_wait_for_a_sender_that_hangs(sender: Scripted) -> None:
    gate = Gate()
    sender.orders.put(gate)
    outbox = Outbox(sender, threads=1)
    outbox.post(message(1))
    assert gate.reached.wait(WAIT_S)
    outbox.post(message(2))
    assert not outbox.close(0.01)
    assert (outbox.counts.given_up, outbox.waiting) == (1, 0)
    gate.open.set()
    assert outbox.close(WAIT_S)


def test_closing_tries_a_failing_mail_once_and_no_more(sender: Scripted) -> None:
    for _ in range(2):
        sender.orders.put(fails(NotNow("451")))
    outbox = Outbox(sender, threads=1, retry_after_s=(NEVER_S, NEVER_S))
    outbox.post(message())
    sender.tried.get(timeout=WAIT_S)
    assert outbox.close(WAIT_S)
    assert (outbox.counts.given_up, outbox.counts.sent) == (1, 0)


def test_the_log_says_what_went_wrong_and_not_to_whom(
    sender: Scripted, log: JsonLog, lines: list[bytes]
) -> None:
    """L2: neither address nor code, whatever happens to a mail."""
    for error in (NotNow("451 later"), NotNow("451 later"), Refused("550 no")):
        sender.orders.put(fails(error))
    outbox = Outbox(sender, log=log, threads=1, retry_after_s=(0.01,), max_waiting=10)
    outbox.post(message())
    for _ in range(2):
        sender.tried.get(timeout=WAIT_S)
    outbox.post(message())
    outbox.close()
    outbox.post(message())
    log.close()
    records = [orjson.loads(line) for line in lines]
    assert [record["event"] for record in records] == [
        "mail_retried",
        "mail_given_up",
        "mail_refused",
        "mail_dropped",
    ]
    assert records[2]["reason"] == "550 no"
    assert {record["purpose"] for record in records} == {"sign_up"}
    for secret in (b"ada0", b"example.com", b"123456"):
        assert secret not in b"".join(lines)


def test_many_threads_post_and_each_mail_arrives_once(sender: Scripted) -> None:
    outbox = Outbox(sender, threads=4)
    posters = [
        threading.Thread(target=lambda first=first: [outbox.post(message(first + n)) for n in range(25)])
        for first in range(0, 200, 25)
    ]
    for poster in posters:
        poster.start()
    arrived = sorted(sender.delivered.get(timeout=WAIT_S) for _ in range(200))
    for poster in posters:
        poster.join()
    assert arrived == sorted(f"ada{number}@example.com" for number in range(200))
    assert outbox.close()
    assert outbox.counts.sent == 200
