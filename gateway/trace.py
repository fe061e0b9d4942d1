"""X-Amzn-Trace-Id: a client's valid Root is kept and gets this gateway as its Parent; else a new Root is
made.

Source: AWS X-Ray Developer Guide, "Tracing header".
"""

import re
from dataclasses import dataclass

ROOT_BYTES = 12
PARENT_BYTES = 8

# Long enough for Root, Parent, Self, Sampled and Lineage; a longer one is not read.
MAX_CHARS = 512

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")


@dataclass(slots=True)
class Trace:
    """:param header: what the event's headers show; :param call: what is handed to the function's
    invocation.
    """

    header: str
    call: str


def continue_trace(client: str | None, epoch_s: int, random: bytes) -> Trace:
    """Make the trace of one request.

    :param client: the client's header value, if any; anything but a well-formed Root in it is ignored.
    :param random: `ROOT_BYTES` + `PARENT_BYTES` bytes.
    """
    digits = random.hex()
    parent = digits[2 * ROOT_BYTES :]
    if client is not None:
        parts = _parse(client)
        root = parts.get("root", "")
        if _ROOT.fullmatch(root) is not None:
            sampled = "1" if parts.get("sampled") == "1" else "0"
            header = f"Root={root};Parent={parent};Sampled={sampled}"
            return Trace(header, header)
    header = f"Root=1-{epoch_s:08x}-{digits[: 2 * ROOT_BYTES]}"
    return Trace(header, f"{header};Parent={parent};Sampled=0")


def _parse(client: str) -> dict[str, str]:
    if len(client) > MAX_CHARS:
        return {}
    parts = (part.partition("=") for part in client.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in parts}
