"""What the edge itself says: fixed JSON refusals in API Gateway's texts, with a request id and no banner."""

import base64
import os
from http import HTTPStatus

MESSAGES: dict[int, str] = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}

_PHRASES = {int(status): status.phrase for status in HTTPStatus}
STATUS_LINES: dict[int, bytes] = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(200, 600)
}


def new_request_id() -> str:
    """Return an id in the shape of API Gateway's: 16 URL-safe base64 characters that end in ``=``."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def refusal(status: int, date: bytes, message: str = "") -> bytes:
    """Return the whole answer of the edge for *status*, which must be a key of `MESSAGES`.

    :param date: an IMF-fixdate, as bytes.
    :param message: another text than that of `MESSAGES`, plain ASCII without quotes.
    """
    body = b'{"message":"%b"}' % (message or MESSAGES[status]).encode()
    return (
        b"%bdate: %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"apigw-requestid: %b\r\nconnection: close\r\n\r\n%b"
    ) % (STATUS_LINES[status], date, len(body), new_request_id().encode(), body)
