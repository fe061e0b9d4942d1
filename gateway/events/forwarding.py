"""The header fields that the gateway adds to every event, in place of anything that the client said.

What a trusted proxy said is in `HttpRequest` already.
"""

from gateway.exchange import Exchange


def added_fields(exchange: Exchange) -> dict[str, str]:
    request = exchange.request
    return {
        "content-length": str(len(exchange.body)),
        "x-amzn-trace-id": request.trace.header,
        "x-forwarded-for": request.forwarded_for,
        "x-forwarded-port": str(request.port),
        "x-forwarded-proto": request.scheme,
    }
