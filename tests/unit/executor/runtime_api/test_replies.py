"""The exact bytes of answers."""

import pytest

from executor.runtime_api import replies
from tests.support.runtime_wire import ARN, REQUEST_ID, TRACE, delivery, split_replies


def test_next_has_exactly_the_headers_of_the_contract() -> None:
    [reply] = split_replies(replies.next_reply(delivery(b'{"a":1}')))
    assert reply.status == 200
    assert reply.headers == {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": REQUEST_ID,
        "lambda-runtime-deadline-ms": "1542409706888",
        "lambda-runtime-invoked-function-arn": ARN,
        "lambda-runtime-trace-id": TRACE,
        "content-length": "7",
    }
    assert reply.body == b'{"a":1}'


def test_optional_headers_are_sent_only_when_there_is_a_value() -> None:
    full = delivery(client_context='{"custom":{"k":"é"}}', cognito_identity='{"cognitoIdentityId":"i"}')
    [reply] = split_replies(replies.next_reply(full))
    assert reply.headers["lambda-runtime-client-context"] == '{"custom":{"k":"é"}}'
    assert reply.headers["lambda-runtime-cognito-identity"] == '{"cognitoIdentityId":"i"}'
    [bare] = split_replies(replies.next_reply(delivery(trace="")))
    assert not any("trace" in name or "context" in name or "cognito" in name for name in bare.headers)


@pytest.mark.parametrize("name", ["client_context", "cognito_identity", "trace", "function_arn"])
def test_line_ends_in_a_value_add_no_header(name: str) -> None:
    [reply] = split_replies(replies.next_reply(delivery(**{name: "{\r\nX-Injected: 1\n}"})))
    assert "x-injected" not in reply.headers
    assert reply.body == b'{"a":1}'


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param(replies.ACCEPTED, 202, b'{"status":"OK"}\n', id="accepted"),
        pytest.param(
            replies.INVALID_REQUEST_ID,
            400,
            b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
            id="invalid-id",
        ),
        pytest.param(
            replies.TOO_LARGE,
            413,
            b'{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).",'
            b'"errorType":"RequestEntityTooLarge"}\n',
            id="too-large",
        ),
        pytest.param(
            replies.transition_refused("Ready", "InvocationResponse"),
            403,
            b'{"errorMessage":"State transition from Ready to InvocationResponse failed for runtime. '
            b'Error: State transition is not allowed","errorType":"InvalidStateTransition"}\n',
            id="state",
        ),
    ],
)
def test_fixed_answers(answer: bytes, status: int, body: bytes) -> None:
    [reply] = split_replies(answer)
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(body))
