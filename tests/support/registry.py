"""A registry of container images on loopback (Debian's docker-registry), with a user and a password if wanted."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER, PASSWORD = "puller", "pull-secret-7f3a"
_HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuMv1a6eWTSQfw2zEqhsBIv/SzZtUtnda\n"  # of PASSWORD, bcrypt
_LISTENING = re.compile(rb"listening on (127\.0\.0\.1:\d+)")

_CONFIG = """\
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:0", secret: tests}
"""
_AUTH = "auth: {htpasswd: {realm: tests, path: %s/htpasswd}}\n"


@contextmanager
def registry(folder: Path, *, with_password: bool = False) -> Iterator[str]:
    """Its ``HOST:PORT``; engines take one on 127.0.0.0/8 without TLS."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(_HTPASSWD)
    config = folder / "config.yml"
    config.write_text(_CONFIG % folder + (_AUTH % folder if with_password else ""))
    with subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
    ) as process:
        try:
            assert process.stderr is not None
            address = next(
                (found[1].decode() for line in process.stderr if (found := _LISTENING.search(line))), None
            )
            assert address is not None, "the registry ended before it listened"
            yield address
        finally:
            process.kill()
