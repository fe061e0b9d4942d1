"""CORS."""

from dataclasses import dataclass

from gateway.request import HttpRequest
from gateway.response import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSpec:
    """:param allow_origins: ``scheme://host[:port]``, ``*``, ``https://*`` or ``http://*``.
    :param allow_methods: :param allow_headers: :param expose_headers: names, or ``*``.
    :param max_age_s: None: the header is not sent.
    """

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None
    allow_credentials: bool = False


class CorsPolicy:
    def __init__(self, spec: CorsSpec) -> None:
        self.spec = spec

    def preflight(self, request: HttpRequest) -> HttpResponse | None:
        """The answer of a preflight; None: the request is none."""
        return None

    def apply(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response with this policy's headers in place of the integration's."""
        return response
