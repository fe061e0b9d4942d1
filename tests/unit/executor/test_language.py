from dataclasses import replace
from pathlib import Path

import pytest

from executor.language import (
    KNOWN_RUNTIMES,
    Installation,
    NotInstalled,
    aws_name,
    describe_choice,
    language_name,
    nearest,
    runtime_name,
    wanted_version,
)
from executor.languages import LANGUAGES, language_of
from executor.runtimes.node.language import NODE


def node(*version: int, language: str = "nodejs") -> Installation:
    release = ".".join(map(str, version))
    return Installation(
        language=language, path=Path(f"/opt/{release}/bin/node"), version=version, release=release,
        home=Path(f"/opt/{release}"),
    )  # fmt: skip


FOUND = (node(24, 1, 0), node(20, 20, 2), node(20, 9, 0), node(18, 4, 1))


@pytest.mark.parametrize(
    ("runtime", "chosen"),
    [
        pytest.param("nodejs20.x", (20, 20, 2), id="its-newest-release"),
        pytest.param("nodejs20", (20, 20, 2), id="short-name"),
        pytest.param("nodejs22.x", (24, 1, 0), id="nearest-newer"),
        pytest.param("nodejs16.x", (18, 4, 1), id="older-than-all"),
        pytest.param("nodejs26.x", (24, 1, 0), id="newer-than-all"),
    ],
)
def test_the_nearest_version_runs_a_function(runtime: str, chosen: tuple[int, ...]) -> None:
    assert nearest(runtime, FOUND, NODE).version == chosen


@pytest.mark.parametrize(
    ("runtime", "chosen"),
    [("ruby3.1", (3, 1, 2)), ("ruby3.x", (3, 3, 0)), ("ruby3.2", (3, 3, 0)), ("ruby2.7", (3, 1, 2))],
)
def test_a_language_with_minor_versions_is_compared_by_both(runtime: str, chosen: tuple[int, ...]) -> None:
    found = (node(3, 3, 0, language="ruby"), node(3, 1, 2, language="ruby"))
    assert nearest(runtime, found, replace(NODE, name="ruby")).version == chosen


def test_no_program_at_all_says_what_to_do() -> None:
    with pytest.raises(
        NotInstalled, match=r"nodejs22.x has no program .*: install Node.js 16 or newer or put"
    ):
        nearest("nodejs22.x", (), NODE)


def test_another_version_than_the_wanted_one_is_told() -> None:
    assert describe_choice("nodejs20.x", FOUND[1]) is None
    assert describe_choice("nodejs22.x", FOUND[0]) == (
        "nodejs22.x is not on this machine: functions run with nodejs 24.1.0 (/opt/24.1.0/bin/node)"
    )


@pytest.mark.parametrize(
    ("runtime", "language", "version"),
    [
        ("nodejs22.x", "nodejs", (22,)),
        ("nodejs22", "nodejs", (22,)),
        ("ruby3.4", "ruby", (3, 4)),
        ("ruby3.x", "ruby", (3,)),
        ("java8.al2", "java", (8,)),
        ("java21", "java", (21,)),
        ("python3.13", "python", (3, 13)),
        ("provided.al2023", "provided", ()),
        ("provided", "provided", ()),
        ("Node 22", "Node 22", ()),
    ],
)
def test_a_name_is_a_language_and_a_version(runtime: str, language: str, version: tuple[int, ...]) -> None:
    assert (language_name(runtime), wanted_version(runtime)) == (language, version)


def test_names_as_aws_spells_them() -> None:
    assert aws_name("nodejs22") == aws_name("nodejs22.x") == "nodejs22.x"
    assert aws_name("java21") == "java21"
    assert runtime_name(FOUND[0]) == "nodejs24.x"
    assert runtime_name(node(3, 1, 2, language="ruby")) == "ruby3.1"
    assert runtime_name(node(17, 0, language="java")) == "java17"


def test_every_known_runtime_but_pythons_and_executables_has_a_language() -> None:
    ours = {runtime for runtime in KNOWN_RUNTIMES if not runtime.startswith(("python", "provided"))}
    names = {language.name for language in LANGUAGES}
    assert {runtime for runtime in ours if language_name(runtime) in names} == {
        runtime for runtime in KNOWN_RUNTIMES if language_of(runtime) is not None
    }
    assert language_of("python3.13") is language_of("provided.al2") is language_of("cobol") is None
