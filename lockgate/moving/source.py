"""The lines of a file of users, read twice: once to judge all of them, once to write them.

In constant memory, however long the file is. What comes from a pipe is kept in a file of nobody else's meanwhile.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lockgate.errors import UsageError

MAX_LINE_BYTES = 256 * 1024  # fifty attributes of 2,048 characters, and some
STANDARD_INPUT = "-"
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """:param number: from 1. :param data: without its end. None: it is longer than a line may be.

    :param end: bytes of the file up to its end.
    """

    number: int
    data: bytes | None
    end: int


class Source:
    """:param name: for people. :param total: bytes."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._file = file
        self.total = file.seek(0, 2)

    def lines(self) -> Iterator[Line]:
        """From the beginning. Lines without anything in them are left out; a byte order mark is none of it."""
        self._file.seek(0)
        number, end = 0, 0
        while data := self._file.readline(MAX_LINE_BYTES + 1):
            number, end = number + 1, end + len(data)
            is_whole = len(data) <= MAX_LINE_BYTES
            while not data.endswith(b"\n") and (rest := self._file.readline(MAX_LINE_BYTES)):
                end, data, is_whole = end + len(rest), rest, False
            text = data.removeprefix(_BOM) if number == 1 else data
            if text.strip():
                yield Line(number, text.rstrip(b"\r\n") if is_whole else None, end)


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """:param name: a path, or ``-``. :raises UsageError: it cannot be read, or is no text of ours."""
    if name == STANDARD_INPUT:
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            yield _checked("standard input", kept)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below, whoever raises
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}.", "Name a file, or - for standard input."
        ) from error
    with file:
        if not file.seekable():  # a pipe by name, as <(…) makes one
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(file, kept)
                yield _checked(name, kept)
            return
        yield _checked(name, file)


def _checked(name: str, file: BinaryIO) -> Source:
    source = Source(name, file)
    file.seek(0)
    start = file.read(4)
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            raise UsageError(f"{name} is {encoding}.", f"Make it UTF-8: iconv -f {encoding} -t UTF-8.")
    if start.startswith(b"\x1f\x8b"):
        raise UsageError(f"{name} is compressed.", "gunzip -c FILE | lockgate user import -")
    return source
