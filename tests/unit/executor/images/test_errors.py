"""What engines and registries say, told so that one knows what to do. The words are theirs (20.10 to 28)."""

import pytest
import requests

from executor.images.errors import ImageError, engine_words, image_error


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "disk-full"),
        ("manifest for python:9.9 not found: manifest unknown: manifest unknown", "missing"),
        ("pull access denied for r, repository does not exist or may require 'docker login'", "refused"),
        ("unauthorized: authentication required", "refused"),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
            "registry",
        ),
        ('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "registry"),
        ("no matching manifest for linux/amd64 in the manifest list entries", "architecture"),
        ("something new", "failed"),
    ],
)
def test_words_of_the_engine_tell_the_cause(words: str, code: str) -> None:
    error = engine_words(words, image="r:1")
    assert (error.code, words in error.what) == (code, True)
    assert "r:1" in error.what or code == "disk-full"
    assert error.instead


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file"), "engine-absent"),
        (ConnectionRefusedError(111, "refused"), "engine-absent"),
        (PermissionError(13, "denied"), "engine-denied"),
        (TimeoutError("timed out"), "engine-slow"),
        (requests.ReadTimeout("read"), "engine-slow"),
        (requests.ConnectionError("aborted", FileNotFoundError(2, "No such file")), "engine-absent"),
        (requests.ConnectionError("aborted", PermissionError(13, "denied")), "engine-denied"),
        (requests.ConnectionError("reset"), "failed"),
    ],
)
def test_what_libraries_raise_is_looked_through(error: Exception, code: str) -> None:
    found = image_error(error, image="", engine="unix:///run/docker.sock")
    assert (found.code, "unix:///run/docker.sock" in found.what) == (code, True)


def test_faults_of_ours_are_not_the_engines() -> None:
    with pytest.raises(KeyError):
        image_error(KeyError("x"), image="", engine="")
    assert not issubclass(ImageError, OSError)
