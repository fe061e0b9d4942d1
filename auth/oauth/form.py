"""The body of a POST, read by us: bounded, of one type, each name once (A16)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from auth.oauth.parameters import MAX_FORM_BYTES, MalformedParameters

FORM = "application/x-www-form-urlencoded"


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


async def read_body(request: Request) -> bytes:
    """:raises MalformedParameters: it is not called a form, or is longer than one may be."""
    if not is_form(request):  # A16
        raise MalformedParameters(f"the body must be {FORM}")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise MalformedParameters("the body is too long")
    except HTTPException as error:  # the door's own bound, if it counts first
        raise MalformedParameters("the body is too long") from error
    return bytes(body)
