"""The offline base images hold what the runtimes of the tests need."""

import pytest

from tests.support.engine import Engine

WORDS = {
    "python3.11": [
        "python3",
        "-c",
        "import ssl, sqlite3, zoneinfo; print(zoneinfo.ZoneInfo('Europe/Berlin'))",
    ],
    "nodejs18": ["node", "-p", "require('crypto').randomUUID() && process.version"],
    "ruby3.1": ["ruby", "-e", "require 'json'; require 'net/http'; puts RUBY_VERSION"],
    "java17": ["java", "-Xshare:auto", "-version"],
    "provided": ["/bin/sh", "-c", "ls -d /etc/ssl/certs"],
}
ANSWERS = {
    "python3.11": b"Europe/Berlin",
    "nodejs18": b"v18.",
    "ruby3.1": b"3.1.",
    "java17": b'version "17.',
    "provided": b"/etc/ssl/certs",
}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("runtime", WORDS)
def test_language_runs_in_its_image(engine: Engine, runtime: str) -> None:
    client = engine.client()
    try:
        printed = client.containers.run(
            engine.images[runtime], WORDS[runtime], remove=True, network_mode="none", stderr=True
        )
    finally:
        client.close()
    assert ANSWERS[runtime] in printed
