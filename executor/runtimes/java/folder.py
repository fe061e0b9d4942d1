"""The runtime folder of Java functions: AWS's runtime interface client and what it needs, in ``/var/runtime/lib``.

Downloaded once from Maven Central, each file by the hash in ``artifacts.json``; it runs on every Java from 8 on, so
all installations share one folder. State: ``STATE/runtimes/java/KEY/``.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from executor.language import Installation
from executor.packages.draft import Draft
from executor.packages.errors import PackageError
from executor.packages.listing import Limits

if TYPE_CHECKING:
    import httpx

ARTIFACTS = Path(__file__).with_name("artifacts.json")
REPOSITORY = "https://repo1.maven.org/maven2"
# A mirror, as companies run them; the hashes stay what they are.
REPOSITORY_VARIABLE = "LOCKGATE_MAVEN_REPOSITORY"
TIMEOUT_S = 30.0  # to connect, and between two pieces; a whole file is at most 4 MB

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """:param path: below the repository's address. :param sha256: lower-case hex."""

    name: str
    path: str
    sha256: str
    bytes: int


@cache
def artifacts() -> tuple[Artifact, ...]:
    return tuple(Artifact(**each) for each in json.loads(ARTIFACTS.read_bytes()))


def installed(state: Path, _installation: Installation | None = None) -> Path | None:
    """The folder, when it is there: it came by one rename, and so whole."""
    folder = _folder(state)
    return folder if folder.is_dir() else None


def install(state: Path, on_progress: Progress = lambda _: None) -> Path:
    """Make the folder, or find it. Blocks for seconds.

    :raises PackageError: ``dependencies``: a file cannot be fetched, or is not the one that its hash names.
    """
    folder = installed(state)
    if folder is not None:
        return folder
    import httpx  # 10 MB of memory, which a server that finds the folder saves

    repository = os.environ.get(REPOSITORY_VARIABLE, REPOSITORY).rstrip("/")
    limits = Limits(max_bytes=sum(each.bytes for each in artifacts()))
    with (
        Draft(_folder(state).parent, ARTIFACTS, limits) as draft,
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client,
    ):
        for artifact in artifacts():
            on_progress(f"fetching {artifact.name}")
            try:
                _fetch(client, f"{repository}/{artifact.path}", artifact, draft)
            except httpx.HTTPError as error:
                message = f"{repository}/{artifact.path}: {error}"
                raise PackageError("dependencies", message, ARTIFACTS) from error
        draft.commit(_folder(state))
    return _folder(state)


def _fetch(client: "httpx.Client", address: str, artifact: Artifact, draft: Draft) -> None:
    hasher = hashlib.sha256()

    def hashed(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            hasher.update(chunk)
            yield chunk

    with client.stream("GET", address) as response:
        response.raise_for_status()
        draft.add_file(f"lib/{artifact.name}", hashed(response.iter_bytes()), executable=False)
    if hasher.hexdigest() != artifact.sha256:
        message = f"{address} has the SHA-256 {hasher.hexdigest()}, not {artifact.sha256}: it is not used"
        raise PackageError("dependencies", message, ARTIFACTS)


def _folder(state: Path) -> Path:
    key = hashlib.sha256(ARTIFACTS.read_bytes()).hexdigest()[:16]
    return state / "runtimes" / "java" / key
