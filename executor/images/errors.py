"""What can be wrong with an image or with the engine that has it, in words for who runs the server."""

import errno
from collections.abc import Iterator


class ImageError(Exception):
    """:param what: what went wrong. :param instead: what to do about it.
    :param code: ``engine-absent``, ``engine-denied``, ``engine-slow``, ``missing``, ``refused``, ``architecture``,
        ``disk-full``, ``registry`` or ``failed``.
    """

    def __init__(self, code: str, what: str, instead: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.instead = instead


START_ENGINE = (
    "Start it (systemctl start docker), name another one with DOCKER_HOST, or say --driver process."
)
JOIN_GROUP = "Run the server as root, or as a member of the group docker (who can do all that root can)."
MAKE_ROOM = "Make room where the engine keeps its data: docker system df shows what is there."
OFFLINE = "Without a registry: lockgate images build RUNTIME makes one, docker load brings one."
SIGN_IN = "Check the name, or sign in: docker login, as the user who runs the server."

# In what engines and registries say (moby, distribution; 20.10 to 28), what tells the cause.
_DISK = ("no space left on device",)
_MISSING = ("manifest unknown", "not found", "no such image", "name unknown", "manifest for")
_REFUSED = ("unauthorized", "access denied", "authentication required", "no basic auth", "denied:")
_REGISTRY = (
    "dial tcp",
    "no such host",
    "timeout",
    "connection refused",
    "handshake",
    "canceled",
    "http: server gave",
)
_PLATFORM = ("no matching manifest for",)


def image_error(error: Exception, *, image: str, engine: str) -> ImageError:
    """Translate what the SDK raised while it asked *engine* for *image* ("" where it was about no image)."""
    number = next(
        (each.errno for each in _chain(error) if isinstance(each, OSError) and isinstance(each.errno, int)),
        None,
    )
    if number in (errno.EACCES, errno.EPERM):
        return ImageError(
            "engine-denied", f"This user may not use the Docker engine at {engine}.", JOIN_GROUP
        )
    if number in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR, errno.EHOSTUNREACH):
        return ImageError("engine-absent", f"No Docker engine answers at {engine}.", START_ENGINE)
    if any(isinstance(each, TimeoutError) for each in _chain(error)):
        return _slow(engine)
    import requests  # on use, with the SDK: 25 MB that a server with ready images does not need
    from docker.errors import APIError, DockerException, ImageNotFound

    if isinstance(error, requests.Timeout):
        return _slow(engine)
    if isinstance(error, ImageNotFound):
        return missing(image)
    if isinstance(error, APIError):
        return engine_words(str(error.explanation or error), image=image)
    if isinstance(error, ConnectionError):
        return ImageError("failed", f"The Docker engine at {engine} broke off: {error}.", "Look at its log.")
    if isinstance(error, DockerException | requests.RequestException | OSError):
        return ImageError("failed", f"The Docker engine at {engine} failed: {error}.", START_ENGINE)
    raise error


def _slow(engine: str) -> ImageError:
    what = f"The Docker engine at {engine} does not answer in time."
    return ImageError("engine-slow", what, "Look at its log, or start it again.")


def engine_words(words: str, *, image: str) -> ImageError:
    """Translate what the engine says of *image*, in an answer or in the middle of a pull."""
    lower = words.lower()
    if any(each in lower for each in _DISK):
        return ImageError("disk-full", f"The engine's disk is full: {words}.", MAKE_ROOM)
    if any(each in lower for each in _PLATFORM):
        return ImageError(
            "architecture", f"The image {image} is not made for this machine: {words}.", OFFLINE
        )
    if any(each in lower for each in _REFUSED):
        return ImageError("refused", f"The registry does not give {image}: {words}.", SIGN_IN)
    if any(each in lower for each in _MISSING):
        return ImageError("missing", f"There is no image {image}: {words}.", OFFLINE)
    if any(each in lower for each in _REGISTRY):
        return ImageError("registry", f"The registry of {image} cannot be reached: {words}.", OFFLINE)
    return ImageError("failed", f"The engine failed with {image}: {words}.", "Look at its log.")


def missing(image: str) -> ImageError:
    return ImageError("missing", f"The engine has no image {image}.", OFFLINE)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and what libraries hide in their arguments."""
    pending, seen = [error], set[int]()
    while pending:
        each = pending.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
