"""Messages of a pull, as an engine sends them, become one number that never goes back."""

from typing import Any

from executor.images.progress import Layers


def message(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    detail = {"current": current, "total": total} if total else {}
    return {"id": layer, "status": status, "progressDetail": detail}


PULL = [
    message("a", "Pulling fs layer"),
    message("b", "Pulling fs layer"),
    message("a", "Downloading", 50, 100),
    message("b", "Downloading", 30, 300),
    message("a", "Verifying Checksum"),
    message("a", "Download complete"),
    message("a", "Extracting", 100, 100),
    message("b", "Downloading", 300, 300),
    message("a", "Pull complete"),
    message("b", "Extracting", 150, 300),
    message("b", "Pull complete"),
]


def test_progress_grows_until_all_is_there() -> None:
    layers = Layers("python:3.13")
    steps = [step for each in PULL if (step := layers.read(each)) is not None]
    shares = [step.done / step.total for step in steps if step.total == 400]
    assert shares == sorted(shares)
    assert (steps[-1].done, steps[-1].total, steps[-1].text) == (400, 400, "pulling python:3.13")


def test_layers_that_are_there_already_count_as_done() -> None:
    layers = Layers("x")
    layers.read(message("a", "Already exists"))
    step = layers.read(message("b", "Downloading", 100, 100))
    assert step is not None
    assert (step.done, step.total) == (66, 100)


def test_words_about_no_layer_are_no_progress() -> None:
    layers = Layers("x")
    assert layers.read({"status": "Digest: sha256:00"}) is None
    assert layers.read({"id": "latest", "status": "Pulling from library/x"}) is None
    assert layers.read({"id": "a", "status": "Retrying in 5 seconds"}) is None
