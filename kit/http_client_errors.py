"""What can go wrong with one outgoing call of `kit.http_client`. Messages name the endpoint and never a body."""


class HttpClientError(Exception):
    """:ivar was_sent: the whole request may have reached the peer, so that doing it again may do it twice."""

    was_sent = True


class ConnectFailed(HttpClientError):
    """There was no connection to be had; nothing was sent."""

    was_sent = False


class NoConnection(HttpClientError):
    """All connections were busy for as long as the caller would wait, or too many waited already; nothing was sent."""

    was_sent = False


class ClientClosed(HttpClientError):
    """The client was closed before the request was sent."""

    was_sent = False


class ResponseTimeout(HttpClientError):
    """The request's time passed, or the answer stood still for too long. Its connection is closed."""


class ConnectionLost(HttpClientError):
    """The connection ended before the answer did.

    :param was_sent: False only if at least the last byte of the request cannot have left.
    """

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class BadResponse(HttpClientError):
    """The peer does not speak HTTP/1.1, or frames its answer in a way that cannot be trusted."""


class TooLarge(HttpClientError):
    """The answer's head or body is larger than the caller takes."""
