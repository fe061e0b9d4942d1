"""Which image a runtime runs in when nobody says otherwise, and how Debian makes one like it.

Stock images are the languages' own, on Debian: their `slim` variants. An offline image is made of Debian's packages
alone, so it exists for the versions that a Debian release has.
"""

import re
from dataclasses import dataclass

from executor.language import language_name

OFFLINE_TAG = "offline"
_VERSION = re.compile(r"[a-z]+(?P<version>\d+(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """:param suite: of Debian. :param packages: what it has beside the essential ones."""

    suite: str
    packages: tuple[str, ...]


# Certificates, names of services, time zones: what the languages' own slim images have, too.
COMMON = ("ca-certificates", "netbase", "tzdata")
_PYTHON = ("python3-minimal", "libpython3-stdlib")
RECIPES = {
    "python3.11": Recipe(suite="bookworm", packages=(*COMMON, *_PYTHON)),
    "python3.13": Recipe(suite="trixie", packages=(*COMMON, *_PYTHON)),
    "nodejs18": Recipe(suite="bookworm", packages=(*COMMON, "nodejs")),
    "nodejs20": Recipe(suite="trixie", packages=(*COMMON, "nodejs")),
    "ruby3.1": Recipe(suite="bookworm", packages=(*COMMON, "ruby")),
    "ruby3.3": Recipe(suite="trixie", packages=(*COMMON, "ruby")),
    "java17": Recipe(suite="bookworm", packages=(*COMMON, "openjdk-17-jre-headless")),
    "java21": Recipe(suite="trixie", packages=(*COMMON, "openjdk-21-jre-headless")),
    "provided": Recipe(suite="bookworm", packages=COMMON),
}


def canonical(runtime: str) -> str:
    """One name for all that mean the same image: ``nodejs22`` for ``nodejs22.x``, ``provided`` for all of them."""
    if runtime.startswith("provided"):
        return "provided"
    return re.sub(r"\.(x|al\d+)$", "", runtime)


def offline_image(runtime: str) -> str:
    return f"lockgate/{canonical(runtime)}:{OFFLINE_TAG}"


def stock_image(runtime: str) -> str:
    """The reference on Docker Hub.

    :raises KeyError: no such language.
    """
    match = _VERSION.match(canonical(runtime))
    version = (match["version"] or "") if match is not None else ""
    return {
        "python": f"python:{version}-slim-bookworm",
        "nodejs": f"node:{version}-bookworm-slim",
        "ruby": f"ruby:{version}-slim-bookworm",
        "java": f"eclipse-temurin:{version}-jre",
        "provided": "debian:bookworm-slim",
    }[language_name(runtime)]


def nearest_recipe(runtime: str) -> str | None:
    """The runtime of the same language that Debian can make: the next newer one, else the newest."""
    language = language_name(runtime)
    made = sorted((name for name in RECIPES if language_name(name) == language), key=_numbers)
    return next(
        (name for name in made if _numbers(name) >= _numbers(canonical(runtime))), made[-1] if made else None
    )


def _numbers(runtime: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", runtime))
