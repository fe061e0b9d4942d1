"""The runtime folder of Node functions: ``@aws-sdk/*`` v3 at ``/var/runtime/node_modules``, last on the path."""

from pathlib import Path

from executor.language import Installation


def installed(_state: Path, _installation: Installation) -> Path | None:
    return None
