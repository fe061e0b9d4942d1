"""What becomes of calls when the executor leaves, dies, hangs, or is not there yet."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from executor.remote.server import InvokeServer
from kit.http_client import HttpClient, UnixPeer
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from kit.remote_invoker import EXECUTOR_LIMITS, RemoteInvoker
from kit.remote_wire import GREETING
from tests.support.raw_peer import RawPeer, Talk, ok
from tests.support.remote_door import RemoteDoor


def call(payload: bytes = b"{}", *, budget_ms: int = 10_000, **changes: Any) -> InvokeCall:
    return InvokeCall(function="f", payload=payload, budget_ms=budget_ms, trace="t", **changes)


def failure(answer: InvokeAnswer, status: int, error_type: str) -> bool:
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, error_type)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert json.loads(answer.payload)["Type"] == "Service"
    return len(answer.headers["x-amzn-requestid"]) == 36


class Stub:
    """An executor that answers with what it was sent, when its gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun: list[bytes] = []
        self.budgets: list[int] = []
        self.cancelled = 0
        self.changed = asyncio.Event()

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.begun.append(call.payload)
        self.budgets.append(call.budget_ms)
        self.changed.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            self.changed.set()
            raise
        return InvokeAnswer(status=200, headers={"x-amzn-requestid": "1"}, payload=call.payload)

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            self.changed.clear()
            await self.changed.wait()


def begin(invoker: RemoteInvoker, *args: Any, **changes: Any) -> "asyncio.Task[InvokeAnswer]":
    return asyncio.create_task(invoker.invoke(call(*args, **changes)), name="caller")


async def until_waiting(invoker: RemoteInvoker, count: int) -> None:
    """Each caller gets there within a few turns of the loop."""
    for _ in range(1000):
        if invoker.waiting >= count:
            return
        await asyncio.sleep(0)
    pytest.fail(f"{invoker.waiting} of {count} wait")


# --- the executor dies -------------------------------------------------------------------------------


async def test_call_that_was_running_when_the_executor_died_is_500_at_once_and_not_run_again() -> None:
    stub = Stub()
    stub.gate.clear()
    async with RemoteDoor(stub) as door:
        running = [begin(door.invoker, b"%d" % number) for number in range(5)]
        await stub.until(lambda: len(stub.begun) == 5)
        await door.server.close()
        for answer in await asyncio.gather(*running):
            assert failure(answer, 500, "ServiceException")
        stub.gate.set()
        door.server = await door.serve()
        assert (await door.invoker.invoke(call(b"after"))).payload == b"after"
        assert sorted(stub.begun) == [b"0", b"1", b"2", b"3", b"4", b"after"]


async def test_lost_call_is_logged_without_its_payload(caplog: pytest.LogCaptureFixture) -> None:
    """L2: payloads are never logged."""
    stub = Stub()
    stub.gate.clear()
    async with RemoteDoor(stub) as door:
        running = begin(door.invoker, b'"canary"')
        await stub.until(lambda: stub.begun)
        with caplog.at_level(logging.WARNING):
            await door.server.close()
            await running
    assert "a call of f was lost" in caplog.text
    assert "canary" not in caplog.text


EXECUTOR = """
import asyncio, socket, sys
from executor.remote.server import InvokeServer
from kit.invoke import InvokeAnswer
class Stub:
    async def invoke(self, call):
        if call.payload == b"hang":
            print("hangs", flush=True)
            await asyncio.Event().wait()
        return InvokeAnswer(status=200, headers={"x-amzn-requestid": sys.argv[2]}, payload=call.payload)
async def main():
    await InvokeServer(Stub(), lambda _: None).listen(socket.socket(fileno=int(sys.argv[1])))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def start_executor(listener: socket.socket, name: str) -> asyncio.subprocess.Process:
    fd = listener.fileno()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", EXECUTOR, str(fd), name, pass_fds=[fd], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_killed_executor_loses_what_it_ran_and_nothing_else(tmp_path: Any) -> None:
    """R2: kill -9: sent calls are answered 500 at once; who calls meanwhile waits in the backlog for the next one."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(128)
        first = await start_executor(listener, "first")
        client = HttpClient(UnixPeer(path=path), EXECUTOR_LIMITS)
        invoker = RemoteInvoker(client)
        warm = await asyncio.gather(*(invoker.invoke(call(b"%d" % number)) for number in range(5)))
        assert {answer.headers["x-amzn-requestid"] for answer in warm} == {"first"}
        hanging = begin(invoker, b"hang")
        assert first.stdout is not None
        assert await first.stdout.readline() == b"hangs\n"
        os.kill(first.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # the loop's watcher has heard of its end already
            os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  # the loop must not see it first
        # The loop has not seen yet that its connections are dead: the first of these are written to them.
        waiting = [begin(invoker, b"%d" % number) for number in range(20)]
        assert failure(await hanging, 500, "ServiceException")
        await first.wait()
        waiting += [begin(invoker, b"%d" % number) for number in range(20)]
        second = await start_executor(listener, "second")
        answers = await asyncio.gather(*waiting)
        assert [(answer.status, answer.headers["x-amzn-requestid"]) for answer in answers] == [
            (200, "second")
        ] * 40
        await client.close()
        second.kill()
        await second.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="what a reset tells is Linux's")
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_call_that_a_dead_executor_never_read_is_run_by_the_next_one(
    tmp_path: Any, loop: Any, read: bool
) -> None:
    """R2: the twin was read: nobody knows how far it came, and it is 500."""

    async def main() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen(8)
            client = HttpClient(UnixPeer(path=tmp_path / "s"), EXECUTOR_LIMITS)
            running = begin(RemoteInvoker(client), b"[1]")
            await asyncio.to_thread(take_and_die, listener, read)
            if not read:
                server = InvokeServer(Stub(), lambda _: None)
                await server.listen(listener.dup())
                assert (await running).payload == b"[1]"
                await server.close()
            else:
                assert failure(await running, 500, "ServiceException")
            await client.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def take_and_die(listener: socket.socket, read: bool) -> None:
    """Accept, greet, wait for a call, end."""
    taken, _ = listener.accept()
    with taken:
        taken.sendall(GREETING)
        taken.recv(65536, 0 if read else socket.MSG_PEEK)


