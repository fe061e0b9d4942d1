"""Every runtime has an image, and the same one for all its names."""

import pytest

from executor.images.stock import RECIPES, canonical, nearest_recipe, offline_image, stock_image
from executor.language import KNOWN_RUNTIMES


@pytest.mark.parametrize(
    ("runtime", "image"),
    [
        ("python3.13", "python:3.13-slim-bookworm"),
        ("nodejs22.x", "node:22-bookworm-slim"),
        ("nodejs22", "node:22-bookworm-slim"),
        ("ruby3.3", "ruby:3.3-slim-bookworm"),
        ("java21", "eclipse-temurin:21-jre"),
        ("java8.al2", "eclipse-temurin:8-jre"),
        ("provided.al2023", "debian:bookworm-slim"),
    ],
)
def test_stock_image_is_the_languages_own_on_debian(runtime: str, image: str) -> None:
    assert stock_image(runtime) == image


def test_every_known_runtime_has_a_stock_image_and_a_name_for_an_offline_one() -> None:
    for runtime in KNOWN_RUNTIMES:
        assert ":" in stock_image(runtime)
        assert offline_image(runtime).startswith("lockgate/")


def test_names_of_one_runtime_mean_one_image() -> None:
    assert canonical("nodejs22.x") == canonical("nodejs22") == "nodejs22"
    assert {canonical(each) for each in ("provided", "provided.al2", "provided.al2023")} == {"provided"}
    assert canonical("python3.11") == "python3.11"


@pytest.mark.parametrize(
    ("runtime", "nearest"),
    [
        ("python3.11", "python3.11"),
        ("python3.12", "python3.13"),
        ("python3.14", "python3.13"),
        ("nodejs18.x", "nodejs18"),
        ("nodejs22.x", "nodejs20"),
        ("java11", "java17"),
        ("provided.al2", "provided"),
        ("dotnet8", None),
    ],
)
def test_what_debian_can_make_instead_is_the_next_newer_version(runtime: str, nearest: str | None) -> None:
    assert nearest_recipe(runtime) == nearest


def test_recipes_carry_the_names_that_they_are_looked_for_by() -> None:
    assert all(canonical(name) == name for name in RECIPES)
