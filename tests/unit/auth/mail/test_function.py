"""Mail that a function delivers."""

import asyncio
import json
from collections.abc import Callable

import pytest

from auth.mail.function import FunctionSender
from auth.mail.message import Message
from auth.mail.sender import NotNow, Refused
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall

MAIL = Message(
    to="ada@example.com",
    subject="A code ☃",
    text="Hello\n\n    123456\n",
    pool_id="us-east-1_Main00001",
    purpose="sign_up",
)


class Told:
    """An invoker that answers what it is told."""

    def __init__(self, answer: Callable[[], InvokeAnswer]) -> None:
        self.calls: list[InvokeCall] = []
        self._answer = answer

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.calls.append(call)
        return self._answer()


def answers(status: int, **headers: str) -> Callable[[], InvokeAnswer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: InvokeAnswer(
        status=status, headers=named, payload=b'{"errorMessage": "123456 ada@example.com"}'
    )


def raises(error: Exception) -> Callable[[], InvokeAnswer]:
    def answer() -> InvokeAnswer:
        raise error

    return answer


async def send(invoker: Told) -> None:
    sender = FunctionSender(lambda: invoker, "mailer", asyncio.get_running_loop(), budget_s=2)
    await asyncio.to_thread(sender.send, MAIL)


async def test_the_function_gets_the_documented_event() -> None:
    invoker = Told(answers(200))
    await send(invoker)
    (call,) = invoker.calls
    assert (call.function, call.kind, call.budget_ms) == ("mailer", "RequestResponse", 2000)
    assert json.loads(call.payload) == {
        "to": "ada@example.com",
        "subject": "A code ☃",
        "text": "Hello\n\n    123456\n",
        "purpose": "sign_up",
        "pool_id": "us-east-1_Main00001",
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(answers(200, x_amz_function_error="Unhandled"), NotNow, id="function-failed"),
        pytest.param(answers(429), NotNow, id="no-room"),
        pytest.param(answers(503), NotNow, id="unavailable"),
        pytest.param(raises(BudgetExceeded()), NotNow, id="too-slow"),
        pytest.param(raises(ConnectionRefusedError()), NotNow, id="executor-gone"),
        pytest.param(
            answers(404, x_amzn_errortype="ResourceNotFoundException"), Refused, id="no-such-function"
        ),
    ],
)
async def test_what_it_answers_decides_whether_to_try_again(
    answer: Callable[[], InvokeAnswer], kind: type[Exception]
) -> None:
    """L2: and the reason repeats nothing of what was answered."""
    with pytest.raises(kind, match="mailer") as caught:
        await send(Told(answer))
    assert "123456" not in str(caught.value)
    assert "ada" not in str(caught.value)


def test_a_loop_that_has_ended_is_not_waited_for() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(NotNow, match="stopping"):
        FunctionSender(lambda: Told(answers(200)), "mailer", loop).send(MAIL)