# --- the executor leaves -----------------------------------------------------------------------------


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_rolling_restart_under_load_loses_nothing(loop: Any) -> None:
    """R3: each call is run once, by the old executor or by the new one."""

    async def main() -> None:
        stub = Stub()
        stop = asyncio.Event()
        sent: list[bytes] = []

        async def caller(invoker: RemoteInvoker, name: int) -> None:
            while not stop.is_set():
                payload = b"%d.%d" % (name, len(sent))
                sent.append(payload)
                answer = await invoker.invoke(call(payload))
                assert (answer.status, answer.payload) == (200, payload)

        async with RemoteDoor(stub) as door, asyncio.TaskGroup() as group:
            for name in range(20):
                group.create_task(caller(door.invoker, name), name="caller")
            for _ in range(30):
                before = len(stub.begun)
                await stub.until(lambda before=before: len(stub.begun) > before + 50)
                await door.replace()
            stop.set()
        assert sorted(stub.begun) == sorted(sent)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


async def test_call_that_meets_a_goodbye_is_run_elsewhere() -> None:
    """R3: the executor leaves a rested connection in the moment in which a call is written to it."""
    said = asyncio.Event()

    async def script(talk: Talk) -> None:
        talk.say(GREETING)
        _, body = await talk.request()
        talk.say(ok(body, "x-amzn-requestid: 1"))
        if talk.number == 1:
            await talk.request()
            talk.say(
                b"HTTP/1.1 503 Error\r\nlockgate-outcome: not-run\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            said.set()
        else:
            await talk.gone()

    async with RawPeer(script, greeting=GREETING) as peer:
        invoker = RemoteInvoker(peer.client)
        for payload in (b"1", b"2"):
            assert (await invoker.invoke(call(payload))).payload == payload
        assert said.is_set()
        assert len(peer.talks) == 2


async def test_executors_that_always_leave_are_503() -> None:
    async def script(talk: Talk) -> None:
        talk.say(GREETING)
        await talk.request()
        talk.say(
            b"HTTP/1.1 503 Error\r\nlockgate-outcome: not-run\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        await talk.gone()

    async with RawPeer(script, greeting=GREETING) as peer:
        assert failure(await RemoteInvoker(peer.client).invoke(call()), 503, "ServiceUnavailableException")
        assert 1 < len(peer.talks) < 20


# --- nobody is there ---------------------------------------------------------------------------------


async def test_calls_wait_in_order_until_somebody_listens() -> None:
    stub = Stub()
    async with RemoteDoor(stub, connections=1) as door:
        await door.server.close()
        door.unbind()
        waiting = []
        for number in range(10):
            waiting.append(begin(door.invoker, b"%d" % number))
            await until_waiting(door.invoker, number + 1)
        assert stub.begun == []
        door.listener = door.bind()
        door.server = await door.serve()
        answers = await asyncio.gather(*waiting)
        assert [answer.payload for answer in answers] == [b"%d" % number for number in range(10)]
        assert stub.begun == [b"%d" % number for number in range(10)]
        assert door.invoker.waiting == 0


async def test_call_that_waits_longer_than_its_budget_for_an_executor_is_503_and_never_run() -> None:
    stub = Stub()
    async with RemoteDoor(stub) as door:
        await door.server.close()
        door.unbind()
        patient = begin(door.invoker, b"patient")
        assert failure(
            await door.invoker.invoke(call(b"late", budget_ms=50)), 503, "ServiceUnavailableException"
        )
        door.listener = door.bind()
        door.server = await door.serve()
        assert (await patient).payload == b"patient"
        assert stub.begun == [b"patient"]


async def test_call_in_the_backlog_of_an_executor_that_never_comes_is_503_at_its_budget() -> None:
    stub = Stub()
    async with RemoteDoor(stub) as door:
        await door.server.close()  # the listener is there, as a supervisor's is
        assert failure(
            await door.invoker.invoke(call(b"late", budget_ms=50)), 503, "ServiceUnavailableException"
        )
        door.server = await door.serve()
        assert (await door.invoker.invoke(call(b"next"))).payload == b"next"
        assert b"late" not in stub.begun[1:]


async def test_crowd_that_waits_is_bounded() -> None:
    stub = Stub()
    async with RemoteDoor(stub, waiting=3) as door:
        await door.server.close()
        door.unbind()
        waiting = [begin(door.invoker) for _ in range(3)]
        await until_waiting(door.invoker, 3)
        assert failure(await door.invoker.invoke(call()), 503, "ServiceUnavailableException")
        door.listener = door.bind()
        door.server = await door.serve()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


async def test_caller_who_goes_while_nobody_listens_is_never_run() -> None:
    stub = Stub()
    async with RemoteDoor(stub) as door:
        await door.server.close()
        door.unbind()
        gone, stays = begin(door.invoker, b"gone"), begin(door.invoker, b"stays")
        await until_waiting(door.invoker, 2)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        door.listener = door.bind()
        door.server = await door.serve()
        assert (await stays).payload == b"stays"
        assert stub.begun == [b"stays"]


# --- the executor hangs, or is not one ---------------------------------------------------------------


async def test_executor_that_has_taken_a_call_and_hangs_is_a_budget_that_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.remote_invoker.GRACE_S", 0.05)

    async def script(talk: Talk) -> None:
        talk.say(GREETING)
        await talk.gone()

    async with RawPeer(script, greeting=GREETING) as peer:
        with pytest.raises(BudgetExceeded):
            await RemoteInvoker(peer.client).invoke(call(budget_ms=50))
        await peer.until(lambda: peer.talks[0].writer.is_closing())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"nonsense\r\n\r\n", id="not-http"),
        pytest.param(ok(b"{}", "lockgate-times: x"), id="times"),
        pytest.param(ok(b"{}", "lockgate-outcome: odd"), id="outcome"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", id="too-large"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf", id="half"),
    ],
)
async def test_answer_that_cannot_be_read_is_500_and_the_call_is_not_run_again(said: bytes) -> None:
    async def script(talk: Talk) -> None:
        talk.say(GREETING)
        await talk.request()
        talk.say(said)

    async with RawPeer(script, greeting=GREETING) as peer:
        assert failure(await RemoteInvoker(peer.client).invoke(call()), 500, "ServiceException")
        assert len(peer.talks) == 1


