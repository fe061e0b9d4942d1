"""The languages beside Python that functions can be written in. One entry each; nothing else knows their names."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from executor.language import Installation, Language, language_name
from executor.runtimes.java.language import JAVA
from executor.runtimes.node.language import NODE
from executor.runtimes.ruby.language import RUBY

LANGUAGES: tuple[Language, ...] = (JAVA, NODE, RUBY)

_BY_NAME = {language.name: language for language in LANGUAGES}


def language_of(runtime: str) -> Language | None:
    """The language of a runtime name such as ``nodejs22.x``; None for Python, ``provided`` and unknown ones."""
    return _BY_NAME.get(language_name(runtime))


def find_programs(cache: Path | None) -> Mapping[str, tuple[Installation, ...]]:
    """What this machine has of each language, newest first. Blocks until every candidate has answered."""
    with ThreadPoolExecutor(len(LANGUAGES), thread_name_prefix="languages") as pool:
        return dict(zip(_BY_NAME, pool.map(lambda language: language.find(cache), LANGUAGES), strict=True))
