"""Who signed a call: the keys of the state, by AWS Signature Version 4 (P5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from starlette.requests import Request

from auth.cognito.refusals import NotSigned
from auth.identity import utc_now
from kit.sigv4 import PresentedSignature, SignatureError, SignedRequest, read_signature

SERVICE: Final = "cognito-idp"


@dataclass(frozen=True, slots=True)
class Signatures:
    """:param secrets: access key id → secret, None if there is no such key. :param region: what must be signed for."""

    secrets: Callable[[str], str | None] = field(repr=False)
    region: str
    clock: Callable[[], datetime] = utc_now

    def read(self, request: Request) -> PresentedSignature:
        """All but the comparison, before any of the body is read. :raises NotSigned: no key of ours, place or time."""
        raw: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        signed = SignedRequest(
            method=request.method,
            raw_path=raw.partition(b"?")[0].decode("latin-1"),
            query=query.decode("latin-1"),
            headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.scope["headers"]],
        )
        try:
            return read_signature(signed, self.secrets, region=self.region, service=SERVICE, now=self.clock())
        except SignatureError as error:
            raise NotSigned(error) from error


def signer(presented: PresentedSignature, body: bytes) -> str:
    """:returns: the access key id. :raises NotSigned: another secret, or another body."""
    try:
        return presented.check(sha256(body).hexdigest())  # P5
    except SignatureError as error:
        raise NotSigned(error) from error
