"""What a reload changed, in words and for programs."""

from typing import Any

import pytest

from executor.revision import FunctionConfig, Revision
from lockgate.changes import Changes, Differences, Snapshot


def revision(name: str, package: str = "p", **config: Any) -> Revision:
    return Revision.of(FunctionConfig(name=name, runtime="python3.13", handler="h.h", **config), package)


def snapshot(
    routes: dict[str, int] | None = None,
    functions: tuple[Revision, ...] = (),
    **sections: object,
) -> Snapshot:
    known = {
        "region": "a",
        "server.domains": (),
        "server.limits.log_mb": 1,
        "server.brand_new": 0,
        "cors": None,
    }
    return Snapshot(
        routes=routes or {},
        revisions={each.config.name: each for each in functions},
        sections=known | {name.replace("__", "."): value for name, value in sections.items()},
    )


def changes(before: Snapshot, after: Snapshot, *, kept: int = 0, started: Snapshot | None = None) -> Changes:
    return Changes.of(before, after, started=(started or before).sections, kept_environments=kept)


@pytest.mark.parametrize(
    ("before", "after", "kept", "sentence"),
    [
        pytest.param(snapshot(), snapshot(), 0, "nothing changed", id="nothing"),
        pytest.param(snapshot(), snapshot(), 1, "nothing changed; 1 warm environment kept", id="kept"),
        pytest.param(
            snapshot({"a": 1, "b": 1, "c": 1}, (revision("notes"),)),
            snapshot({"a": 2, "c": 1, "d": 1, "e": 1, "f": 1}, (revision("notes", "q"),)),
            14,
            "3 routes added, 1 changed, 1 removed; function notes rebuilt; 14 warm environments kept",
            id="everything",
        ),
        pytest.param(snapshot(), snapshot({"a": 1}), 0, "1 route added", id="one"),
        pytest.param(
            snapshot(functions=(revision("a"), revision("gone"))),
            snapshot(functions=(revision("a", timeout_s=3.0), revision("new"))),
            0,
            "function new added; function a changed; function gone removed",
            id="functions",
        ),
        pytest.param(
            snapshot(), snapshot(functions=tuple(revision(name) for name in "abc")), 0,
            "functions a, b and c added", id="three-are-named",
        ),
        pytest.param(
            snapshot(), snapshot(functions=tuple(revision(name) for name in "abcd")), 0,
            "4 functions added", id="four-are-counted",
        ),
        pytest.param(
            snapshot(), snapshot(cors=1, server__domains=("a",)), 0,
            "server.domains and cors changed", id="sections",
        ),
    ],
)  # fmt: skip
def test_sentence(before: Snapshot, after: Snapshot, kept: int, sentence: str) -> None:
    made = changes(before, after, kept=kept)
    assert made.sentence() == sentence
    assert bool(made) == (not sentence.startswith("nothing"))


def test_key_that_is_not_known_to_be_applied_needs_a_restart() -> None:
    """A key of a later version is named, not silently left out, until somebody makes a reload apply it."""
    made = changes(snapshot(), snapshot(region="b", server__brand_new=1, cors=2))
    assert made.needs_restart == ("region", "server.brand_new")
    assert made.restart_sentence() == "region and server.brand_new keep their values until a restart."
    assert made.sections == ("cors",)


def test_restart_is_needed_until_the_value_of_the_start_is_back() -> None:
    started, other = snapshot(), snapshot(region="b")
    assert (
        changes(other, other, started=started).restart_sentence() == "region keeps its value until a restart."
    )
    assert changes(other, started, started=started).restart_sentence() == ""


def test_json_names_everything() -> None:
    made = changes(
        snapshot({"a": 1}, (revision("f"), revision("g"))),
        snapshot({"b": 1}, (revision("f", "q"), revision("g", timeout_s=3.0))),
        kept=2,
    )
    assert made.as_json() == {
        "routes": {"added": ["b"], "changed": [], "removed": ["a"]},
        "functions": {"added": [], "changed": ["f", "g"], "removed": [], "rebuilt": ["f"]},
        "sections": [],
        "kept_environments": 2,
        "needs_restart": [],
    }


def test_differences_are_in_the_files_order() -> None:
    made = Differences.of({"a": 1, "b": 1, "c": 1}, {"d": 1, "c": 2, "a": 2})
    assert (made.added, made.changed, made.removed) == (("d",), ("c", "a"), ("b",))
    assert made
    assert not Differences()


def test_images_of_runtimes_are_in_force_after_a_reload_and_the_engine_is_not() -> None:
    before = snapshot(server__images={}, server__pull="missing", server__engine=None)
    after = snapshot(server__images={"python3.13": "r:1"}, server__pull="never", server__engine="unix:///e")
    assert changes(before, after).needs_restart == ("server.engine",)
