"""Errors of the Lambda API: status, ``x-amzn-errortype`` and a body whose letter case follows the model.

Each class is one AWS exception and called as it is; `error_answer` is the one place that renders them.
Source: Lambda API reference, "Common errors", and the botocore service model of 2015-03-31.
"""

import math
from typing import ClassVar, Literal

import orjson

from kit.invoke import InvokeAnswer
from kit.sigv4 import SignatureError

MessageKey = Literal["message", "Message"]
ErrorSide = Literal["User", "Service"]


class LambdaError(Exception):
    """One AWS exception. :param message: for the client."""

    code: str
    status: int
    message_key: ClassVar[MessageKey] = "message"
    side: ClassVar[ErrorSide | None] = "User"  # the body's Type; None where AWS sends none

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, str]:
        kind = {} if self.side is None else {"Type": self.side}
        return {**kind, self.message_key: self.message}

    def headers(self) -> dict[str, str]:
        return {"x-amzn-errortype": self.code}


class ValidationError(LambdaError):
    code, status, side = "ValidationException", 400, None


class InvalidParameterValue(LambdaError):
    code, status = "InvalidParameterValueException", 400


class InvalidRequestContent(LambdaError):
    code, status = "InvalidRequestContentException", 400


class AccessDenied(LambdaError):
    code, status, message_key, side = "AccessDeniedException", 403, "Message", None


class UnknownOperation(LambdaError):
    code, status, side = "UnknownOperationException", 404, None


class ResourceNotFound(LambdaError):
    """:param arn: of the function, with the qualifier that was asked for, ``$LATEST`` if none."""

    code, status, message_key = "ResourceNotFoundException", 404, "Message"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Function not found: {arn}")


class OtherRegion(LambdaError):
    code, status, message_key = "ResourceNotFoundException", 404, "Message"

    def __init__(self, asked: str, here: str) -> None:
        super().__init__(f"Functions from '{asked}' are not reachable in this region ('{here}')")


class RequestEntityTooLarge(LambdaError):
    code, status, message_key, side = "RequestEntityTooLargeException", 413, "Message", None

    def __init__(self, limit_bytes: int, operation: str) -> None:
        super().__init__(f"Request must be smaller than {limit_bytes} bytes for the {operation} operation")


class TooManyRequests(LambdaError):
    """:param reason: one of Lambda's ThrottleReason words.

    :param retry_after_s: shown in whole seconds, at least one.
    """

    code, status = "TooManyRequestsException", 429

    def __init__(self, reason: str, retry_after_s: float = 1.0) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, str]:
        return {"Reason": self.reason, **super().body()}

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "retry-after": _whole_seconds(self.retry_after_s)}


class ServiceFault(LambdaError):
    """Something of ours broke. The message must say nothing of the inside."""

    code, status, message_key, side = "ServiceException", 500, "Message", "Service"

    def __init__(self, message: str = "An error occurred and the request cannot be processed.") -> None:
        super().__init__(message)


class ServiceUnavailable(LambdaError):
    """Draining, or nothing can be started now. AWS clients retry it."""

    code, status, message_key, side = "ServiceUnavailableException", 503, "Message", "Service"

    def __init__(
        self,
        message: str = "Service is not available right now, please try again.",
        retry_after_s: float = 1.0,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "retry-after": _whole_seconds(self.retry_after_s)}


class Unauthenticated(LambdaError):
    """A signature was refused, in the verifier's words."""

    side = None

    def __init__(self, refusal: SignatureError) -> None:
        super().__init__(refusal.message)
        self.code = refusal.code
        self.status = refusal.status


def error_answer(error: LambdaError, request_id: str) -> InvokeAnswer:
    """Render *error* in the shape of the wire."""
    headers = {"content-type": "application/json", "x-amzn-requestid": request_id, **error.headers()}
    return InvokeAnswer(status=error.status, headers=headers, payload=orjson.dumps(error.body()))


def _whole_seconds(seconds: float) -> str:
    return str(max(1, math.ceil(seconds)))
