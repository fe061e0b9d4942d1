"""Each error as it goes over the wire: status, error type, and the letter case of its body."""

import pytest

from executor.api.errors import (
    AccessDenied,
    InvalidParameterValue,
    InvalidRequestContent,
    LambdaError,
    OtherRegion,
    RequestEntityTooLarge,
    ResourceNotFound,
    ServiceFault,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
    UnknownOperation,
    ValidationError,
    error_answer,
)
from kit.sigv4 import SignatureError

WIRE = [
    (ValidationError("m"), 400, "ValidationException", b'{"message":"m"}'),
    (InvalidParameterValue("m"), 400, "InvalidParameterValueException", b'{"Type":"User","message":"m"}'),
    (InvalidRequestContent("m"), 400, "InvalidRequestContentException", b'{"Type":"User","message":"m"}'),
    (AccessDenied("m"), 403, "AccessDeniedException", b'{"Message":"m"}'),
    (UnknownOperation("m"), 404, "UnknownOperationException", b'{"message":"m"}'),
    (ResourceNotFound("arn"), 404, "ResourceNotFoundException",
     b'{"Type":"User","Message":"Function not found: arn"}'),
    (OtherRegion("a", "b"), 404, "ResourceNotFoundException",
     b'{"Type":"User","Message":"Functions from \'a\' are not reachable in this region (\'b\')"}'),
    (RequestEntityTooLarge(6291456, "InvokeFunction"), 413, "RequestEntityTooLargeException",
     b'{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}'),
    (TooManyRequests("ConcurrentInvocationLimitExceeded", 1), 429, "TooManyRequestsException",
     b'{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'),
    (ServiceFault("m"), 500, "ServiceException", b'{"Type":"Service","Message":"m"}'),
    (ServiceUnavailable("m"), 503, "ServiceUnavailableException", b'{"Type":"Service","Message":"m"}'),
    (Unauthenticated(SignatureError("InvalidSignatureException", 403, "m")), 403, "InvalidSignatureException",
     b'{"message":"m"}'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status", "code", "body"), WIRE, ids=[type(row[0]).__name__ for row in WIRE]
)
def test_error_on_the_wire(error: LambdaError, status: int, code: str, body: bytes) -> None:
    answer = error_answer(error, "an-id")
    assert (answer.status, answer.headers["x-amzn-errortype"], answer.payload) == (status, code, body)
    assert answer.headers["x-amzn-requestid"] == "an-id"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (1.0, "1"), (1.2, "2"), (30.0, "30")])
def test_retry_after_is_whole_seconds_and_at_least_one(seconds: float, header: str) -> None:
    for error in (
        TooManyRequests("CallerRateLimitExceeded", seconds),
        ServiceUnavailable(retry_after_s=seconds),
    ):
        assert error_answer(error, "id").headers["retry-after"] == header
