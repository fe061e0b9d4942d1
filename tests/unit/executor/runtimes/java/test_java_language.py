"""How a Java function is started, and which programs of a machine can."""

from pathlib import Path

import pytest

from executor.drivers.process.variables import LAMBDA_PATH
from executor.language import Installation, Place, of_an_image
from executor.programs import Search, find_in
from executor.revision import FunctionConfig
from executor.runtimes.java.language import _SEARCH, JAVA, machine_options

HERE = Installation(
    language="java", path=Path("/jdk/bin/java"), version=(17,), release="17", home=Path("/jdk")
)


def config(**changes: object) -> FunctionConfig:
    values = {"name": "f", "runtime": "java17", "handler": "example.Handler::run", "memory_mb": 512} | changes
    return FunctionConfig(**values)  # type: ignore[arg-type]  # a table of fields


def test_only_the_runtime_is_on_the_class_path_and_the_handler_is_the_last_word() -> None:
    command = JAVA.command(HERE, Place(files="", task="/var/task", runtime="/var/runtime"), config())
    assert command[0] == "/jdk/bin/java"
    assert command[-4:] == [
        "-cp",
        "/var/runtime/lib/*",
        "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
        "example.Handler::run",
    ]


def test_an_image_whose_java_is_in_a_folder_of_its_own_needs_a_path() -> None:
    place = Place(files="", task="/var/task", runtime="/var/runtime")
    path = JAVA.variables(of_an_image("java21"), place, config())["PATH"]
    assert path == f"{LAMBDA_PATH}:/opt/java/openjdk/bin"
    assert JAVA.variables(HERE, place, config()) == {}


@pytest.mark.parametrize(("memory_mb", "heap_kib"), [(128, 110_592), (512, 445_440), (10_240, 8_912_896)])
def test_the_heap_has_85_percent_of_the_memory(memory_mb: int, heap_kib: int) -> None:
    assert f"-XX:MaxHeapSize={heap_kib}k" in machine_options(memory_mb)


def program(folder: Path, prints: str) -> None:
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("prints", "version"),
    [
        ("openjdk 17.0.15 2025-04-15", (17, 0, 15)),
        ("java 21 2023-09-19 LTS", (21,)),
        ("openjdk 10.0.2 2018-07-17", None),
        ("no version at all", None),
    ],
)
def test_a_program_says_its_version_in_words(
    tmp_path: Path, prints: str, version: tuple[int, ...] | None
) -> None:
    program(tmp_path / "jdk", prints)
    search: Search = _SEARCH
    found = find_in(search, (tmp_path / "jdk" / "bin",), None)
    assert [each.version for each in found] == ([] if version is None else [version])
    assert all(each.home == tmp_path / "jdk" for each in found)
