"""X-Ray trace headers: the caller's if it is well-formed, else one of our own.

Source: AWS X-Ray Developer Guide, "Tracing header".
"""

import re
import secrets

_HEADER = re.compile(
    r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;(Parent=[0-9a-f]{16}|Sampled=[01?]|Self=[0-9a-f-]{1,40}|Lineage=[0-9a-f:|]{1,255}))*"
)


def trace_of(header: str | None, unix_s: float) -> str:
    """:param header: the ``x-amzn-trace-id`` that came, if any."""
    if header is not None and len(header) <= 512 and _HEADER.fullmatch(header):
        return header
    return f"Root=1-{int(unix_s):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
