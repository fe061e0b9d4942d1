"""The last good generation, kept for an executor that is started again: it goes on exactly where the last one was.

It lies in a file without a name that the supervisor holds (secrets of the routes file touch no disk) and dies with it.
A copy that was only half written is none.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from executor.revision import Revision
from lockgate.config.grammar.file import RoutesFile
from lockgate.parts.document import file_of, resolved
from lockgate.served import Served

_DIGEST_BYTES = 32
_REVISIONS: TypeAdapter[list[Revision]] = TypeAdapter(list[Revision])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """:param data: the file's bytes then."""

    number: int
    file: RoutesFile
    data: bytes
    revisions: list[Revision]
    account: str
    region: str


def keep(fd: int, served: Served, path: Path, *, account: str, region: str) -> None:
    """Write *served* down. :param path: of the routes file."""
    content = orjson.dumps(
        {
            "number": served.number,
            "folder": str(path.absolute().parent),
            "value": resolved(served.data, path),
            "data": served.data.decode("latin-1"),
            "revisions": _REVISIONS.dump_python(list(served.functions.revisions.values()), mode="json"),
            "account": account,
            "region": region,
        }
    )
    os.pwrite(fd, bytes(_DIGEST_BYTES), 0)  # what follows is not whole until its digest is there again
    os.ftruncate(fd, _DIGEST_BYTES)
    written = 0
    while written < len(content):
        written += os.pwrite(fd, content[written:], _DIGEST_BYTES + written)
    os.pwrite(fd, hashlib.sha256(content).digest(), 0)


def kept(fd: int) -> Kept | None:
    """What was written down last; None where that is nothing, or not whole."""
    size = os.fstat(fd).st_size
    digest, content = os.pread(fd, _DIGEST_BYTES, 0), os.pread(fd, size, _DIGEST_BYTES)
    if hashlib.sha256(content).digest() != digest:
        return None
    found: dict[str, Any] = orjson.loads(content)
    revisions = _REVISIONS.validate_python(found["revisions"], strict=False)
    if any(Revision.of(each.config, each.package, each.image).digest != each.digest for each in revisions):
        return None
    return Kept(
        number=found["number"],
        file=file_of(found["value"], found["folder"]),
        data=found["data"].encode("latin-1"),
        revisions=revisions,
        account=found["account"],
        region=found["region"],
    )
