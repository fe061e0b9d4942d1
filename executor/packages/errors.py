"""Why code could not become a package."""

from pathlib import Path
from typing import Literal

Code = Literal[
    "missing",  # neither a folder nor a .zip file
    "system",  # the operating system refused: permissions, disk full
    "bad-archive",  # not a zip file that can be read whole
    "unsafe-entry",  # a name, link, type or mode that could act outside of the package
    "too-large",  # over a limit of bytes, entries or compression ratio
    "dependencies",  # requirements.txt could not be installed
    "compile",  # the interpreter could not be run to byte-compile
]


class PackageError(Exception):
    """The code is refused whole, and nothing of it is left in the store.

    :param code: a stable word for programs.
    :param message: one sentence for the person who deploys; it may have further lines of a tool's output.
    :param path: the source at fault: the folder, the archive or one file in it.
    """

    def __init__(self, code: Code, message: str, path: Path) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.path = path
