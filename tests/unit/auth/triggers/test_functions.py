"""How functions are asked: attempts, failures, and what leaves for a log."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from auth.errors import InvalidLambdaResponse, TriggerRefusal, UnexpectedLambda, UserLambdaValidation
from auth.flows.triggers import Asked
from auth.triggers.functions import ATTEMPTS, name_of
from kit.invoke import InvokeAnswer
from tests.support.trigger_functions import Event, TriggerFunctions, raises, same, says
from tests.support.user_pool import POOL

ASKED = Asked(
    trigger="pre_sign_up",
    source="PreSignUp_SignUp",
    username="ada",
    client_id="web",
    attributes={"email": "ada@example.com"},
    request={"validationData": {"a": "secret-b"}, "clientMetadata": None},
)
ASKING = replace(POOL, triggers={"pre_sign_up": "pre"})


def test_the_event_is_cognitos() -> None:
    with TriggerFunctions(pre=says(autoConfirmUser=True)) as functions:
        answer = functions.triggers.ask(ASKING, ASKED)
        assert answer == {"autoConfirmUser": True, "autoVerifyEmail": False, "autoVerifyPhone": False}
        assert functions.events == [
            {
                "version": "1",
                "triggerSource": "PreSignUp_SignUp",
                "region": "us-east-1",
                "userPoolId": "us-east-1_Main00001",
                "userName": "ada",
                "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "web"},
                "request": {
                    "userAttributes": {"email": "ada@example.com"},
                    "validationData": {"a": "secret-b"},
                    "clientMetadata": None,
                },
                "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
            }
        ]
        (call,) = functions.calls
        assert (call.function, call.qualifier, call.kind, call.budget_ms) == (
            "pre",
            None,
            "RequestResponse",
            5000,
        )


def test_a_pool_without_the_trigger_asks_nobody() -> None:
    with TriggerFunctions(pre=same) as functions:
        assert functions.triggers.ask(POOL, ASKED) is None
        assert (functions.triggers.has(POOL, "pre_sign_up"), functions.events) == (False, [])
        assert functions.triggers.has(ASKING, "pre_sign_up")


def _busy_until(times: int) -> Callable[[Event], object]:
    left = iter(range(times))

    def handler(event: Event) -> object:
        if next(left, None) is None:
            return event
        return InvokeAnswer(status=429, headers={"x-amzn-errortype": "TooManyRequestsException"}, payload=b"")

    return handler


def _unreachable(_: Event) -> object:
    raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("handler", "error", "text", "attempts"),
    [
        pytest.param(
            raises("not you"), UserLambdaValidation, "PreSignUp failed with error not you.", 1, id="throws"
        ),
        pytest.param(
            lambda _: b"nonsense", InvalidLambdaResponse, "Unrecognizable lambda output", 1, id="nonsense"
        ),
        pytest.param(lambda _: None, InvalidLambdaResponse, "Unrecognizable lambda output", 1, id="nothing"),
        pytest.param(
            _busy_until(9),
            UnexpectedLambda,
            "PreSignUp invocation failed due to error TooManyRequestsException.",
            ATTEMPTS,
            id="busy",
        ),
        pytest.param(
            _unreachable,
            UnexpectedLambda,
            "PreSignUp invocation failed due to error ServiceException.",
            ATTEMPTS,
            id="unreachable",
        ),
    ],
)
def test_what_fails_is_said_in_cognitos_words(
    handler: Callable[[Event], object], error: type[TriggerRefusal], text: str, attempts: int
) -> None:
    with TriggerFunctions(pre=handler) as functions:
        with pytest.raises(error) as caught:
            functions.triggers.ask(ASKING, ASKED)
        assert str(caught.value) == text
        assert len(functions.events) == attempts


def test_what_was_not_reached_is_tried_again() -> None:
    with TriggerFunctions(pre=_busy_until(2)) as functions:
        assert functions.triggers.ask(ASKING, ASKED) is not None
        assert len(functions.events) == 3


def test_a_function_that_does_not_exist_is_not_invokable() -> None:
    with TriggerFunctions() as functions:
        with pytest.raises(UnexpectedLambda, match="ResourceNotFoundException"):
            functions.triggers.ask(ASKING, ASKED)
        assert len(functions.events) == 1


def test_a_function_that_hangs_is_left_after_three_attempts() -> None:
    end = threading.Event()

    def hangs(event: Event) -> object:
        end.wait(10)
        return event

    with TriggerFunctions(attempt_s=0.05, pre=hangs) as functions:
        with pytest.raises(UnexpectedLambda, match="Socket timeout"):
            functions.triggers.ask(ASKING, ASKED)
        assert len(functions.events) == ATTEMPTS
        end.set()


def test_a_loop_that_has_ended_is_said() -> None:
    with TriggerFunctions(pre=same) as functions:
        pass
    with pytest.raises(UnexpectedLambda, match="stopping"):
        functions.triggers.ask(ASKING, ASKED)


def test_who_waits_is_told_when_the_server_stops() -> None:
    has_begun, end = threading.Event(), threading.Event()

    def hangs(event: Event) -> object:
        has_begun.set()
        end.wait(10)
        return event

    with TriggerFunctions(pre=hangs) as functions:

        def close() -> None:
            has_begun.wait(10)
            functions.triggers.close()

        closing = threading.Thread(target=close)
        closing.start()
        with pytest.raises(UnexpectedLambda):
            functions.triggers.ask(ASKING, ASKED)
        closing.join(10)
        with pytest.raises(UnexpectedLambda):
            functions.triggers.ask(ASKING, ASKED)
        end.set()


def test_a_log_line_and_a_number_tell_what_came_of_it_and_no_attribute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """L2: an event holds what people typed; none of it is logged."""
    caplog.set_level(logging.DEBUG, logger="lockgate.auth.triggers")
    with TriggerFunctions(pre=same) as functions:
        functions.triggers.ask(ASKING, ASKED)
        functions.handlers["pre"] = raises("it was ada@example.com")
        with pytest.raises(UserLambdaValidation):
            functions.triggers.ask(ASKING, ASKED)
        functions.handlers["pre"] = lambda _: b"ada"
        with pytest.raises(InvalidLambdaResponse):
            functions.triggers.ask(ASKING, ASKED)
        del functions.handlers["pre"]
        with pytest.raises(UnexpectedLambda):
            functions.triggers.ask(ASKING, ASKED)
        runs = [(run.trigger, run.outcome) for run in functions.runs]
    assert runs == [("pre_sign_up", each) for each in ("ok", "refused", "invalid", "failed")]
    lines = [record.getMessage() for record in caplog.records if record.name == "lockgate.auth.triggers"]
    assert len(lines) == 4
    assert lines[0].startswith("PreSignUp_SignUp of us-east-1_Main00001 by pre: ok in ")
    assert not any("ada" in line or "secret-b" in line for line in lines)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        ("pre", ("pre", None)),
        ("pre:live", ("pre", "live")),
        ("arn:aws:lambda:us-east-1:000000000000:function:pre", ("pre", None)),
        ("arn:aws:lambda:us-east-1:000000000000:function:pre:2", ("pre", "2")),
    ],
)
def test_functions_are_named_as_aws_does(function: str, named: tuple[str, str | None]) -> None:
    assert name_of(function) == named
