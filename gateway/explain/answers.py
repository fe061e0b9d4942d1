"""The answer exactly as a client would get it, but for the request's id and what its connection adds."""

from gateway.cors import CorsPolicy
from gateway.errors import GatewayError, render
from gateway.explain.question import EdgeRefusal
from gateway.explain.values import REQUEST_ID, Answer, Speaker
from gateway.request import HttpRequest
from gateway.response import BODILESS, Fields, HttpResponse
from kit.edge_answers import MESSAGES

_ID = (b"apigw-requestid", REQUEST_ID.encode())
_HIDDEN = b"<not shown>"
# Of a `respond:`, whose other headers may come from the environment.
_SHOWN = frozenset({b"cache-control", b"content-type", b"etag", b"last-modified", b"vary", _ID[0]})


def of_edge(refusal: EdgeRefusal) -> Answer:
    body = b'{"message":"%b"}' % MESSAGES[refusal.edge_status].encode()
    headers: Fields = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        _ID,
    ]
    return Answer(by="edge", status=refusal.edge_status, headers=headers, body=body, body_bytes=len(body))


def of_error(error: GatewayError, request: HttpRequest, cors: CorsPolicy | None) -> Answer:
    return _sent("gateway", render(error), request, cors)


def of_preflight(response: HttpResponse, request: HttpRequest) -> Answer:
    return _sent("cors", response, request, None)


def of_respond(response: HttpResponse, request: HttpRequest, cors: CorsPolicy | None) -> Answer:
    """Neither the body nor the headers that only the file knows."""
    sent = _sent("respond", response, request, cors)
    headers = [
        (
            name,
            value
            if name in _SHOWN or name.startswith(b"access-control-") or name == b"content-length"
            else _HIDDEN,
        )
        for name, value in sent.headers
    ]
    return Answer(by="respond", status=sent.status, headers=headers, body=None, body_bytes=sent.body_bytes)


def _sent(by: Speaker, response: HttpResponse, request: HttpRequest, cors: CorsPolicy | None) -> Answer:
    """As `Gateway` sends a response."""
    if cors is not None:
        response = cors.apply(request, response)
    is_head = request.method == "HEAD"
    headers: Fields = [*response.headers, _ID]
    if response.status not in BODILESS and (response.body or not is_head):
        headers.append((b"content-length", b"%d" % len(response.body)))
    body = b"" if is_head else response.body
    return Answer(by=by, status=response.status, headers=headers, body=body, body_bytes=len(body))