async def test_call_that_cannot_be_written_costs_no_connection() -> None:
    stub = Stub()
    async with RemoteDoor(stub, connections=1) as door:
        bad = call()
        bad.trace = "a\r\nb"
        for _ in range(2):
            with pytest.raises(ValueError, match="characters"):
                await door.invoker.invoke(bad)
        assert (await door.invoker.invoke(call())).status == 200


# --- what crosses ------------------------------------------------------------------------------------


async def test_budget_that_crosses_is_what_is_left_of_it() -> None:
    stub = Stub()
    stub.gate.clear()
    async with RemoteDoor(stub, connections=1) as door:
        first = begin(door.invoker, budget_ms=10_000)
        await stub.until(lambda: stub.begun)
        second = begin(door.invoker, budget_ms=10_000)
        await asyncio.sleep(0.05)
        stub.gate.set()
        await asyncio.gather(first, second)
        assert 0 < stub.budgets[1] <= 9_951
        assert stub.budgets[1] < stub.budgets[0] <= 10_000


async def test_generation_chooses_whose_functions_run() -> None:
    """R3: a call means the functions of the deployment that its edge serves."""
    newest, old = Stub(), Stub()
    async with RemoteDoor(newest, resolve={7: old}.get) as door:
        assert (await door.invoker.of_generation(7).invoke(call(b"7"))).status == 200
        assert (await door.invoker.of_generation(8).invoke(call(b"8"))).status == 200
        assert (await door.invoker.invoke(call(b"none"))).status == 200
    assert (old.begun, newest.begun) == ([b"7"], [b"8", b"none"])


async def test_calls_beyond_the_connections_run_in_order() -> None:
    stub = Stub()
    async with RemoteDoor(stub, connections=1) as door:
        calls = [begin(door.invoker, b"%d" % number) for number in range(30)]
        answers = await asyncio.gather(*calls)
        assert (
            [answer.payload for answer in answers] == stub.begun == [b"%d" % number for number in range(30)]
        )


async def test_caller_who_goes_is_gone_at_the_executor_too() -> None:
    stub = Stub()
    stub.gate.clear()
    async with RemoteDoor(stub) as door:
        running = begin(door.invoker)
        await stub.until(lambda: stub.begun)
        running.cancel()
        await stub.until(lambda: stub.cancelled)
