"""`HttpRequest`: what arrived, before anything about it was decided."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.connection import Scope
from gateway.fields import RequestFields
from gateway.request_clock import Moment
from gateway.request_id import REQUEST_ID_BYTES, format_request_id
from gateway.trace import PARENT_BYTES, ROOT_BYTES, Trace, continue_trace
from kit.forwarded import NO_TRUST, ProxyTrust, peer_of

_RANDOM_BYTES = REQUEST_ID_BYTES + ROOT_BYTES + PARENT_BYTES


@dataclass(slots=True, kw_only=True)
class HttpRequest:
    """Treat it as frozen (it is not declared so: a microsecond a request).

    :param raw_path: :param raw_query: as on the wire, unchecked; the query without ``?``.
    :param host: the Host header without its port, ``""`` if there was none.
    :param source_ip: the client: the peer, or what a trusted proxy says.
    :param port: of the listener that accepted the connection; :param scheme: ``http`` or ``https``. Both as
        the client used them, when a trusted proxy says so.
    :param forwarded_for: the way here, the peer last.
    """

    request_id: str
    at: Moment
    trace: Trace
    method: str
    raw_path: bytes
    raw_query: bytes
    fields: RequestFields
    host: str
    source_ip: str
    scheme: str
    port: int
    forwarded_for: str

    @classmethod
    def from_scope(
        cls, scope: Scope, at: Moment, entropy: Callable[[int], bytes], trust: ProxyTrust = NO_TRUST
    ) -> "HttpRequest":
        """Read an ASGI scope; never fails, whatever the client sent.

        :param entropy: gives so many random bytes (`os.urandom`).
        :param trust: which peers may say where a request came from.
        """
        fields = RequestFields(scope["headers"])
        joined = fields.joined
        random = entropy(_RANDOM_BYTES)
        server = scope.get("server")
        scheme: str = scope.get("scheme", "http")
        port = (server[1] if server is not None else None) or (443 if scheme == "https" else 80)
        source_ip = forwarded_for = peer = peer_of(scope.get("client"))
        if trust.trusts(peer):
            origin = trust.origin(scope["headers"], peer=peer, scheme=scheme, port=port)
            source_ip, scheme, port = origin.source_ip, origin.scheme, origin.port
            forwarded_for = origin.forwarded_for
        return cls(
            request_id=format_request_id(random[:REQUEST_ID_BYTES]),
            at=at,
            trace=continue_trace(joined.get("x-amzn-trace-id"), at.epoch_s, random[REQUEST_ID_BYTES:]),
            method=scope["method"],
            raw_path=scope["raw_path"],
            raw_query=scope["query_string"],
            fields=fields,
            host=_without_port(joined.get("host", "")),
            source_ip=source_ip,
            scheme=scheme,
            port=port,
            forwarded_for=forwarded_for,
        )


def _without_port(host: str) -> str:
    if host.startswith("["):  # an IPv6 address
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
